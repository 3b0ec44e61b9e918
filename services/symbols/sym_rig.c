/*
 * Texts by chance: sane ones, like a compiler's, and wild ones, in which ranges overlap, numbers
 * are out of order and some lines are no records.
 */
#include "services/symbols/sym_rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	FILES = 40,
	ORIGINS = 60
};

struct maker {
	const struct sym_recipe *r;
	struct buf *out;
	uint64_t seed, at;
};

uint64_t sym_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t below(struct maker *m, uint64_t n)
{
	return sym_random(&m->seed) % n;
}

static bool one_in(struct maker *m, uint64_t n)
{
	return below(m, n) == 0;
}

static void put_name(struct maker *m)
{
	static const char *const words[] = { "mozilla", "Vector", "std::__ndk1", "unique_ptr",
		"(anonymous namespace)", "operator()", "DoubleExponent", "h\xc3\xbcll", "<int, 4u>",
		"const&", "JSContext*" };
	unsigned n = 1 + (unsigned)below(m, 8);

	for (unsigned i = 0; i < n; i++) {
		const char *word = words[below(m, sizeof(words) / sizeof(words[0]))];
		buf_printf(m->out, i == 0 ? "%s%" PRIu64 : "::%s%" PRIu64, word, below(m, 5));
	}
}

static void put_inlines(struct maker *m, uint64_t start, uint64_t size)
{
	unsigned n = m->r->inlines == 0 ? 0 : (unsigned)below(m, m->r->inlines + 1), depth = 0;

	for (unsigned i = 0; i < n; i++) {
		depth = i == 0 ? 0 : (unsigned)below(m, depth + 2);
		depth += m->r->is_wild && one_in(m, 20) ? 2 : 0;
		buf_printf(m->out, "INLINE %u %" PRIu64 " ", depth, below(m, 3000));
		if (!m->r->is_wild || !one_in(m, 10)) {
			buf_printf(m->out, "%" PRIu64 " ", below(m, FILES + 2) * 3);
		}
		buf_printf(m->out, "%" PRIu64, below(m, ORIGINS + 2));
		for (unsigned ranges = 1 + (unsigned)below(m, 3); ranges > 0; ranges--) {
			uint64_t from = start + below(m, size);
			from -= m->r->is_wild && one_in(m, 10) ? below(m, 50) : 0;
			buf_printf(m->out, " %" PRIx64 " %" PRIx64, from, below(m, size));
		}
		buf_append_str(m->out, "\n");
	}
}

static void put_lines(struct maker *m, uint64_t start, uint64_t size)
{
	unsigned n = (unsigned)below(m, m->r->lines + 1);
	uint64_t at = start;

	for (unsigned i = 0; i < n && (m->r->is_wild || at < start + size); i++) {
		uint64_t len = 1 + below(m, 2 * size / (n + 1) + 1);
		if (m->r->is_wild && one_in(m, 8)) {
			at = start + below(m, size);
			len = one_in(m, 4) ? 0 : len;
		}
		at += one_in(m, 10) ? below(m, 5) : 0;
		buf_printf(m->out, "%" PRIx64 " %" PRIx64 " %" PRIu64 " %" PRIu64 "\n", at, len,
		    one_in(m, 12) ? 0 : below(m, one_in(m, 9) ? 100000 : 60),
		    below(m, FILES + 2) * 3);
		at += len;
	}
}

static void put_function(struct maker *m)
{
	uint64_t size = 1 + below(m, one_in(m, 20) ? 3000 : 200);
	uint64_t start = m->at;

	if (m->r->is_wild && one_in(m, 6)) {
		start = below(m, m->at + 100);
		size = one_in(m, 5) ? 0 : size;
	}
	buf_printf(
	    m->out, "FUNC %s%" PRIx64 " %" PRIx64 " 0 ", one_in(m, 9) ? "m " : "", start, size);
	if (!m->r->is_wild || !one_in(m, 30)) {
		put_name(m);
	}
	buf_append_str(m->out, "\n");
	if (size > 0) {
		put_inlines(m, start, size);
		put_lines(m, start, size);
	}
	m->at = start + size > m->at ? start + size : m->at;
	m->at += one_in(m, 3) ? below(m, 60) : 0;
}

static void put_public(struct maker *m)
{
	uint64_t at = m->at + below(m, 30);

	if (m->r->is_wild && one_in(m, 3)) {
		at = below(m, m->at + 100);
	}
	buf_printf(m->out, "PUBLIC %" PRIx64 " 0 ", at);
	put_name(m);
	buf_append_str(m->out, "\n");
	m->at = at + 1 + below(m, 40);
}

static void put_names(struct maker *m)
{
	for (unsigned i = 0; i < FILES; i++) {
		buf_printf(m->out, "FILE %u hg:hg.example.org/central:mfbt/", i * 3);
		put_name(m);
		buf_append_str(m->out, ".h:bbdd9862\n");
	}
	for (unsigned i = 0; i < ORIGINS; i++) {
		buf_printf(m->out, "INLINE_ORIGIN %u ", i);
		put_name(m);
		buf_append_str(m->out, "\n");
	}
}

void sym_text_make(const struct sym_recipe *recipe, struct buf *out)
{
	struct maker m = { .r = recipe, .out = out, .seed = recipe->seed, .at = 0x1000 };
	unsigned functions = recipe->functions, publics = recipe->publics;

	buf_append_str(
	    out, "MODULE Linux x86_64 30E82E5EFE2E4F3AD0833D228302273C0 made by chance\n");
	buf_append_str(out, "INFO CODE_ID 5E2EE8302EFE3A4FD0833D228302273CE40ED217\n");
	put_names(&m);
	while (functions + publics > 0) {
		if (below(&m, functions + publics) < functions) {
			put_function(&m);
			functions--;
		} else {
			put_public(&m);
			publics--;
		}
		if (recipe->is_wild && one_in(&m, 10)) {
			buf_append_str(
			    out, "STACK CFI INIT 0 c0 .cfa: sp 0 + .ra: lr\nnonsense here\n\n");
		}
	}
}

int sym_file(struct slice bytes)
{
	int fd = memfd_create("sym", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
	return fd;
}

int sym_index_file(struct slice text, struct index_built *ret)
{
	const struct index_limits limits = { 1u << 30, UINT32_MAX };
	int sym = sym_file(text), fd = sym_file(SLICE_EMPTY);
	struct err_note note = { 0 };
	enum err e = index_build(sym, fd, NULL, &limits, ret, &note);

	if (e != ERR_OK) {
		fail_msg("%s", note.text);
	}
	close(sym);
	return fd;
}

struct sym_index *sym_index_of(struct slice text)
{
	struct index_built built;
	struct sym_index *ix = NULL;
	int fd = sym_index_file(text, &built);

	assert_int_equal(sym_index_open(fd, NULL, &ix, NULL), ERR_OK);
	close(fd);
	return ix;
}

static void compare_text(struct sym_index *ix, uint32_t name, const char *wanted, uint64_t offset)
{
	struct buf text = buf_new(1 << 20);

	assert_true(sym_index_text(ix, name, &text));
	if (!slice_eq(buf_slice(&text), slice_str(wanted))) {
		fail_msg("at %" PRIx64 ": '%.*s', not '%s'", offset, SLICE_ARG(buf_slice(&text)),
		    wanted == NULL ? "" : wanted);
	}
	buf_free(&text);
}

void sym_compare(struct sym_index *ix, const struct slow_sym *slow, uint64_t offset)
{
	struct sym_found found;
	struct slow_found wanted;
	bool is_found = sym_index_find(ix, offset, &found);

	slow_sym_find(slow, offset, &wanted);
	assert_false(sym_index_is_damaged(ix));
	if (is_found != (wanted.n_calls > 0) || (is_found && found.n_calls != wanted.n_calls)) {
		fail_msg("at %" PRIx64 ": %u calls, not %zu", offset, is_found ? found.n_calls : 0,
		    wanted.n_calls);
	}
	if (!is_found) {
		return;
	}
	assert_int_equal(found.start, wanted.start);
	assert_int_equal(found.size, wanted.size);
	for (unsigned i = 0; i < found.n_calls; i++) {
		const struct slow_call *w = &wanted.calls[i];
		compare_text(ix, found.calls[i].function, w->function, offset);
		compare_text(ix, found.calls[i].file, w->file, offset);
		if (found.calls[i].line != w->line) {
			fail_msg("at %" PRIx64 " call %u: line %u, not %u", offset, i,
			    found.calls[i].line, w->line);
		}
	}
}
