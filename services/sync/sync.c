/*
 * The service "sync": its table, and its state in each role.
 */
#include "services/sync/sync.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/outside.h"
#include "services/sync/db.h"
#include "services/sync/fx_change.h"
#include "services/sync/purge.h"
#include "services/sync/secrets.h"
#include "services/sync/sync_priv.h"
#include "services/sync/token_server.h"
#include "services/sync/weave.h"
#include "services/sync/weave_change.h"
#include "services/sync/write.h"

enum {
	PATH_MAX_BYTES = 4200
};

struct sync_state *sync_state(const struct svc_env *env)
{
	return svc_state(env, &sync_service);
}

static void free_state(struct sync_state *state)
{
	hawk_nonces_close(&state->nonces);
	sync_backoff_close(&state->backoff);
	jwt_keys_free(&state->jwt_keys);
	token_cache_free(&state->tokens);
	weave_cache_free(&state->weave_cache);
	OPENSSL_cleanse(&state->secrets, sizeof(state->secrets));
	free(state);
}

static enum err open_nonces(struct sync_state *state, struct err_note *note)
{
	const char *folder = state->env->data_dir;
	char path[PATH_MAX_BYTES];

	if (folder == NULL) {
		return hawk_nonces_open(NULL, &state->nonces, note);
	}
	(void)snprintf(path, sizeof(path), "%s/sync.nonces", folder);
	return hawk_nonces_open(path, &state->nonces, note);
}

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	struct sync_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for sync");
	}
	state->env = env;
	state->limits = sync_limits_of(env->conf);
	enum err e = public_url_parse(
	    slice_str(conf_str(env->conf, "plimsoll", "public_url")), &state->url, note);
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = open_nonces(state, note);
	}
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = sync_backoff_open(env, &state->backoff, note);
	}
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = token_cache_new(&state->tokens);
	}
	bool has_old_api = strcmp(conf_str(env->conf, "sync", "old_api"), "off") != 0;
	if (e == ERR_OK && env->role == ROLE_WEB && has_old_api) {
		e = weave_cache_new(&state->weave_cache);
	}
	const char *jwks = conf_str(env->conf, "sync", "oauth_jwks");
	if (e == ERR_OK && env->role == ROLE_WEB && *jwks != '\0') {
		e = jwt_keys_load(jwks, &state->jwt_keys, note);
	}
	if (e != ERR_OK) {
		free_state(state);
		return e;
	}
	if (env->role == ROLE_COURIER) {
		outside_set_server(env, conf_str(env->conf, "sync", "oauth_verifier"));
	}
	*ret_state = state;
	return ERR_OK;
}

static enum err ready(struct svc_env *env, void *v, struct err_note *note)
{
	struct sync_state *state = v;

	if (env->role != ROLE_WEB) {
		return ERR_OK;
	}
	sync_backoff_start(&state->backoff);
	return token_secrets_fetch(env, &state->secrets, note);
}

static void stop(struct svc_env *env, void *state)
{
	(void)env;
	free_state(state);
}

static void reload(struct svc_env *env, void *v)
{
	struct sync_state *state = v;

	state->limits = sync_limits_of(env->conf);
	if (env->role == ROLE_WEB) {
		sync_backoff_configure(&state->backoff);
	}
}

static const struct rpc_def *const rpcs[] = {
	&sync_secrets,
	&sync_token_user,
	&sync_token_event,
	&sync_fx_change,
	&sync_weave_change,
	&sync_weave_secret,
	&sync_write,
	&sync_purge,
};

/* What its rows are by rank. */
static const char *const classes[SHED_RANKS] = {
	[SHED_LATE] = "sync",
	[SHED_MIDDLE] = "login",
	[SHED_EARLY] = "info",
	[SHED_POLLING] = "polling",
	[SHED_FIRST] = "begin",
};

const struct service sync_service = {
	.name = "sync",
	.summary = "Firefox Sync: bookmarks, history, passwords and tabs on your own machine",
	.listener = "main",
	.ops = sync_ops,
	.n_ops = SYNC_OPS,
	.not_found = sync_not_found,
	.wrong_method = sync_wrong_method,
	.error = sync_error,
	.decorate = sync_decorate,
	.user = sync_user,
	.classes = classes,
	.rank = sync_rank,
	.busy = sync_busy,
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.stmts = { sync_stmts, SYNC_STMTS },
	.migrations = sync_migrations,
	.n_migrations = SYNC_MIGRATIONS,
	.conf = { sync_conf_keys, SYNC_CONF_KEYS },
	.metrics = sync_metrics,
	.n_metrics = SYNC_METRICS,
	.activities = sync_activities,
	.n_activities = SYNC_ACTIVITIES,
	.start = start,
	.ready = ready,
	.stop = stop,
	.reload = reload,
	.watch = sync_purge_watch,
	.audit = sync_audit,
	.anonymise = sync_anonymise,
	.check = sync_conf_check,
};
