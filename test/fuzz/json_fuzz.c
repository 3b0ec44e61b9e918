/*
 * JSON from outside: jansson agrees on it, and what parses is walked whole, written again, and
 * parses to the same text.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/base/json.h"
#include "core/base/json_peer.h"

enum {
	MAX_BYTES = 1 << 20
};

static void copy(struct json_writer *w, const struct json *v, unsigned depth);

static void copy_object(struct json_writer *w, const struct json *v, unsigned depth)
{
	void *cursor = NULL;
	struct slice key;
	const struct json *member;
	size_t n = 0;

	json_begin_object(w);
	while (json_next(v, &cursor, &key, &member)) {
		json_put_name(w, key);
		copy(w, member, depth + 1);
		n++;
	}
	json_end_object(w);
	CHECK(n == json_count(v));
}

static void copy_array(struct json_writer *w, const struct json *v, unsigned depth)
{
	json_begin_array(w);
	for (size_t i = 0; i < json_count(v); i++) {
		copy(w, json_element(v, i), depth + 1);
	}
	json_end_array(w);
	CHECK(json_element(v, json_count(v)) == NULL);
}

/* Real numbers, which the writer has no form for, become null. */
static void copy(struct json_writer *w, const struct json *v, unsigned depth)
{
	struct slice text;
	int64_t number;
	bool flag;

	CHECK(v != NULL && depth <= JSON_MAX_DEPTH);
	switch (json_kind(v)) {
	case JSON_KIND_OBJECT:
		copy_object(w, v, depth);
		break;
	case JSON_KIND_ARRAY:
		copy_array(w, v, depth);
		break;
	case JSON_KIND_STRING:
		CHECK(json_get_string(v, &text) && !json_get_i64(v, &number));
		json_put_string(w, text);
		break;
	case JSON_KIND_INT:
		CHECK(json_get_i64(v, &number) && !json_get_bool(v, &flag));
		json_put_i64(w, number);
		break;
	case JSON_KIND_BOOL:
		CHECK(json_get_bool(v, &flag) && !json_get_string(v, &text));
		json_put_bool(w, flag);
		break;
	case JSON_KIND_NULL:
	case JSON_KIND_REAL:
		json_put_null(w);
		break;
	}
}

/* Parses and writes; false if it does not parse. */
static bool rewrite(struct arena *arena, struct slice text, struct buf *out)
{
	const struct json *document;
	struct json_writer w = json_writer_new(out);
	struct err_note note = { 0 };

	if (json_parse(arena, text, &document, &note) != ERR_OK) {
		return false;
	}
	copy(&w, document, 0);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = arena_new(MAX_BYTES);
	struct buf once = buf_new(MAX_BYTES), twice = buf_new(MAX_BYTES);

	CHECK(json_peer_difference(SLICE_OF(data, size)) == NULL);
	if (rewrite(&arena, SLICE_OF(data, size), &once)) {
		CHECK(!once.failed);
		CHECK(rewrite(&arena, buf_slice(&once), &twice));
		CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
	}
	buf_free(&once);
	buf_free(&twice);
	arena_reset(&arena);
	return 0;
}
