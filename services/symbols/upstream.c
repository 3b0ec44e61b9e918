/*
 * See upstream.h; the part of web.
 *
 * Loops: each server on the way of a request adds a name that it chose by chance to the Via header
 * (RFC 9110, 7.6.3). Who finds its own name there, or too many, answers with what it has. Servers
 * of debuginfod count the commas of X-Forwarded-For instead, so that is kept up, too.
 */
#include "services/symbols/upstream.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "services/symbols/symbol_find.h"
#include "services/symbols/symbols_metrics.h"

enum {
	FLIGHTS_MAX = 512,
	RUNNING_MAX = 112, /* of 128 calls to the courier, which identity needs, too */
	WAITERS_MAX = 1024,
	HOPS_MAX = 8,
	TRAIL_MAX = 2048,
	SCRATCH_MAX = 64 * 1024,
	RETRY_S = 5
};

/* ---- loops ---- */

static unsigned count_items(struct slice list)
{
	unsigned n = 0;

	for (struct slice piece; slice_split(&list, ',', &piece);) {
		n++;
	}
	return n;
}

/* Empty where there is none. */
static struct slice header(struct op_call *c, struct slice name)
{
	struct slice value = http_header_get(c->req, name);

	return value.ptr == NULL ? SLICE_EMPTY : value;
}

/* Via and X-Forwarded-For as they go on. False: this request has come far enough. */
static bool read_trail(struct op_call *c, struct upstream_trail *ret)
{
	const struct symbols_state *state = c->state;
	struct slice via = header(c, SLICE("Via"));
	struct slice forwarded = header(c, SLICE("X-Forwarded-For"));
	const char *own = arena_printf(
	    c->arena, "plimsoll-%016llx", (unsigned long long)miss_cache_id(state->misses));

	if (own == NULL || via.len + forwarded.len > TRAIL_MAX / 2 ||
	    count_items(via) >= HOPS_MAX || count_items(forwarded) > HOPS_MAX ||
	    memmem(via.ptr, via.len, own, strlen(own)) != NULL) {
		return false;
	}
	const char *next_via =
	    arena_printf(c->arena, "%.*s%s1.1 %s", SLICE_ARG(via), via.len > 0 ? ", " : "", own);
	/* The addresses of our clients are no business of other servers; how many there are is. */
	const char *next_forwarded = arena_printf(
	    c->arena, "%.*s%sunknown", SLICE_ARG(forwarded), forwarded.len > 0 ? ", " : "");
	*ret = (struct upstream_trail){ slice_str(next_via), slice_str(next_forwarded) };
	return next_via != NULL && next_forwarded != NULL;
}

void upstream_trail_put(struct buf *out, const struct upstream_trail *trail)
{
	wire_put_bytes(out, trail->via);
	wire_put_bytes(out, trail->forwarded);
}

bool upstream_trail_take(struct slice message, struct upstream_trail *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->via = wire_take_bytes(&r);
	ret->forwarded = wire_take_bytes(&r);
	return wire_done(&r);
}

/* ---- one fetch, in its own task ---- */

static bool find_here(const struct symbols_state *state, const struct upstream_key *key,
    struct arena *arena, struct symbol_file *ret)
{
	const struct svc_env *env = state->env;
	const struct symbol_key *k = &key->key;
	struct err_note note = { 0 };

	return symbol_file_get(env->db, arena, k, false, ret, &note) == ERR_OK ||
	       (key->kind == UPSTREAM_FILE && symbol_file_by_code(env->db, arena, k->debug_file,
						  k->debug_id, ret, &note) == ERR_OK);
}

static enum err call_courier(
    const struct symbols_state *state, struct slice key, struct slice trail, struct arena *arena)
{
	const struct svc_env *env = state->env;
	struct buf message = buf_new(symbols_upstream_fetch.max_req);
	struct err_note note = { 0 };
	enum err e = ERR_LIMIT;

	wire_put_bytes(&message, key);
	wire_put_bytes(&message, trail);
	if (!message.failed) {
		e = rpc_call(env->peer[ROLE_COURIER], &symbols_upstream_fetch, buf_slice(&message),
		    DEADLINE_NONE, 0, arena, NULL, &note);
	}
	buf_free(&message);
	if (e != ERR_OK && e != ERR_NOT_FOUND && e != ERR_AGAIN) {
		LOG(LOG_WARN, "symbols", "upstream_not_asked", LOG_C("err", err_text(e)),
		    LOG_C("detail", note.text));
	}
	return e;
}

static uint64_t hash_of(const struct symbols_state *state, const struct upstream_key *key)
{
	const struct slice parts[] = { key->key.debug_file, key->key.debug_id, key->key.file,
		SLICE("upstream") };

	return miss_cache_hash(state->misses, parts, sizeof(parts) / sizeof(parts[0]));
}

/* That nobody had it, as the other processes see it. */
static uint64_t stamp_of(const struct symbols_state *state, uint64_t hash)
{
	return miss_cache_stamp_lasting(
	    hash, clock_mono_us(), (int64_t)state->settings.upstream_miss_ms * 1000);
}

static enum err fetch(void *arg, struct slice message, struct slice trail)
{
	const struct symbols_state *state = arg;
	struct arena arena = arena_new(SCRATCH_MAX);
	struct upstream_key key;
	struct symbol_file f;

	CHECK(upstream_key_take(message, &key));
	uint64_t hash = hash_of(state, &key), stamp = stamp_of(state, hash);
	/* Fetched by another web process just now? Its row says so before any cache of misses. */
	bool is_here = find_here(state, &key, &arena, &f);
	enum err e = is_here ? ERR_OK : call_courier(state, message, trail, &arena);

	if (e == ERR_OK && (is_here || find_here(state, &key, &arena, &f))) {
		symbol_has_arrived(state->misses, &f);
	} else if (e == ERR_OK) {
		miss_cache_forget_all(state->misses);
	} else if (e == ERR_NOT_FOUND) {
		miss_cache_mark(state->misses, hash, stamp);
	}
	arena_reset(&arena);
	return e;
}

/* ---- asking ---- */

/* What goes wrong between here and the courier is nothing that the client could mend. */
static enum err as_answer(enum err e)
{
	switch ((int)e) {
	case ERR_PEER_GONE:
	case ERR_OUTCOME_UNKNOWN:
	case ERR_DRAINING:
	case ERR_MEMORY:
		return ERR_TOO_BUSY;
	case ERR_UNSUPPORTED:
	case ERR_LIMIT:
		return ERR_AGAIN;
	default:
		return e;
	}
}

static enum err join(struct op_call *c, const struct upstream_key *key, int64_t until_us)
{
	struct symbols_state *state = c->state;
	struct buf message = buf_new(UPSTREAM_KEY_MAX), trail_text = buf_new(TRAIL_MAX);
	struct upstream_trail trail;
	enum err e = ERR_AGAIN;

	if (read_trail(c, &trail)) {
		upstream_key_put(&message, key);
		upstream_trail_put(&trail_text, &trail);
		if (!message.failed && !trail_text.failed) {
			e = flights_join(
			    state->fetches, buf_slice(&message), buf_slice(&trail_text), until_us);
			symbols_count_fetch_wait(state->env, flights_waiting(state->fetches), e);
		}
	}
	buf_free(&message);
	buf_free(&trail_text);
	return as_answer(e);
}

/* Most of what is asked for nobody has, so that is answered first and without much ado. */
enum err upstream_get(struct op_call *c, const struct upstream_key *key, int64_t until_us)
{
	const struct symbols_state *state = c->state;
	struct slice refresh;

	if (state->fetches == NULL) {
		return ERR_NOT_FOUND;
	}
	uint64_t hash = hash_of(state, key);
	if ((miss_cache_has(state->misses, hash, stamp_of(state, hash)) &&
		!http_query_get(c->req, SLICE("_refresh"), &refresh)) ||
	    !upstream_may_have(c->arena, &state->upstreams, key)) {
		return ERR_NOT_FOUND;
	}
	return join(c, key, until_us);
}

int64_t upstream_wait_until_us(const struct symbols_state *state)
{
	return clock_mono_us() + state->settings.upstream_wait_ms * 1000;
}

enum err upstream_answer_later(struct op_call *c, enum err e)
{
	const char *words = e == ERR_DEADLINE
				? "The file is being fetched from another server; ask again later."
				: "Too many files are being fetched from other servers; ask again "
				  "later.";
	const char *seconds =
	    arena_printf(c->arena, "%u", RETRY_S + (unsigned)rng_below(RETRY_S + 1));

	if ((e != ERR_DEADLINE && e != ERR_TOO_BUSY) || seconds == NULL) {
		return e;
	}
	http_add_header(c->req, SLICE("Retry-After"), slice_str(seconds));
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	http_reply(c->req, 503, SLICE("text/plain; charset=utf-8"), slice_str(words));
	return ERR_OK;
}

/* ---- start ---- */

static struct flight_limits limits_of(const struct symbols_state *state)
{
	const struct svc_env *env = state->env;

	if (env->role == ROLE_WEB) {
		return (struct flight_limits){ FLIGHTS_MAX, RUNNING_MAX, WAITERS_MAX, 0 };
	}
	/* Remembered for a moment: a web process may have looked into the database just before. */
	return (struct flight_limits){ .flights = FLIGHTS_MAX,
		.running = (unsigned)conf_int(env->conf, "symbols", "upstream_parallel"),
		.waiters = WAITERS_MAX,
		.linger_us = 2000000 };
}

enum err upstream_start(struct symbols_state *state, struct err_note *note)
{
	struct svc_env *env = state->env;
	enum err e = upstream_servers_parse(slice_str(conf_str(env->conf, "symbols", "upstream")),
	    &state->url, &state->upstreams, note);

	(void)snprintf(state->user_agent, sizeof(state->user_agent), "Plimsoll/%s (symbols; +%s)",
	    env->version == NULL ? "0" : env->version, state->url.origin);
	if (e != ERR_OK || state->upstreams.n == 0 || env->loop == NULL) {
		return e;
	}
	const struct flight_limits limits = limits_of(state);
	return flights_new(env->loop, &limits, env->role == ROLE_WEB ? fetch : upstream_work, state,
	    &state->fetches);
}

void upstream_stop(struct symbols_state *state)
{
	flights_free(&state->fetches);
}
