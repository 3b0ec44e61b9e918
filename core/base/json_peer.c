/*
 * Walks the two documents side by side.
 */
#include "core/base/json_peer.h"

#include <jansson.h>

#include "core/base/json_priv.h"

enum {
	ARENA_BYTES = 256 << 20
};

static const char *compare(const struct json *ours, const json_t *peer);

static const char *compare_objects(const struct json *ours, json_t *peer)
{
	const struct json *value = NULL;
	const char *difference = NULL;
	void *cursor = NULL, *peer_at = json_object_iter(peer);
	struct slice name;

	if (json_count(ours) != json_object_size(peer)) {
		return "number of members";
	}
	while (difference == NULL && json_next(ours, &cursor, &name, &value)) {
		/* jansson keeps the order of the text too. */
		if (!slice_eq(name, slice_str(json_object_iter_key(peer_at)))) {
			return "name or order of members";
		}
		if (json_member(ours, json_object_iter_key(peer_at)) != value) {
			return "look-up of a member";
		}
		difference = compare(value, json_object_iter_value(peer_at));
		peer_at = json_object_iter_next(peer, peer_at);
	}
	return difference != NULL || peer_at == NULL ? difference : "members left over";
}

static const char *compare_arrays(const struct json *ours, const json_t *peer)
{
	const char *difference = NULL;
	size_t n = json_array_size(peer);

	if (json_count(ours) != n || json_element(ours, n) != NULL) {
		return "number of elements";
	}
	for (size_t i = 0; difference == NULL && i < n; i++) {
		difference = compare(json_element(ours, i), json_array_get(peer, i));
	}
	return difference;
}

static bool is_same_real(const struct json *ours, const json_t *peer)
{
	double real = json_real_value(peer);

	return ours->kind == JSON_KIND_REAL && memcmp(&ours->real, &real, sizeof(real)) == 0;
}

static const char *compare(const struct json *ours, const json_t *peer)
{
	struct slice text;
	int64_t n;
	bool flag;

	switch (json_typeof(peer)) {
	case JSON_OBJECT:
		return compare_objects(ours, (json_t *)(uintptr_t)peer);
	case JSON_ARRAY:
		return compare_arrays(ours, peer);
	case JSON_STRING:
		return json_get_string(ours, &text) &&
			       slice_eq(text,
				   SLICE_OF(json_string_value(peer), json_string_length(peer)))
			   ? NULL
			   : "string";
	case JSON_INTEGER:
		return json_get_i64(ours, &n) && n == json_integer_value(peer) ? NULL : "integer";
	case JSON_REAL:
		return is_same_real(ours, peer) ? NULL : "real number";
	case JSON_TRUE:
	case JSON_FALSE:
		return json_get_bool(ours, &flag) && flag == json_is_true(peer) ? NULL : "boolean";
	case JSON_NULL:
		break;
	}
	return json_kind(ours) == JSON_KIND_NULL ? NULL : "null";
}

static unsigned deeper(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* Levels of arrays and objects. */
static unsigned depth_of(json_t *peer)
{
	unsigned inner = 0;
	const char *name;
	json_t *value;
	size_t i;

	if (json_is_array(peer)) {
		json_array_foreach(peer, i, value)
		{
			inner = deeper(inner, depth_of(value));
		}
		return inner + 1;
	}
	if (json_is_object(peer)) {
		json_object_foreach(peer, name, value)
		{
			inner = deeper(inner, depth_of(value));
		}
		return inner + 1;
	}
	return 0;
}

/* Where we refused: NULL if jansson refused too or is known to be laxer there. */
static const char *compare_refusal(enum err ours, json_t *peer, struct slice text)
{
	if (ours != ERR_SYNTAX && ours != ERR_LIMIT) {
		return "odd error value";
	}
	if (peer == NULL || slice_find(text, '\0', 0) < text.len) {
		return NULL;
	}
	if (ours == ERR_LIMIT) {
		return depth_of(peer) > JSON_MAX_DEPTH ? NULL : "refused as too deep";
	}
	return "only jansson accepts it";
}

const char *json_peer_difference(struct slice text)
{
	struct arena arena = arena_new(ARENA_BYTES);
	struct err_note note = { 0 };
	const struct json *ours = NULL;
	const char *difference;
	json_error_t at;

	enum err e = json_parse(&arena, text, &ours, &note);
	json_t *peer = json_loadb(text.len == 0 ? "" : text.ptr, text.len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &at);
	if (e != ERR_OK) {
		difference = compare_refusal(e, peer, text);
	} else {
		difference = peer == NULL ? "only jansson refuses it" : compare(ours, peer);
	}
	json_decref(peer);
	arena_reset(&arena);
	return difference;
}
