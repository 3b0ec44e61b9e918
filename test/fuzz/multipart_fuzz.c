/*
 * Forms of strangers: however the bytes are cut into pieces, the same is told of them, and in
 * order: begin, data, end.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/base/check.h"
#include "services/symbols/multipart.h"

enum {
	TOLD_MAX = 1 << 20
};

/* All that was told, as text. */
struct told {
	struct buf text;
	bool in_part;
};

static enum err on_begin(void *arg, struct slice name, bool has_file, struct slice file)
{
	struct told *t = arg;

	CHECK(!t->in_part && name.len <= MULTIPART_NAME_MAX && file.len <= MULTIPART_NAME_MAX);
	t->in_part = true;
	buf_printf(&t->text, "[%zu %zu %d ", name.len, file.len, has_file);
	buf_append_slice(&t->text, name);
	buf_append_slice(&t->text, file);
	buf_append_char(&t->text, ':');
	return ERR_OK;
}

static enum err on_data(void *arg, struct slice bytes)
{
	struct told *t = arg;

	CHECK(t->in_part && bytes.len > 0);
	buf_append_slice(&t->text, bytes);
	return ERR_OK;
}

static enum err on_end(void *arg)
{
	struct told *t = arg;

	CHECK(t->in_part);
	t->in_part = false;
	buf_append_char(&t->text, ']');
	return ERR_OK;
}

static enum err read_form(struct slice type, struct slice body, size_t piece, struct told *t)
{
	const struct multipart_events events = { on_begin, on_data, on_end, t };
	struct multipart m;
	enum err e = multipart_init(&m, type, &events);

	if (e != ERR_OK) {
		return e;
	}
	while (e == ERR_OK && body.len > 0) {
		e = multipart_feed(&m, slice_sub(body, 0, piece));
		body = slice_sub(body, piece, body.len);
	}
	e = e == ERR_OK ? multipart_finish(&m) : e;
	multipart_fini(&m);
	return e;
}

/* The first line is the type, the rest the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 7, MULTIPART_FEED_MAX };
	struct slice all = SLICE_OF(data, size);
	size_t line = slice_find(all, '\n', 0);
	struct told told[3];
	enum err e[3];

	for (size_t i = 0; i < 3; i++) {
		told[i] = (struct told){ .text = buf_new(TOLD_MAX) };
		e[i] = read_form(slice_sub(all, 0, line), slice_sub(all, line + 1, all.len),
		    pieces[i], &told[i]);
		CHECK(e[i] == e[0]);
		CHECK(
		    e[i] != ERR_OK || slice_eq(buf_slice(&told[i].text), buf_slice(&told[0].text)));
	}
	for (size_t i = 0; i < 3; i++) {
		buf_free(&told[i].text);
	}
	return 0;
}
