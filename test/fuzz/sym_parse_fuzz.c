/*
 * Text symbol files: whatever comes, pieces of any size give the same records, numbers stay inside
 * their bounds, and an index of them can be opened and asked.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "services/symbols/index_build.h"
#include "services/symbols/sym_index.h"
#include "services/symbols/sym_parse.h"

enum {
	LIMIT_BYTES = 1 << 22
};

/* A sum over all that the sink was given. */
static void add(uint64_t *sum, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++) {
		*sum = (*sum ^ p[i]) * UINT64_C(0x100000001b3);
	}
	*sum += len + 1;
}

static enum err on_module(void *arg, const struct sym_module *m)
{
	CHECK(m->id.len > 0);
	add(arg, m->id.ptr, m->id.len);
	add(arg, m->name.ptr, m->name.len);
	return ERR_OK;
}

static enum err on_name(void *arg, uint64_t id, struct slice name)
{
	CHECK(name.len <= SYM_LINE_MAX);
	add(arg, &id, sizeof(id));
	add(arg, name.ptr, name.len);
	return ERR_OK;
}

static enum err on_text(void *arg, struct slice key, struct slice text)
{
	add(arg, key.ptr, key.len);
	add(arg, text.ptr, text.len);
	return ERR_OK;
}

static enum err on_func(void *arg, uint64_t address, uint64_t size, struct slice name)
{
	add(arg, &size, sizeof(size));
	return on_name(arg, address, name);
}

static enum err on_line(void *arg, struct sym_range at, uint32_t line, uint64_t file)
{
	CHECK(line <= INT32_MAX);
	add(arg, &at, sizeof(at));
	add(arg, &line, sizeof(line));
	add(arg, &file, sizeof(file));
	return ERR_OK;
}

static enum err on_inline(void *arg, const struct sym_inline *record)
{
	CHECK(record->depth < SYM_INLINE_DEPTH_MAX && record->n_ranges > 0);
	CHECK(record->n_ranges <= SYM_RANGES_MAX);
	add(arg, &record->origin, sizeof(record->origin));
	add(arg, record->ranges, record->n_ranges * sizeof(*record->ranges));
	return ERR_OK;
}

static uint64_t parse(struct slice text, size_t piece, enum err *ret)
{
	uint64_t sum = 0;
	const struct sym_sink sink = { on_module, on_text, on_text, on_name, on_name, on_func,
		on_line, on_inline, on_name, &sum };
	struct sym_parser p;
	enum err e = ERR_OK;

	sym_parser_init(&p, &sink);
	for (size_t at = 0; e == ERR_OK && at < text.len; at += piece) {
		e = sym_parser_feed(&p, slice_sub(text, at, at + piece));
	}
	e = e == ERR_OK ? sym_parser_end(&p) : e;
	CHECK(e == ERR_OK || e == ERR_SYNTAX);
	sym_parser_fini(&p);
	*ret = e;
	return e == ERR_OK ? sum : 0;
}

static void ask(int fd, struct slice text)
{
	struct sym_index *ix = NULL;
	struct sym_found f;
	struct buf name = buf_new(LIMIT_BYTES);
	uint64_t at = 0;

	CHECK(sym_index_open(fd, NULL, &ix, NULL) == ERR_OK);
	for (size_t i = 0; i + 2 <= text.len && i < 200; i++) {
		at = at * 31 + (unsigned char)text.ptr[i];
		if (sym_index_find(ix, at & 0x3fff, &f)) {
			CHECK(f.n_calls > 0 && f.n_calls <= SYM_CALLS_MAX + 1);
			CHECK(sym_index_text(ix, f.calls[f.n_calls - 1].function, &name));
			CHECK(sym_index_text(ix, f.calls[0].file, &name));
			buf_clear(&name);
		}
	}
	CHECK(!sym_index_is_damaged(ix));
	sym_index_close(&ix);
	buf_free(&name);
}

static void build(int from, int to, struct slice text, enum err parsed)
{
	const struct index_limits limits = { LIMIT_BYTES, LIMIT_BYTES };
	struct index_built built;
	enum err e = index_build(from, to, NULL, &limits, &built, NULL);

	CHECK(e == ERR_OK || e == ERR_SYNTAX || e == ERR_CORRUPT || e == ERR_LIMIT);
	CHECK(parsed == ERR_SYNTAX || e == ERR_OK);
	if (e == ERR_OK) {
		CHECK(built.index_bytes <= LIMIT_BYTES);
		ask(to, text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int from = -1, to = -1;
	struct slice text = SLICE_OF(data, size);
	enum err whole = ERR_OK, pieces = ERR_OK;
	uint64_t sum = parse(text, size + 1, &whole);

	CHECK(sum == parse(text, 1 + size % 7, &pieces) && whole == pieces);
	if (from < 0) {
		from = memfd_create("sym", MFD_CLOEXEC);
		to = memfd_create("index", MFD_CLOEXEC);
	}
	CHECK(ftruncate(from, 0) == 0 && ftruncate(to, 0) == 0);
	CHECK(pwrite(from, data, size, 0) == (ssize_t)size);
	build(from, to, text, whole);
	return 0;
}
