/*
 * The index beside the slow resolver, over texts by chance and over the real modules of the sample
 * archive where that is at hand; what damage does; how large an index is.
 */
#include "services/symbols/sym_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "services/symbols/sym_rig.h"
#include "services/symbols/sym_sample.h"

enum {
	TEXT_MAX = 1 << 26,
	EDGES_MAX = 1200
};

/* Everything that begins or ends somewhere, its neighbours, and offsets by chance. */
static void compare_all(struct sym_index *ix, struct slice text, uint64_t seed, unsigned by_chance)
{
	static uint64_t edges[EDGES_MAX];
	struct slow_sym *slow = slow_sym_new(text.ptr, text.len);
	size_t n = slow_sym_edges(slow, edges, EDGES_MAX);
	uint64_t highest = 1;

	for (size_t i = 0; i < n; i++) {
		sym_compare(ix, slow, edges[i]);
		sym_compare(ix, slow, edges[i] - (edges[i] > 0));
		highest = edges[i] > highest ? edges[i] : highest;
	}
	for (unsigned i = 0; i < by_chance; i++) {
		sym_compare(ix, slow, sym_random(&seed) % (highest + 1000));
	}
	slow_sym_free(slow);
}

static void check_recipe(const struct sym_recipe *recipe)
{
	struct buf text = buf_new(TEXT_MAX);

	sym_text_make(recipe, &text);
	struct sym_index *ix = sym_index_of(buf_slice(&text));
	compare_all(ix, buf_slice(&text), recipe->seed, 500);
	sym_index_close(&ix);
	buf_free(&text);
}

static void sane_modules_resolve_like_the_slow_resolver(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		check_recipe(&(struct sym_recipe){
		    .seed = seed, .functions = 60, .publics = 10, .lines = 20, .inlines = 8 });
	}
	check_recipe(
	    &(struct sym_recipe){ .seed = 99, .functions = 6, .lines = 700, .inlines = 200 });
}

static void wild_modules_resolve_like_the_slow_resolver(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 15; seed++) {
		check_recipe(&(struct sym_recipe){ .seed = seed,
		    .functions = 40,
		    .publics = 15,
		    .lines = 16,
		    .inlines = 10,
		    .is_wild = true });
	}
	check_recipe(&(struct sym_recipe){
	    .seed = 7, .functions = 5, .lines = 600, .inlines = 150, .is_wild = true });
	check_recipe(&(struct sym_recipe){ .seed = 8, .publics = 200, .is_wild = true });
}

static void compare_sample(void *arg, const char *name, struct slice text)
{
	unsigned *n = arg;
	struct index_built built;
	struct sym_index *ix = NULL;
	int fd = sym_index_file(text, &built);

	assert_int_equal(sym_index_open(fd, NULL, &ix, NULL), ERR_OK);
	close(fd);
	compare_all(ix, text, *n, 400);
	/* Some INLINE records of these files jump over a depth. */
	assert_true(built.bad_lines < 100);
	if (built.index_bytes > text.len / 10 * 4 && text.len > 20000) {
		print_message("%s: index of %u bytes for %zu\n", name, built.index_bytes, text.len);
	}
	sym_index_close(&ix);
	(*n)++;
}

static void real_modules_resolve_like_the_slow_resolver(void **state)
{
	(void)state;
	unsigned n = 0;

	if (!sym_sample_each(compare_sample, &n)) {
		print_message("not here: %s; what the real modules would show was tried with "
			      "generated ones only\n",
		    sym_sample_path());
		skip();
	}
	assert_int_equal(n, 72);
}

static void an_index_is_small(void **state)
{
	(void)state;
	const struct sym_recipe recipe = {
		.seed = 5, .functions = 3000, .publics = 300, .lines = 84, .inlines = 5
	};
	struct buf text = buf_new(TEXT_MAX);
	struct index_built built;

	sym_text_make(&recipe, &text);
	int fd = sym_index_file(buf_slice(&text), &built);
	close(fd);
	print_message("%u bytes for %zu\n", built.index_bytes, text.len);
	assert_true(built.index_bytes < text.len * 4 / 10);
	buf_free(&text);
}

/* The worked example of dump_syms' output for outer() with two inlined calls. */
static void inlined_calls_take_the_places_of_their_callers(void **state)
{
	(void)state;
	static const char text[] = "MODULE Linux x86_64 000102030405060708090A0B0C0D0E0F0 zoo\n"
				   "FILE 0 a.cc\n"
				   "INLINE_ORIGIN 30 zoo::inner\n"
				   "INLINE_ORIGIN 31 zoo::middle\n"
				   "FUNC 16c0 79 0 zoo::outer(int)\n"
				   "INLINE 0 8 0 31 16fc 14\n"
				   "INLINE 1 7 0 30 16fc 14\n"
				   "16c0 3c 8 0\n"
				   "16fc 14 6 0\n";
	struct sym_index *ix = sym_index_of(slice_str(text));
	struct sym_found f;
	struct buf name = buf_new(100);

	assert_true(sym_index_find(ix, 0x16fc, &f));
	assert_int_equal(f.n_calls, 3);
	assert_int_equal(f.start, 0x16c0);
	assert_int_equal(f.size, 0x79);
	assert_int_equal(f.calls[0].line, 8);
	assert_int_equal(f.calls[1].line, 7);
	assert_int_equal(f.calls[2].line, 6);
	assert_true(sym_index_text(ix, f.calls[2].function, &name));
	assert_true(slice_eq(buf_slice(&name), SLICE("zoo::inner")));
	buf_free(&name);
	sym_index_close(&ix);
}

static struct slice gzip(struct slice text, char *out, size_t size)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)text.ptr,
		.avail_in = (uInt)text.len,
		.next_out = (Bytef *)out,
		.avail_out = (uInt)size };

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size = z.total_out;
	assert_int_equal(deflateEnd(&z), Z_OK);
	return SLICE_OF(out, size);
}

static void gzip_and_plain_give_the_same_index(void **state)
{
	(void)state;
	const struct sym_recipe recipe = {
		.seed = 3, .functions = 3000, .lines = 60, .inlines = 4
	};
	const struct index_limits limits = { TEXT_MAX, UINT32_MAX };
	struct buf text = buf_new(TEXT_MAX), plain = buf_new(TEXT_MAX),
		   inflated = buf_new(TEXT_MAX);
	struct index_built built;

	sym_text_make(&recipe, &text);
	assert_true(text.len > 1 << 20); /* several pieces */
	char *packed = malloc(text.len);
	struct slice zipped = gzip(buf_slice(&text), packed, text.len);
	int from = sym_file(zipped), to = sym_file(SLICE_EMPTY);
	assert_int_equal(index_build(from, to, NULL, &limits, &built, NULL), ERR_OK);
	assert_int_equal(built.sym_bytes, text.len);
	int other = sym_index_file(buf_slice(&text), &built);
	assert_int_equal(lseek(to, 0, SEEK_SET) + lseek(other, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_all(&inflated, to), ERR_OK);
	assert_int_equal(buf_read_all(&plain, other), ERR_OK);
	assert_true(slice_eq(buf_slice(&inflated), buf_slice(&plain)));
	/* Cut short, damaged, and with something behind. */
	struct err_note note = { 0 };
	int cut = sym_file(slice_sub(zipped, 0, zipped.len - 9));
	assert_int_equal(index_build(cut, to, NULL, &limits, &built, &note), ERR_CORRUPT);
	packed[zipped.len / 2] ^= 1;
	int damaged = sym_file(zipped);
	enum err e = index_build(damaged, to, NULL, &limits, &built, NULL);
	assert_true(e == ERR_CORRUPT || e == ERR_SYNTAX);
	const struct index_limits tight = { text.len - 1, UINT32_MAX };
	int whole = sym_file(buf_slice(&text));
	assert_int_equal(index_build(whole, to, NULL, &tight, &built, NULL), ERR_LIMIT);
	const struct index_limits small = { TEXT_MAX, 100000 };
	assert_int_equal(index_build(whole, to, NULL, &small, &built, NULL), ERR_LIMIT);
	close(from);
	close(to);
	close(other);
	close(cut);
	close(damaged);
	close(whole);
	free(packed);
	buf_free(&text);
	buf_free(&plain);
	buf_free(&inflated);
}

static void what_is_no_sym_has_no_index(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "\n", "FUNC 10 10 0 a\n", "MODULE\n",
		"MODULE Linux\n", "\x1f\x8b", "no symbols" };
	const struct index_limits limits = { TEXT_MAX, UINT32_MAX };
	struct index_built built;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int from = sym_file(slice_str(texts[i])), to = sym_file(SLICE_EMPTY);
		struct err_note note = { 0 };
		enum err e = index_build(from, to, NULL, &limits, &built, &note);
		assert_true(e == ERR_SYNTAX || e == ERR_CORRUPT);
		assert_int_not_equal(note.text[0], '\0');
		close(from);
		close(to);
	}
}

/* Asks for everything; true: the damage was noticed. */
static bool use_up(struct slice bytes)
{
	struct sym_index *ix = NULL;
	struct sym_found f;
	struct buf name = buf_new(1 << 20);
	int fd = sym_file(bytes);
	enum err e = sym_index_open(fd, NULL, &ix, NULL);

	close(fd);
	if (e != ERR_OK) {
		return true;
	}
	for (uint64_t at = 0x1000; at < 0x6000 && !sym_index_is_damaged(ix); at++) {
		if (sym_index_find(ix, at, &f)) {
			for (unsigned i = 0; i < f.n_calls; i++) {
				buf_clear(&name);
				(void)sym_index_text(ix, f.calls[i].function, &name);
				(void)sym_index_text(ix, f.calls[i].file, &name);
			}
		}
	}
	bool noticed = sym_index_is_damaged(ix);
	sym_index_close(&ix);
	buf_free(&name);
	return noticed;
}

static void damage_is_noticed_wherever_it_is(void **state)
{
	(void)state;
	const struct sym_recipe recipe = {
		.seed = 11, .functions = 60, .publics = 20, .lines = 20, .inlines = 4
	};
	struct buf text = buf_new(TEXT_MAX), index = buf_new(TEXT_MAX);
	struct index_built built;

	sym_text_make(&recipe, &text);
	int fd = sym_index_file(buf_slice(&text), &built);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_all(&index, fd), ERR_OK);
	close(fd);
	assert_false(use_up(buf_slice(&index)));
	for (size_t at = 0; at < index.len; at += 1 + at / 11) {
		index.data[at] ^= 0x10;
		assert_true(use_up(buf_slice(&index)));
		index.data[at] ^= 0x10;
	}
	for (size_t len = 0; len < index.len; len += 1 + len / 7) {
		assert_true(use_up(slice_sub(buf_slice(&index), 0, len)));
	}
	buf_append_str(&index, "xxxx");
	assert_true(use_up(buf_slice(&index)));
	buf_free(&text);
	buf_free(&index);
}

static void an_index_of_another_source_is_refused(void **state)
{
	(void)state;
	static const unsigned char hash[INDEX_HASH_BYTES] = { 1, 2, 3 },
				   other[INDEX_HASH_BYTES] = { 1 };
	const struct index_limits limits = { TEXT_MAX, UINT32_MAX };
	struct index_built built;
	struct sym_index *ix = NULL;
	int from = sym_file(SLICE("MODULE a b 1 d\n")), to = sym_file(SLICE_EMPTY);

	assert_int_equal(index_build(from, to, hash, &limits, &built, NULL), ERR_OK);
	assert_int_equal(sym_index_open(to, other, &ix, NULL), ERR_CORRUPT);
	assert_int_equal(sym_index_open(to, hash, &ix, NULL), ERR_OK);
	assert_int_equal(sym_index_bytes(ix), built.index_bytes);
	sym_index_close(&ix);
	close(from);
	close(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sane_modules_resolve_like_the_slow_resolver),
		cmocka_unit_test(wild_modules_resolve_like_the_slow_resolver),
		cmocka_unit_test(real_modules_resolve_like_the_slow_resolver),
		cmocka_unit_test(an_index_is_small),
		cmocka_unit_test(inlined_calls_take_the_places_of_their_callers),
		cmocka_unit_test(gzip_and_plain_give_the_same_index),
		cmocka_unit_test(what_is_no_sym_has_no_index),
		cmocka_unit_test(damage_is_noticed_wherever_it_is),
		cmocka_unit_test(an_index_of_another_source_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
