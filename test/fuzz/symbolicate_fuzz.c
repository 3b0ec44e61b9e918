/*
 * Requests for symbolication: the first byte chooses the version, the rest is the body. Whatever it
 * is, the answer is JSON, a refusal has a title, and a good one has as many stacks and frames as
 * were asked for.
 */
#include "test/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/json.h"
#include "services/symbols/index_build.h"
#include "services/symbols/symbolicate.h"

enum {
	ARENA_MAX = 1 << 22,
	ANSWER_MAX = 1 << 20
};

static const char text[] = "MODULE Linux x86_64 000102030405060708090A0B0C0D0E0F0 zoo\n"
			   "FILE 0 a.cc\n"
			   "INLINE_ORIGIN 30 zoo::inner\n"
			   "FUNC 0 10000 0 zoo::outer(int)\n"
			   "INLINE 0 8 0 30 16fc 1400\n"
			   "0 10000 8 0\n";

static struct sym_index *index_of_text(void)
{
	const struct index_limits limits = { 1 << 20, 1 << 20 };
	struct index_built built;
	struct sym_index *ix = NULL;
	int from = memfd_create("sym", MFD_CLOEXEC), to = memfd_create("index", MFD_CLOEXEC);

	CHECK(write(from, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
	CHECK(index_build(from, to, NULL, &limits, &built, NULL) == ERR_OK);
	CHECK(sym_index_open(to, NULL, &ix, NULL) == ERR_OK);
	close(from);
	close(to);
	return ix;
}

static enum err on_open(
    void *arg, struct slice file, struct slice id, struct symbolicate_opened *ret)
{
	CHECK(file.len > 0 && id.len > 0 && id.len <= 64);
	if (file.ptr[0] == 'b') {
		return ERR_TOO_BUSY;
	}
	ret->index = arg;
	return file.ptr[0] == 'z' ? ERR_OK : ERR_NOT_FOUND;
}

static void on_close(void *arg, struct sym_index *index)
{
	CHECK(arg == index);
}

static void check_answer(struct slice answer, bool is_refusal, const struct symbolicate_work *work)
{
	struct arena arena = arena_new(64 << 20);
	const struct json *v = NULL;
	enum err e = json_parse(&arena, answer, &v, NULL);

	CHECK(e == ERR_OK || e == ERR_MEMORY);
	if (e == ERR_OK && is_refusal) {
		CHECK(json_member(v, "title") != NULL);
	} else if (e == ERR_OK && json_member(v, "symbolicatedStacks") != NULL) {
		/* A member that stands twice counts once in the answer. */
		CHECK(json_count(json_member(v, "symbolicatedStacks")) <= work->stacks);
	} else if (e == ERR_OK) {
		CHECK(json_member(v, "results") != NULL);
	}
	arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sym_index *ix;
	const struct symbolicate_limits limits = { .frames = 1000, .modules = 100 };

	ix = ix == NULL ? index_of_text() : ix;
	if (size == 0) {
		return 0;
	}
	const struct symbolicate_ways ways = { .open = on_open, .close = on_close, .arg = ix };
	struct arena arena = arena_new(ARENA_MAX);
	struct buf out = buf_new(ANSWER_MAX);
	struct symbolicate_work work = { 0 };
	const struct symbolicate_call call = {
		.version = data[0] == '4' ? SYMBOLICATE_V4 : SYMBOLICATE_V5,
		.body = SLICE_OF(data + 1, size - 1),
		.wants_debug = data[0] == 'd',
		.ways = &ways,
		.limits = &limits,
		.arena = &arena,
	};
	enum err e = symbolicate(&call, &out, &work);
	CHECK(e == ERR_OK || e == ERR_INVALID || e == ERR_TOO_BUSY || e == ERR_LIMIT);
	CHECK(work.frames <= limits.frames);
	if (e == ERR_OK || e == ERR_INVALID) {
		check_answer(buf_slice(&out), e == ERR_INVALID, &work);
	}
	buf_free(&out);
	arena_reset(&arena);
	return 0;
}
