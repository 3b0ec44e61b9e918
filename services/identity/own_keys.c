/*
 * See own_keys.h.
 */
#include "services/identity/own_keys.h"

#include "core/base/arena.h"
#include "core/base/json.h"

enum {
	ARENA_MAX = 256 * 1024
};

static void forget(struct own_keys *k)
{
	for (unsigned i = 0; i < k->n; i++) {
		pubkey_free(&k->keys[i]);
	}
	k->n = 0;
	buf_clear(&k->json);
}

static enum err parse(
    struct own_keys *k, struct arena *arena, struct slice json, struct err_note *note)
{
	const struct json *list = NULL;
	enum err e = json_parse(arena, json, &list, note);

	if (e == ERR_OK && json_count(list) > OWN_KEYS_MAX) {
		e = err_note_set(note, ERR_INVALID, "more than %d keys", OWN_KEYS_MAX);
	}
	for (size_t i = 0; e == ERR_OK && i < json_count(list); i++) {
		e = pubkey_parse(json_element(list, i), &k->keys[k->n], note);
		k->n += e == ERR_OK ? 1 : 0;
	}
	return e;
}

enum err own_keys_parse(struct own_keys *k, struct slice json, struct err_note *note)
{
	struct arena arena = arena_new(ARENA_MAX);
	enum err e = ERR_OK;

	if (slice_eq(buf_slice(&k->json), json)) {
		return ERR_OK;
	}
	forget(k);
	k->json.max = OWN_KEYS_BYTES;
	if (json.len > 0) {
		e = parse(k, &arena, json, note);
	}
	if (e == ERR_OK) {
		buf_append_slice(&k->json, json);
		e = k->json.failed ? ERR_MEMORY : ERR_OK;
	}
	if (e != ERR_OK) {
		forget(k);
	}
	arena_reset(&arena);
	return e;
}

void own_keys_free(struct own_keys *k)
{
	forget(k);
	buf_free(&k->json);
}

void own_keys_offer(const struct own_keys *k, struct bundle_query *q)
{
	q->own_key = k->n > 0 ? &k->keys[0] : NULL;
	q->more_keys = &k->keys[1];
	q->n_more_keys = k->n > 1 ? k->n - 1 : 0;
}
