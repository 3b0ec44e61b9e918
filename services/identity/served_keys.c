/*
 * Role: web. The keys that verify, the one that is published first, and the support document.
 */
#include "services/identity/served_keys.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "services/identity/identity_priv.h"

enum {
	FETCH_LIMIT_US = 10 * 1000 * 1000,
	FETCH_TRIES = 10,
	FETCH_PAUSE_US = 500 * 1000,
	ARENA_MAX = 64 * 1024
};

/* The one that signs: of those for signing the latest whose time has come. */
static const struct public_key_info *current_of(const struct served_keys *k, int64_t now_ms)
{
	const struct public_key_info *best = NULL;

	for (unsigned i = 0; i < k->n; i++) {
		const struct public_key_info *key = &k->keys[i];
		bool has_come = key->from_ms <= now_ms;
		if (key->is_for_signing &&
		    (best == NULL || (has_come && key->from_ms >= best->from_ms))) {
			best = key;
		}
	}
	CHECK(best != NULL);
	return best;
}

/* The next moment at which the order, or what is good, is another one. */
static int64_t next_change(const struct served_keys *k, int64_t now_ms)
{
	int64_t at = INT64_MAX;

	for (unsigned i = 0; i < k->n; i++) {
		const struct public_key_info *key = &k->keys[i];
		if (key->from_ms > now_ms && key->from_ms < at) {
			at = key->from_ms;
		}
		if (key->until_ms > now_ms && key->until_ms < at) {
			at = key->until_ms;
		}
	}
	return at;
}

static void put_all(struct buf *out, const struct served_keys *k,
    const struct public_key_info *current, int64_t now_ms)
{
	struct json_writer w = json_writer_new(out);

	json_begin_array(&w);
	json_put_raw(&w, current->json);
	for (unsigned i = 0; i < k->n; i++) {
		if (&k->keys[i] != current && k->keys[i].until_ms > now_ms) {
			json_put_raw(&w, k->keys[i].json);
		}
	}
	json_end_array(&w);
}

/*
 * The support document. The original said "/auth#native"; browserid-local-verify, which came later,
 * takes only a path, so the fragment is left out (native agents add it themselves). It is also the
 * one that knows "keys": all that may have signed a certificate that still runs, and the next one.
 */
static void write_well_known(struct identity_state *state, struct slice all)
{
	struct json_writer w = json_writer_new(&state->well_known);

	buf_clear(&state->well_known);
	json_begin_object(&w);
	json_put_name(&w, SLICE("public-key"));
	json_put_raw(&w, buf_slice(&state->public_key_json));
	if (state->own.n > 1) {
		json_put_name(&w, SLICE("keys"));
		json_put_raw(&w, all);
	}
	json_put_name(&w, SLICE("authentication"));
	json_put_string(&w, SLICE("/auth"));
	json_put_name(&w, SLICE("provisioning"));
	json_put_string(&w, SLICE("/provision"));
	json_end_object(&w);
}

static enum err put_in_order(struct identity_state *state, int64_t now_ms, struct err_note *note)
{
	struct served_keys *k = &state->served;
	const struct public_key_info *current = current_of(k, now_ms);
	struct buf all = buf_new(OWN_KEYS_BYTES);

	k->change_ms = next_change(k, now_ms);
	state->key_created_ms = current->from_ms;
	buf_clear(&state->public_key_json);
	buf_append_slice(&state->public_key_json, current->json);
	put_all(&all, k, current, now_ms);
	enum err e = all.failed ? ERR_LIMIT : own_keys_parse(&state->own, buf_slice(&all), note);
	if (e == ERR_OK) {
		write_well_known(state, buf_slice(&all));
		e = state->well_known.failed || state->public_key_json.failed ? ERR_LIMIT : ERR_OK;
	}
	buf_free(&all);
	return e;
}

void identity_keys_settle(struct identity_state *state, int64_t now_ms)
{
	struct err_note note = { 0 };

	if (now_ms >= state->served.change_ms && put_in_order(state, now_ms, &note) != ERR_OK) {
		LOG(LOG_ERROR, "identity", "keys_not_in_order", LOG_C("err", note.text));
	}
}

static enum err take(struct served_keys *k, struct slice reply)
{
	struct public_key_info keys[OWN_KEYS_MAX];
	unsigned n = 0;
	enum err e = ERR_OK;

	CHECK(public_keys_take(reply, keys, &n));
	arena_reset(&k->arena);
	k->arena = arena_new(ARENA_MAX);
	k->n = n;
	for (unsigned i = 0; e == ERR_OK && i < n; i++) {
		k->keys[i] = keys[i];
		e = arena_copy(&k->arena, keys[i].json, &k->keys[i].json);
	}
	return e;
}

enum err served_keys_fetch(struct identity_state *state, struct err_note *note)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct slice reply = SLICE_EMPTY;
	enum err e = rpc_call(state->env->peer[ROLE_SIGNER], &identity_public_key, SLICE_EMPTY,
	    clock_mono_us() + FETCH_LIMIT_US, 0, &arena, &reply, note);

	if (e == ERR_OK) {
		e = take(&state->served, reply);
	}
	if (e == ERR_OK) {
		e = put_in_order(state, clock_wall_ms(), note);
	}
	arena_reset(&arena);
	return e;
}

/* Until it has worked, the old ones go on: nothing is lost by that but the new key's time. */
static void refetch(void *arg)
{
	struct identity_state *state = arg;
	struct served_keys *k = &state->served;
	struct err_note note = { 0 };

	for (unsigned tries = 0; k->fetch_again && tries < FETCH_TRIES; tries++) {
		k->fetch_again = served_keys_fetch(state, &note) != ERR_OK;
		if (k->fetch_again && task_sleep(FETCH_PAUSE_US) != ERR_OK) {
			break;
		}
	}
	if (k->fetch_again) {
		LOG(LOG_ERROR, "identity", "keys_not_fetched", LOG_C("err", note.text));
	}
	k->fetching = false;
}

void served_keys_refetch(struct identity_state *state)
{
	struct served_keys *k = &state->served;

	k->fetch_again = true;
	if (k->fetching) {
		return;
	}
	if (task_spawn(state->env->loop, refetch, state, DEADLINE_NONE, NULL) == ERR_OK) {
		k->fetching = true;
	} else {
		LOG(LOG_ERROR, "identity", "keys_not_fetched", LOG_C("err", "too many tasks"));
	}
}

void served_keys_free(struct served_keys *k)
{
	arena_reset(&k->arena);
	k->n = 0;
}
