/*
 * Cost of reading a JSON document, from its bytes to freed memory, beside jansson in the same run:
 * nanoseconds for the body of a /verify call (one string of 3 KB), for a small object as it stands
 * in a signed part, and for 10 KB of objects. Best of several rounds.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/json.h"

enum {
	ROUNDS = 7,
	BYTES_PER_ROUND = 20 << 20, /* of text, so that all rounds take about as long */
	TEXT_MAX = 64 * 1024
};

static void read_ours(struct slice text)
{
	struct arena arena = arena_new(1 << 20);
	const struct json *v = NULL;

	CHECK(json_parse(&arena, text, &v, NULL) == ERR_OK && json_count(v) > 0);
	arena_reset(&arena);
}

static void read_jansson(struct slice text)
{
	json_t *v = json_loadb(
	    text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	CHECK(v != NULL);
	json_decref(v);
}

static double best_ns(void (*read)(struct slice text), struct slice text)
{
	size_t calls = BYTES_PER_ROUND / (text.len + 200);
	int64_t best_us = INT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t from_us = clock_mono_us();
		for (size_t i = 0; i < calls; i++) {
			read(text);
		}
		int64_t took_us = clock_mono_us() - from_us;
		best_us = took_us < best_us ? took_us : best_us;
	}
	return (double)best_us * 1000.0 / (double)calls;
}

static void report(const char *what, struct buf *text)
{
	CHECK(!text->failed);
	double ours = best_ns(read_ours, buf_slice(text));
	double jansson = best_ns(read_jansson, buf_slice(text));

	printf("%-24s %6zu bytes %9.0f ns   jansson %9.0f ns   x %.1f\n", what, buf_slice(text).len,
	    ours, jansson, jansson / ours);
	buf_free(text);
}

static void put_small_object(struct json_writer *w, int64_t i)
{
	json_begin_object(w);
	json_put_name(w, SLICE("iss"));
	json_put_string(w, SLICE("login.example.org"));
	json_put_name(w, SLICE("exp"));
	json_put_i64(w, 1700000000000 + i);
	json_put_name(w, SLICE("iat"));
	json_put_i64(w, 1700000000000);
	json_put_name(w, SLICE("email"));
	json_put_string(w, SLICE("someone@mail.example"));
	json_put_name(w, SLICE("verified"));
	json_put_bool(w, true);
	json_put_name(w, SLICE("level"));
	json_put_null(w);
	json_end_object(w);
}

int main(void)
{
	struct buf body = buf_new(TEXT_MAX), small = buf_new(TEXT_MAX), many = buf_new(TEXT_MAX);
	struct json_writer w = json_writer_new(&body);

	buf_append_str(&body, "{\"assertion\":\"");
	for (int i = 0; i < 3000; i++) {
		buf_append_char(&body, "eyJhbGciOiJSUzI1NiJ9._-"[i % 23]);
	}
	buf_append_str(&body, "\",\"audience\":\"http://127.0.0.1:8010\"}");
	report("body with a long string", &body);

	w = json_writer_new(&small);
	put_small_object(&w, 0);
	report("object of 6 members", &small);

	w = json_writer_new(&many);
	json_begin_array(&w);
	for (int64_t i = 0; i < 80; i++) {
		put_small_object(&w, i);
	}
	json_end_array(&w);
	report("array of 80 objects", &many);
	return 0;
}
