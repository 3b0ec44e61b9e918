/*
 * The service "pairs": its table, and its state in each role.
 */
#include "services/pairs/pairs.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "accounts/posts.h"
#include "accounts/push.h"
#include "accounts/vapid.h"
#include "core/obs/log.h"
#include "core/realtime/engineio.h"
#include "services/pairs/media_make.h"
#include "services/pairs/pairs_change.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_priv.h"

enum {
	/* Descriptors that are not sessions: database, channels, listeners, other connections. */
	DESCRIPTORS_KEPT = 256,
	SESSIONS_LEAST = 64,
};

static unsigned most_sessions(void)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < DESCRIPTORS_KEPT + SESSIONS_LEAST) {
		return SESSIONS_LEAST;
	}
	rlim_t n = limit.rlim_cur - DESCRIPTORS_KEPT;
	return n > ENGINEIO_SESSIONS_MAX ? ENGINEIO_SESSIONS_MAX : (unsigned)n;
}

static enum err open_servers(struct pairs_state *state)
{
	struct svc_env *env = state->env;
	bool conformance = pairs_is_conformance(env->conf);
	struct socketio_settings settings = pairs_settings(env->conf, state->most_sessions);
	enum err e = live_new(env, &state->fanout, &state->live);

	if (e == ERR_OK) {
		e = socketio_new(env->loop, env->metrics, (unsigned)env->instance, &settings,
		    conformance ? conformance_namespaces : live_namespaces,
		    conformance ? conformance_n_namespaces : LIVE_NAMESPACES, state, &state->io);
	}
	if (e == ERR_OK && conformance) {
		e = engineio_new(env->loop, env->metrics, (unsigned)env->instance, &settings.engine,
		    &conformance_engine, state, &state->engine);
	}
	if (e == ERR_OK) {
		engineio_set_gate(socketio_engine(state->io), pairs_may_open, state);
		engineio_set_homes(
		    socketio_engine(state->io), env->realtime_first, env->realtime_n);
	}
	return e;
}

static void stop(struct svc_env *env, void *v)
{
	struct pairs_state *state = v;

	(void)env;
	socketio_free(&state->io);
	engineio_free(&state->engine);
	live_free(&state->live);
	blob_close(&state->blobs);
	free(state);
}

/* Files are opened here: later the sandbox is closed. */
static enum err open_files(struct pairs_state *state, struct err_note *note)
{
	const struct svc_env *env = state->env;
	bool writes = env->role == ROLE_FILES;

	return writes || env->role == ROLE_WEB || env->role == ROLE_MEDIA
		   ? media_files_open(
			 env->data_dir, writes ? BLOB_WRITE : BLOB_READ, &state->blobs, note)
		   : ERR_OK;
}

/* The texts are the configuration's, so each one is told. */
static void set_target(struct svc_env *env)
{
	if (env->role == ROLE_COURIER) {
		posts_set_target(env, conf_str(env->conf, "pairs", "webhook_url"),
		    conf_str(env->conf, "pairs", "webhook_secret"));
	}
	bool is_on = conf_bool(env->conf, "pairs", "push");
	const struct push_policy policy = { .hosts = conf_str(env->conf, "pairs", "push_hosts"),
		.allow_private = conf_bool(env->conf, "pairs", "push_private") };
	push_set_policy(env, &policy, is_on);
	const char *contact = conf_str(env->conf, "pairs", "push_contact");
	vapid_set_contact(
	    env, *contact != '\0' ? contact : conf_str(env->conf, "plimsoll", "public_url"));
}

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	struct pairs_state *state = calloc(1, sizeof(*state));
	enum err e = ERR_OK;

	if (state == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for pairs");
	}
	state->env = env;
	state->most_sessions = most_sessions();
	if (env->role == ROLE_WEB) {
		e = open_servers(state);
	}
	if (e == ERR_OK) {
		e = open_files(state, note);
	}
	set_target(env);
	state->first.reserve = (unsigned)conf_int(env->conf, "pairs", "signup_reserve");
	if (env->role == ROLE_SIGNER && push_is_on(env)) {
		e = vapid_load(env, note);
		if (e != ERR_OK) {
			stop(env, state);
			return e;
		}
	}
	if (env->role == ROLE_STORE && conf_bool(env->conf, "pairs", "test_doors")) {
		LOG(LOG_WARN, "pairs", "test_doors_are_open",
		    LOG_C("consequence", "anybody can confirm any address"));
	}
	if (e != ERR_OK) {
		stop(env, state);
		return err_note_set(note, e, "pairs: %s", err_text(e));
	}
	*ret_state = state;
	return ERR_OK;
}

/* Once there are peers to ask. */
static enum err ready(struct svc_env *env, void *v, struct err_note *note)
{
	(void)v;
	if (env->role == ROLE_WEB) {
		media_jobs_start(env);
	}
	return env->role == ROLE_WEB && push_is_on(env) ? vapid_fetch(env, note) : ERR_OK;
}

static void reload(struct svc_env *env, void *v)
{
	struct pairs_state *state = v;

	set_target(env);
	state->first.reserve = (unsigned)conf_int(env->conf, "pairs", "signup_reserve");
	if (state->io != NULL) {
		struct socketio_settings settings = pairs_settings(env->conf, state->most_sessions);
		socketio_set(state->io, &settings);
		if (state->engine != NULL) {
			engineio_set(state->engine, &settings.engine);
		}
	}
}

static void drain(struct svc_env *env, void *v, int64_t deadline_us)
{
	struct pairs_state *state = v;
	int64_t until_us = loop_now_us(env->loop) + conf_ms(env->conf, "pairs", "drain") * 1000;

	until_us = until_us < deadline_us ? until_us : deadline_us;
	if (state->io != NULL) {
		live_drain(state->live);
		engineio_drain(socketio_engine(state->io), until_us);
	}
	if (state->engine != NULL) {
		engineio_drain(state->engine, until_us);
	}
}

static void told(struct svc_env *env, void *v, struct slice message)
{
	struct pairs_state *state = v;

	(void)env;
	live_told(state->live, message);
}

static const struct rpc_def *const rpcs[] = {
	&pairs_change,
	&pairs_picture_lease,
	&pairs_clean,
	&pairs_media_piece,
	&pairs_media_keep,
	&pairs_media_put_file,
	&pairs_media_drop,
	&pairs_media_remove,
	&pairs_media_old,
	&pairs_media_make,
};

/* What its rows are by rank. */
static const char *const classes[SHED_RANKS] = {
	[SHED_LATE] = "reading",
	[SHED_MIDDLE] = "login",
	[SHED_EARLY] = "browsing",
	[SHED_POLLING] = "polling",
	[SHED_FIRST] = "signals",
};

const struct service pairs_service = {
	.name = "pairs",
	.summary = "a backend for two people: REST, and Socket.IO over WebSocket and long polling",
	.listener = "pairs",
	.ops = pairs_ops,
	.n_ops = PAIRS_OPS,
	.not_found = pairs_not_found,
	.wrong_method = pairs_wrong_method,
	.error = pairs_error,
	.decorate = pairs_decorate,
	.classes = classes,
	.rank = pairs_rank,
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.stmts = { pairs_stmts, PAIRS_STMTS },
	.migrations = pairs_migrations,
	.n_migrations = PAIRS_MIGRATIONS,
	.conf = { pairs_conf_keys, PAIRS_CONF_KEYS },
	.metrics = live_metrics,
	.n_metrics = LIVE_METRICS,
	.base_metrics = engineio_metrics,
	.n_base_metrics = ENGINEIO_METRICS,
	.start = start,
	.stop = stop,
	.ready = ready,
	.reload = reload,
	.drain = drain,
	.told = told,
	.audit = pairs_audit,
	.anonymise = pairs_anonymise,
	.check = pairs_conf_check,
};
