/*
 * Role: courier. Asks the upstream servers for a file, one after the other, and has what comes
 * written into a draft by the role files as it comes; then it is stored (upstream_store.c). A
 * server that fails again and again rests for a while, so that one that is down costs others no
 * time.
 */
#include <stdlib.h>

#include "accounts/downloading.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "services/symbols/file_calls.h"
#include "services/symbols/symbols_metrics.h"
#include "services/symbols/upstream.h"

enum {
	SCRATCH_MAX = 64 * 1024,
	CONNECT_MS = 4000,
	IDLE_MS = 20000,
	UNPACKING_MS = 90000, /* debuginfod may look for a file in a package first */
	FAILURES_MAX = 3,     /* in a row, before a server rests */
	REST_FIRST_MS = 5000,
	REST_LAST_MS = 300000,
	DOUBLINGS_MAX = 6
};

/* How asking one server ended. */
enum answer {
	ANSWER_STORED,
	ANSWER_MISSING,	 /* it does not have it */
	ANSWER_UNCERTAIN /* it cannot tell now, or what it sent was no good */
};

/* One server's turn. */
struct turn {
	struct symbols_state *state;
	const struct upstream_key *key;
	const struct upstream_trail *trail;
	unsigned server;
	struct arena scratch; /* of a call */
	struct arena arena;
	char draft[BLOB_DRAFT_CHARS + 1];
	uint64_t written;
	struct err_note note;
};

/* ---- health ---- */

static bool rests(const struct symbols_state *state, unsigned server)
{
	return clock_mono_us() < state->health[server].rests_until_us;
}

static void note_health(struct symbols_state *state, unsigned server, bool is_good)
{
	struct upstream_health *h = &state->health[server];

	h->failures = is_good ? 0 : h->failures + 1;
	if (h->failures < FAILURES_MAX) {
		return;
	}
	unsigned doublings = h->failures - FAILURES_MAX;
	int64_t rest_ms = doublings >= DOUBLINGS_MAX ? REST_LAST_MS : REST_FIRST_MS << doublings;
	h->rests_until_us = clock_mono_us() + rest_ms * 1000;
	LOG(LOG_WARN, "symbols", "upstream_rests",
	    LOG_C("server", state->upstreams.list[server].base), LOG_I("ms", rest_ms));
}

/* ---- one server ---- */

static struct slice draft_of(const struct turn *t)
{
	return SLICE_OF(t->draft, BLOB_DRAFT_CHARS);
}

static struct file_caller files_of(struct turn *t)
{
	return (struct file_caller){ .files = t->state->env->peer[ROLE_FILES],
		.arena = &t->scratch,
		.note = &t->note,
		.patience_us = FILE_PATIENCE_US };
}

static enum err take(void *arg, struct slice bytes)
{
	struct turn *t = arg;
	const struct file_caller files = files_of(t);
	enum err e = file_draft_write(&files, draft_of(t), t->written, bytes);

	t->written += bytes.len;
	arena_reset(&t->scratch);
	return e;
}

/* A bucket of an object store that may not be listed says 403 for what is not there. */
static bool is_missing(int64_t status)
{
	return status == 400 || status == 403 || status == 404 || status == 406 || status == 410;
}

static enum answer judge(const struct download *d)
{
	if (d->outcome == DOWNLOAD_TOO_BIG) {
		return ANSWER_MISSING;
	}
	if (d->outcome == DOWNLOAD_STATUS && is_missing(d->status)) {
		return d->may_change ? ANSWER_UNCERTAIN : ANSWER_MISSING;
	}
	return ANSWER_UNCERTAIN;
}

static void tell(const struct turn *t, const struct download *d, enum answer answer, int64_t us)
{
	const struct symbols_state *state = t->state;
	const struct upstream_server *server = &state->upstreams.list[t->server];

	symbols_count_fetch(state->env, answer == ANSWER_STORED, answer == ANSWER_MISSING,
	    answer == ANSWER_STORED ? d->bytes : 0, us);
	if (answer == ANSWER_MISSING) {
		return;
	}
	LOG(answer == ANSWER_STORED ? LOG_INFO : LOG_WARN, "symbols",
	    answer == ANSWER_STORED ? "upstream_fetched" : "upstream_failed",
	    LOG_C("server", server->base), LOG_C("outcome", download_outcome_text(d->outcome)),
	    LOG_I("status", d->status), LOG_I("bytes", d->bytes), LOG_I("ms", us / 1000),
	    LOG_C("detail", d->details != NULL ? d->details : t->note.text));
}

/* What has come whole is stored. An empty file is nothing that a symbol server has. */
static enum err settle(struct turn *t, const struct download *d, enum answer *ret)
{
	bool is_gzip = slice_eq(slice_str(d->encoding), SLICE("gzip")) ||
		       slice_eq(slice_str(d->encoding), SLICE("x-gzip"));
	bool is_plain =
	    d->encoding[0] == '\0' || slice_eq(slice_str(d->encoding), SLICE("identity"));
	const struct upstream_arrival arrival = { .state = t->state,
		.key = t->key,
		.server = &t->state->upstreams.list[t->server],
		.draft = draft_of(t),
		.is_gzip = is_gzip };

	*ret = ANSWER_UNCERTAIN;
	if (d->bytes == 0 || (!is_gzip && !is_plain)) {
		enum err noted =
		    err_note_set(&t->note, ERR_INVALID, "it is empty, or in an unknown coding");
		(void)noted;
		return ERR_OK;
	}
	enum err e = upstream_store(&arrival, &t->note);
	if (e == ERR_OK) {
		*ret = ANSWER_STORED;
	}
	return e == ERR_INVALID || e == ERR_LIMIT ? ERR_OK : e;
}

static enum err run_turn(struct turn *t, struct download *d, enum answer *ret)
{
	struct symbols_state *state = t->state;
	int64_t begun_us = clock_mono_us();
	enum err e = download_run(state->env, d);

	*ret = ANSWER_UNCERTAIN;
	if (e == ERR_OK && d->outcome == DOWNLOAD_OK) {
		e = settle(t, d, ret);
	} else if (e == ERR_OK) {
		*ret = judge(d);
	}
	if (e != ERR_OK) {
		return e;
	}
	bool is_good = d->outcome == DOWNLOAD_OK || d->outcome == DOWNLOAD_TOO_BIG ||
		       (d->outcome == DOWNLOAD_STATUS && d->status < 500 && d->status != 429);
	note_health(state, t->server, is_good);
	tell(t, d, *ret, clock_mono_us() - begun_us);
	return ERR_OK;
}

static void set_headers(struct turn *t, struct download *d)
{
	unsigned n = 0;

	d->headers[n++] = "Accept-Encoding: gzip";
	d->headers[n++] = arena_printf(&t->arena, "Via: %.*s", SLICE_ARG(t->trail->via));
	if (t->state->upstreams.list[t->server].layout == UPSTREAM_DEBUGINFOD) {
		d->headers[n++] = arena_printf(
		    &t->arena, "X-Forwarded-For: %.*s", SLICE_ARG(t->trail->forwarded));
	}
}

static enum err ask_server(struct turn *t, const char *url, enum answer *ret)
{
	struct symbols_state *state = t->state;
	const struct conf *conf = state->env->conf;
	bool is_https = slice_starts(slice_str(url), SLICE("https:"));
	bool is_slow = state->upstreams.list[t->server].layout == UPSTREAM_DEBUGINFOD;
	struct download d = {
		.rules = { .allow_private = conf_bool(conf, "symbols", "upstream_private"),
		    .allow_http = !is_https,
		    .max_bytes = cache_file_max(&state->settings),
		    .timeout_ms = conf_ms(conf, "symbols", "upstream_timeout"),
		    .connect_ms = CONNECT_MS,
		    .idle_ms = is_slow ? UNPACKING_MS : IDLE_MS },
		.url = url,
		.user_agent = state->user_agent,
		.take = take,
		.arg = t,
	};

	blob_draft_name(t->draft);
	set_headers(t, &d);
	enum err e = run_turn(t, &d, ret);
	/* Stored, it is there no more; else nobody wants it. */
	if (t->written > 0 && (e != ERR_OK || *ret != ANSWER_STORED)) {
		file_drop_later(state->env->loop, state->env->peer[ROLE_FILES], draft_of(t));
	}
	download_fini(&d);
	return e;
}

static enum err ask(struct turn *t, enum answer *ret)
{
	const char *url = upstream_url(&t->arena, &t->state->upstreams.list[t->server], t->key);
	enum err e = ERR_OK;

	if (url == NULL) {
		*ret = ANSWER_MISSING; /* it has nothing of that kind */
	} else if (rests(t->state, t->server)) {
		*ret = ANSWER_UNCERTAIN;
	} else {
		e = ask_server(t, url, ret);
	}
	arena_reset(&t->arena);
	return e;
}

/* ---- all of them ---- */

enum err upstream_work(void *arg, struct slice key_text, struct slice trail_text)
{
	struct symbols_state *state = arg;
	struct upstream_key key;
	struct upstream_trail trail;
	bool is_certain = true;

	CHECK(upstream_key_take(key_text, &key) && upstream_trail_take(trail_text, &trail));
	enum err room = cache_make_room(state);
	if (room != ERR_OK) {
		return room;
	}
	for (unsigned i = 0; i < state->upstreams.n; i++) {
		struct turn t = { .state = state,
			.key = &key,
			.trail = &trail,
			.server = i,
			.scratch = arena_new(SCRATCH_MAX),
			.arena = arena_new(SCRATCH_MAX) };
		enum answer answer = ANSWER_UNCERTAIN;
		enum err e = ask(&t, &answer);
		arena_reset(&t.scratch);
		if (e != ERR_OK || answer == ANSWER_STORED) {
			return e;
		}
		is_certain = is_certain && answer == ANSWER_MISSING;
	}
	return is_certain ? ERR_NOT_FOUND : ERR_AGAIN;
}

static enum err handle_fetch(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct symbols_state *state = symbols_state(role_state);
	struct wire_reader r = wire_reader_new(req);
	struct slice key = wire_take_bytes(&r), trail = wire_take_bytes(&r);

	(void)reply;
	(void)note;
	CHECK(wire_done(&r));
	return state->fetches == NULL ? ERR_UNSUPPORTED
				      : flights_join(state->fetches, key, trail, info->deadline_us);
}

/* As long as several servers may take one after the other; who waits has bounds of his own. */
const struct rpc_def symbols_upstream_fetch = {
	.name = "symbols.upstream_fetch",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_COURIER,
	.max_req = 8192,
	.max_rep = 16,
	.deadline_ms = 3600000,
	.cost_us = 100000,
	.flags = RPC_IDEMPOTENT | RPC_TASK,
	.handle = handle_fetch,
};
