/*
 * The rules of names and ids, the times of the protocol, the head of a .sym, and the two tables in
 * memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "services/symbols/sym_head.h"
#include "services/symbols/symbol_key.h"
#include "services/symbols/symbols_time.h"
#include "services/symbols/tally.h"

static void names(void **state)
{
	static const char *const good[] = { "xul.pdb", "libxul.so", "a b~+.sym", "\xc4\x80x",
		"\xe2\x82\xac", "x\x7f", "...", "\xf0\x9f\x98\x80" };
	static const char *const bad[] = { "", ".", "..", "a/b", "a\\b", "a\"b", "a'b", "a|b", "a#",
		"a%", "a<", "a>", "a[", "a]", "a{", "a}", "a^", "a`", "a\x1f", "\xc2\xa0",
		"\xc3\xbf", "\xff", "\xe2\x82", "\xed\xa0\x80", "\xc0\xaf" };
	char longest[SYMBOL_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(symbol_name_is_good(slice_str(good[i])));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(symbol_name_is_good(slice_str(bad[i])));
	}
	memset(longest, 'x', sizeof(longest));
	assert_true(symbol_name_is_good(SLICE_OF(longest, SYMBOL_NAME_MAX)));
	assert_false(symbol_name_is_good(SLICE_OF(longest, SYMBOL_NAME_MAX + 1)));
	assert_false(symbol_name_is_good(SLICE("a\0b")));
}

static void keys(void **state)
{
	struct arena arena = arena_new(65536);
	struct symbol_key key;

	(void)state;
	assert_int_equal(symbol_key_parse(&arena, SLICE("a b.pdb/0aF1/a b.sym"), &key), ERR_OK);
	assert_true(slice_eq(key.debug_id, SLICE("0AF1")));
	assert_string_equal(symbol_key_text(&arena, &key), "a b.pdb/0AF1/a b.sym");
	assert_string_equal(symbol_key_path(&arena, &key), "a%20b.pdb/0AF1/a%20b.sym");
	assert_int_equal(symbol_key_parse(&arena, SLICE("a/b/c/d"), &key), ERR_SYNTAX);
	assert_int_equal(symbol_key_parse(&arena, SLICE("a/0g/c"), &key), ERR_SYNTAX);
	assert_int_equal(symbol_key_parse(&arena, SLICE("a//c"), &key), ERR_SYNTAX);
	assert_int_equal(symbol_key_parse(&arena, SLICE("/0/c"), &key), ERR_SYNTAX);
	assert_int_equal(symbol_key_parse(&arena, SLICE("../0/c"), &key), ERR_SYNTAX);
	assert_int_equal(symbol_key_parse(&arena, SLICE("a"), &key), ERR_SYNTAX);
	assert_int_equal(symbol_key_parse(&arena, SLICE("a/0"), &key), ERR_SYNTAX);
	assert_true(symbol_id_is_null(SLICE("000000000000000000000000000000000")));
	assert_false(symbol_id_is_null(SLICE("000000000000000000000000000000001")));
	assert_string_equal(symbol_sym_name(&arena, SLICE("xul.pdb")), "xul.sym");
	assert_string_equal(symbol_sym_name(&arena, SLICE("xul.PDB")), "xul.sym");
	assert_string_equal(symbol_sym_name(&arena, SLICE("libxul.so")), "libxul.so.sym");
	assert_true(symbol_name_ends(SLICE("x.dbg.gz"), SLICE(".sym, .dbg.gz")));
	assert_false(symbol_name_ends(SLICE("x.SYM"), SLICE(".sym,.dbg.gz")));
	assert_false(symbol_name_ends(SLICE("x.pdb"), SLICE(".sym,,")));
	arena_reset(&arena);
}

static void sources(void **state)
{
	static const struct {
		const char *path, *file; /* NULL: none */
	} rows[] = {
		{ "usr/src/a.c", "source/usr/src/a.c" },
		{ "/usr//src/./x/../a.c", "source/usr/src/a.c" },
		{ "a/../b", "source/b" },
		{ "a b/\xc3\xa9\\[1].c", "source/a b/\xc3\xa9\\[1].c" },
		{ "...", "source/..." },
		{ "", NULL },
		{ "/", NULL },
		{ ".", NULL },
		{ "a/..", NULL },
		{ "..", NULL },
		{ "a/../../b", NULL },
		{ "a\nb", NULL },
		{ "a\x7f", NULL },
		{ "a\xff", NULL },
	};
	struct arena arena = arena_new(65536);
	struct symbol_key key;
	char longest[SYMBOL_PATH_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice got = SLICE_EMPTY;
		enum err e = symbol_source_file(&arena, slice_str(rows[i].path), &got);
		assert_int_equal(e, rows[i].file == NULL ? ERR_SYNTAX : ERR_OK);
		assert_true(rows[i].file == NULL || slice_eq(got, slice_str(rows[i].file)));
	}
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(
	    symbol_source_file(&arena, SLICE_OF(longest, SYMBOL_PATH_MAX), &key.file), ERR_OK);
	assert_int_equal(
	    symbol_source_file(&arena, SLICE_OF(longest, SYMBOL_PATH_MAX + 1), &key.file),
	    ERR_SYNTAX);
	assert_int_equal(
	    symbol_key_parse(&arena, SLICE("buildid/ab/source/src/./a.c"), &key), ERR_OK);
	assert_string_equal(symbol_key_text(&arena, &key), "buildid/AB/source/src/a.c");
	assert_string_equal(symbol_key_path(&arena, &key), "buildid/AB/source/src/a.c");
	assert_true(symbol_is_source(&key));
	assert_int_equal(symbol_key_parse(&arena, SLICE("buildid/ab/debuginfo"), &key), ERR_OK);
	assert_false(symbol_is_source(&key));
	assert_int_equal(symbol_key_parse(&arena, SLICE("buildid/ab/x/a.c"), &key), ERR_SYNTAX);
	assert_int_equal(symbol_key_parse(&arena, SLICE("x/ab/source/a.c"), &key), ERR_SYNTAX);
	assert_int_equal(symbol_key_parse(&arena, SLICE("buildid/ab/source/.."), &key), ERR_SYNTAX);
	arena_reset(&arena);
}

/* The worked examples of symbols.md 0. */
static void debug_ids_of_build_ids(void **state)
{
	struct arena arena = arena_new(65536);

	(void)state;
	assert_true(
	    slice_eq(symbol_id_of_build(&arena, SLICE("05c38f13023be8be8aa90b44da71a59da5070393")),
		SLICE("138FC3053B02BEE88AA90B44DA71A59D0")));
	assert_true(slice_eq(symbol_id_of_build(&arena, SLICE("10faa6bbaab83db3")),
	    SLICE("BBA6FA10B8AAB33D00000000000000000")));
	assert_int_equal(symbol_id_of_build(&arena, SLICE("abc")).len, 0);
	assert_int_equal(symbol_id_of_build(&arena, SLICE("xy")).len, 0);
	arena_reset(&arena);
}

static void times(void **state)
{
	char text[SYMBOLS_TIME_SIZE];
	int64_t day = 0;

	(void)state;
	assert_string_equal(symbols_time_text(0, text), "1970-01-01T00:00:00.000Z");
	assert_string_equal(symbols_time_text(951782399999, text), "2000-02-28T23:59:59.999Z");
	assert_string_equal(symbols_time_text(951782400000, text), "2000-02-29T00:00:00.000Z");
	assert_string_equal(symbols_time_text(1780228800123, text), "2026-05-31T12:00:00.123Z");
	assert_string_equal(symbols_time_text(4107542399000, text), "2100-02-28T23:59:59.000Z");
	assert_string_equal(symbols_time_text(4107542400000, text), "2100-03-01T00:00:00.000Z");
	assert_int_equal(symbols_time_day(SLICE("1970-01-01"), &day), ERR_OK);
	assert_int_equal(day, 0);
	assert_int_equal(symbols_time_day(SLICE("2026-05-31T12:00"), &day), ERR_OK);
	assert_int_equal(day, 1780228800123 / 86400000);
	assert_int_equal(symbols_time_day(SLICE("2026-5-31"), &day), ERR_SYNTAX);
	assert_int_equal(symbols_time_day(SLICE("2026-13-01"), &day), ERR_SYNTAX);
	/* Every day of two centuries there and back. */
	for (int64_t d = 0; d < 73000; d++) {
		(void)symbols_time_text(d * 86400000, text);
		assert_int_equal(symbols_time_day(slice_str(text), &day), ERR_OK);
		assert_int_equal(day, d);
	}
}

static void heads(void **state)
{
	struct sym_head h;

	(void)state;
	sym_head_read(
	    SLICE("MODULE windows x86_64 1DC0 xul.pdb\r\nINFO CODE_ID 5F84C1B2 xul.dll\r\n"
		  "INFO GENERATOR mozilla/dump_syms 2.2.0\r\nFUNC 1 2 3 x\nINFO CODE_ID 11\n"),
	    &h);
	assert_true(slice_eq(h.code_id, SLICE("5F84C1B2")));
	assert_true(slice_eq(h.code_file, SLICE("xul.dll")));
	assert_true(slice_eq(h.generator, SLICE("mozilla/dump_syms 2.2.0")));
	assert_false(h.is_elf);
	sym_head_read(SLICE("MODULE Linux x86_64 138F libc\nINFO CODE_ID 05C38F\n"), &h);
	assert_true(h.is_elf && slice_eq(h.code_id, SLICE("05C38F")) && h.code_file.len == 0);
	sym_head_read(
	    SLICE("INFO CODE_ID notHex a\nINFO CODE_ID\nINFO\nINFO GENERATOR \x01\n"), &h);
	assert_true(h.code_id.len == 0 && h.generator.len == 0);
	sym_head_read(SLICE_EMPTY, &h);
	assert_int_equal(h.code_id.len, 0);
	sym_head_read(SLICE("\x00\xff\xfe garbage"), &h);
	assert_int_equal(h.code_id.len, 0);
}

static void tallies(void **state)
{
	struct tally *t = NULL;
	char key[TALLY_KEY_MAX], text[16];
	size_t len;
	int64_t n, sum = 0;
	unsigned taken = 0;

	(void)state;
	assert_int_equal(tally_new(100, &t), ERR_OK);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			snprintf(text, sizeof(text), "key%d", i);
			assert_true(tally_add(t, slice_str(text), i));
		}
	}
	assert_false(tally_add(t, SLICE("one more"), 1));
	assert_true(tally_add(t, SLICE("key7"), 1));
	assert_int_equal(tally_size(t), 100);
	while (tally_take(t, key, &len, &n)) {
		sum += n;
		taken++;
	}
	assert_int_equal(taken, 100);
	assert_int_equal(sum, 3 * 4950 + 1);
	assert_int_equal(tally_size(t), 0);
	assert_true(tally_add(t, SLICE(""), 1));
	tally_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(keys),
		cmocka_unit_test(sources),
		cmocka_unit_test(debug_ids_of_build_ids),
		cmocka_unit_test(times),
		cmocka_unit_test(heads),
		cmocka_unit_test(tallies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
