/*
 * The service "symbols": its table, and its state in each role.
 */
#include "services/symbols/symbols.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/obs/log.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/people_change.h"
#include "services/symbols/section_calls.h"
#include "services/symbols/symbols_gc.h"
#include "services/symbols/symbols_metrics.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/upload_store.h"
#include "services/symbols/upload_url.h"
#include "services/symbols/upstream.h"

enum {
	SWEEP_MS = 3600 * 1000,
	CLOSE_OLD_MS = 2000,
	INDEXES_OPEN_MAX = 4096 /* in a process; each is a mapping */
};

struct symbols_state *symbols_state(const struct svc_env *env)
{
	return svc_state(env, &symbols_service);
}

static void free_state(struct symbols_state *state)
{
	upstream_stop(state);
	symbols_counts_free(&state->counts);
	index_shelf_free(&state->shelf);
	blob_close(&state->indexes);
	hot_files_free(&state->hot);
	miss_cache_close(&state->misses);
	blob_close(&state->blobs);
	free(state);
}

/* What uploads that broke off have left; gc does the same where no server runs. */
static void sweep_drafts(void *arg)
{
	const struct symbols_state *state = arg;
	struct err_note note = { 0 };
	unsigned n = 0;
	enum err e =
	    blob_sweep_drafts(state->blobs, clock_wall_ms() - SYMBOLS_GC_DRAFT_MS, &n, &note);

	if (e != ERR_OK || n > 0) {
		LOG(e == ERR_OK ? LOG_INFO : LOG_WARN, "symbols", "drafts_swept", LOG_I("n", n),
		    LOG_C("err", note.text));
	}
}

/* Blobs that gc has removed are not to stay on the disk because they are open here. */
static void close_old(void *arg)
{
	const struct symbols_state *state = arg;

	hot_files_close_old(state->hot, clock_mono_us());
}

/* Files are opened here: later the sandbox is closed. */
static enum err open_files(struct symbols_state *state, struct err_note *note)
{
	const struct svc_env *env = state->env;
	enum err e = ERR_OK;

	if (env->role == ROLE_FILES || env->role == ROLE_WEB) {
		e = blob_open(env->data_dir, env->role == ROLE_FILES ? BLOB_WRITE : BLOB_READ,
		    &state->blobs, note);
	}
	if (e == ERR_OK && (env->role == ROLE_FILES || env->role == ROLE_WEB)) {
		e = index_store_open(env->data_dir,
		    env->role == ROLE_FILES ? BLOB_WRITE : BLOB_READ, &state->indexes, note);
	}
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = index_shelf_new(state->indexes, INDEXES_OPEN_MAX, &state->shelf);
	}
	if (e == ERR_OK && env->role == ROLE_FILES && env->loop != NULL && env->instance == 0) {
		sweep_drafts(state);
		loop_every(env->loop, SWEEP_MS, sweep_drafts, state);
	}
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = miss_cache_open_in(env->data_dir, &state->misses, note);
	}
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = hot_files_new(&state->hot);
		if (e == ERR_OK && env->loop != NULL) {
			loop_every(env->loop, CLOSE_OLD_MS, close_old, state);
		}
	}
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = symbols_counts_new(state->env, &state->counts);
	}
	return e;
}

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	struct symbols_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for symbols");
	}
	state->env = env;
	state->settings = symbols_settings_of(env->conf);
	enum err e = public_url_parse(
	    slice_str(conf_str(env->conf, "symbols", "public_url")), &state->url, note);
	if (e == ERR_OK) {
		e = open_files(state, note);
	}
	if (e == ERR_OK && (env->role == ROLE_WEB || env->role == ROLE_COURIER)) {
		e = upstream_start(state, note);
	}
	if (e != ERR_OK) {
		free_state(state);
		return e;
	}
	*ret_state = state;
	return ERR_OK;
}

static void stop(struct svc_env *env, void *state)
{
	(void)env;
	free_state(state);
}

static void reload(struct svc_env *env, void *v)
{
	struct symbols_state *state = v;

	state->settings = symbols_settings_of(env->conf);
}

/* Who waits for a fetch is told to come again; those that the courier has begun break off. */
static void drain(struct svc_env *env, void *v, int64_t deadline_us)
{
	struct symbols_state *state = v;

	(void)env;
	(void)deadline_us;
	if (state->fetches != NULL) {
		flights_drain(state->fetches);
	}
	if (state->counts != NULL) {
		symbols_counts_send(state->counts);
	}
}

static const struct rpc_def *const rpcs[] = {
	&symbols_index_build,
	&symbols_index_used,
	&symbols_count,
	&symbols_draft_write,
	&symbols_draft_size,
	&symbols_draft_take,
	&symbols_archive_list,
	&symbols_unpack,
	&symbols_keep,
	&symbols_drop,
	&symbols_section_cut,
	&symbols_upload_begin,
	&symbols_upload_file,
	&symbols_upload_end,
	&symbols_upload_sessions,
	&symbols_people_change,
	&symbols_upload_url,
	&symbols_upstream_fetch,
	&symbols_cache_file,
	&symbols_cache_trim,
	&symbols_blobs_forget,
};

/* What its rows are by rank. */
static const char *const classes[SHED_RANKS] = {
	[SHED_LATE] = "download",
	[SHED_MIDDLE] = "work",
	[SHED_EARLY] = "info",
	[SHED_POLLING] = "polling",
	[SHED_FIRST] = "lists",
};

const struct service symbols_service = {
	.name = "symbols",
	.summary = "crash symbols: one store for crash reporters and profilers",
	.listener = "symbols",
	.ops = symbols_ops,
	.n_ops = SYMBOLS_OPS,
	.not_found = symbols_not_found,
	.wrong_method = symbols_wrong_method,
	.error = symbols_error,
	.decorate = symbols_decorate,
	.classes = classes,
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.stmts = { symbols_stmts, SYMBOLS_STMTS },
	.migrations = symbols_migrations,
	.n_migrations = SYMBOLS_MIGRATIONS,
	.conf = { symbols_conf_keys, SYMBOLS_CONF_KEYS },
	.metrics = symbols_metrics,
	.n_metrics = SYMBOLS_METRICS,
	.activities = symbols_activities,
	.n_activities = SYMBOLS_ACTIVITIES,
	.start = start,
	.stop = stop,
	.reload = reload,
	.drain = drain,
	.audit = symbols_audit,
	.anonymise = symbols_anonymise,
	.check = symbols_conf_check,
};
