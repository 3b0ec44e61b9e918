/*
 * The records of a .sym: every form that tools write, and lines that are none.
 */
#include "services/symbols/sym_parse.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	OUT_MAX = 1 << 20
};

/* The sinks write what they get as text, one record a line. */
static enum err on_module(void *arg, const struct sym_module *m)
{
	buf_printf(arg, "module %.*s|%.*s|%.*s|%.*s\n", SLICE_ARG(m->os), SLICE_ARG(m->cpu),
	    SLICE_ARG(m->id), SLICE_ARG(m->name));
	return ERR_OK;
}

static enum err on_code_id(void *arg, struct slice id, struct slice file)
{
	buf_printf(arg, "code_id %.*s|%.*s\n", SLICE_ARG(id), SLICE_ARG(file));
	return ERR_OK;
}

static enum err on_info(void *arg, struct slice key, struct slice text)
{
	buf_printf(arg, "info %.*s|%.*s\n", SLICE_ARG(key), SLICE_ARG(text));
	return ERR_OK;
}

static enum err on_file(void *arg, uint64_t id, struct slice name)
{
	buf_printf(arg, "file %" PRIu64 "|%.*s\n", id, SLICE_ARG(name));
	return ERR_OK;
}

static enum err on_origin(void *arg, uint64_t id, struct slice name)
{
	buf_printf(arg, "origin %" PRIu64 "|%.*s\n", id, SLICE_ARG(name));
	return ERR_OK;
}

static enum err on_func(void *arg, uint64_t address, uint64_t size, struct slice name)
{
	buf_printf(arg, "func %" PRIx64 " %" PRIx64 "|%.*s\n", address, size, SLICE_ARG(name));
	return ERR_OK;
}

static enum err on_line(void *arg, struct sym_range at, uint32_t line, uint64_t file)
{
	buf_printf(
	    arg, "line %" PRIx64 " %" PRIx64 " %u %" PRIu64 "\n", at.address, at.size, line, file);
	return ERR_OK;
}

static enum err on_inline(void *arg, const struct sym_inline *r)
{
	buf_printf(arg, "inline %u %u %" PRId64 " %" PRIu64, r->depth, r->call_line,
	    (int64_t)r->call_file, r->origin);
	for (unsigned i = 0; i < r->n_ranges; i++) {
		buf_printf(arg, " %" PRIx64 "+%" PRIx64, r->ranges[i].address, r->ranges[i].size);
	}
	buf_append_str(arg, "\n");
	return ERR_OK;
}

static enum err on_public(void *arg, uint64_t address, struct slice name)
{
	buf_printf(arg, "public %" PRIx64 "|%.*s\n", address, SLICE_ARG(name));
	return ERR_OK;
}

static struct sym_counts parse(struct slice text, size_t piece, struct buf *out, enum err wanted)
{
	const struct sym_sink sink = { on_module, on_code_id, on_info, on_file, on_origin, on_func,
		on_line, on_inline, on_public, out };
	struct sym_parser p;
	enum err e = ERR_OK;

	sym_parser_init(&p, &sink);
	for (size_t at = 0; e == ERR_OK && at < text.len; at += piece) {
		e = sym_parser_feed(&p, slice_sub(text, at, at + piece));
	}
	e = e == ERR_OK ? sym_parser_end(&p) : e;
	assert_int_equal(e, wanted);
	struct sym_counts counts = p.counts;
	sym_parser_fini(&p);
	return counts;
}

#define MODULE "MODULE Linux x86_64 AB0 a b\n"

/* text behind a MODULE line, whole and byte by byte. */
static void expect(const char *text, const char *records, unsigned bad_lines)
{
	struct buf whole = buf_new(OUT_MAX), out = buf_new(OUT_MAX);

	buf_append_str(&whole, MODULE);
	buf_append_str(&whole, text);
	for (size_t piece = 1; piece < 1000; piece = piece * 7 + 1) {
		buf_clear(&out);
		struct sym_counts counts = parse(buf_slice(&whole), piece, &out, ERR_OK);
		buf_append_char(&out, '\0');
		assert_string_equal(out.data + strlen("module Linux|x86_64|AB0|a b\n"), records);
		assert_int_equal(counts.bad_lines, bad_lines);
	}
	buf_free(&whole);
	buf_free(&out);
}

static void every_kind_of_record_is_read(void **state)
{
	(void)state;
	expect("INFO CODE_ID 59B2A3C9600 xul.dll\nINFO GENERATOR mozilla/dump_syms 2.3.7\n"
	       "FILE 17 hg:hg.example.org/x y:a.cc:1\nINLINE_ORIGIN 3 a::b(int, char)\n"
	       "FUNC 16c0 79 0 zoo::outer(int)\nINLINE 0 8 17 3 16fc 14 1700 0\n16c0 3c 8 17\n"
	       "PUBLIC 3000 0 _x y\n",
	    "code_id 59B2A3C9600|xul.dll\ninfo GENERATOR|mozilla/dump_syms 2.3.7\n"
	    "file 17|hg:hg.example.org/x y:a.cc:1\norigin 3|a::b(int, char)\n"
	    "func 16c0 79|zoo::outer(int)\ninline 0 8 17 3 16fc+14 1700+0\nline 16c0 3c 8 17\n"
	    "public 3000|_x y\n",
	    0);
}

static void odd_forms_are_taken(void **state)
{
	(void)state;
	/* Line ends, runs of blanks, cases, several symbols, no name, no newline at the end. */
	expect("FUNC m 10 20 0 a\r\n10  8   5 0\r\nFUNC  ABCdef 1 0\nPUBLIC m AB 0\nFUNC 1 1 0 z",
	    "func 10 20|a\nline 10 8 5 0\nfunc abcdef 1|<unknown>\npublic ab|<unknown>\nfunc 1 1|z\n",
	    0);
	/* Lines that look like other records, negative and huge line numbers. */
	expect("FUNC 0 ffffffff 0 f\nFACE 10 7 1\nadd 1 -5 2\n0 1 99999999999 2\n",
	    "func 0 ffffffff|f\nline face 10 7 1\nline add 1 0 2\nline 0 1 0 2\n", 0);
	/* The first form of INLINE_ORIGIN and INLINE. */
	expect("INLINE_ORIGIN 1 2 old::form()\nINLINE_ORIGIN 2 -1 old\nINLINE_ORIGIN 3 7\n"
	       "FUNC 0 10 0 f\nINLINE 0 5 1 0 4\nINLINE 1 6 2 0 4 8 2\n",
	    "origin 1|old::form()\norigin 2|old\norigin 3|7\nfunc 0 10|f\ninline 0 5 -1 1 0+4\n"
	    "inline 1 6 -1 2 0+4 8+2\n",
	    0);
	/* Unwinding and words that nobody knows. */
	expect(
	    "STACK CFI INIT 0 c0 .cfa: sp 0 +\nSTACK WIN 4 1 2 3 4 5 6 7 8 9 a\nWORD\nlorem ipsum\n\n",
	    "", 0);
	expect("FUNC ffffffffffffffff 10 0 f\nffffffffffffffff 1 1 18446744073709551615\n",
	    "func ffffffffffffffff 10|f\nline ffffffffffffffff 1 1 18446744073709551615\n", 0);
}

static void a_bad_line_costs_that_line(void **state)
{
	(void)state;
	expect("FUNC x 1 0 a\n1 1 1 1\nFUNC 1 1 0 b\n1 1 1\n1 1 x 1\n1 1 1 1x\n1 1 1 1\n",
	    "func 1 1|b\nline 1 1 1 1\n", 5);
	/* A PUBLIC ends the function above. */
	expect("FUNC 1 1 0 b\nPUBLIC 5 0 p\n1 1 1 1\nINLINE 0 1 1 1 1 1\n",
	    "func 1 1|b\npublic 5|p\n", 2);
	/* Depths must not jump; the malformed one does not count. */
	expect("FUNC 1 1 0 b\nINLINE 1 1 1 1 1 1\nINLINE 0 1 1 1 1 1\nINLINE 2 1 1 1 1 1\n"
	       "INLINE 1 1 1 1 1 1\nINLINE 0 1 1 1\nINLINE\nINLINE 0 1 1 1 1 1 2\n",
	    "func 1 1|b\ninline 0 1 1 1 1+1\ninline 1 1 1 1 1+1\ninline 0 1 -1 1 1+1 1+2\n", 3);
	/* More than 64 bits. */
	expect("FUNC 10000000000000000 1 0 b\nFILE 99999999999999999999 x\nFILE -1 y\n", "", 3);
	expect(MODULE, "", 1);
}

static void long_lines_are_dropped(void **state)
{
	(void)state;
	struct buf text = buf_new(1 << 22), out = buf_new(1 << 22);

	buf_append_str(&text, MODULE "FILE 1 a\nFILE 2 ");
	for (int i = 0; i < SYM_LINE_MAX; i++) {
		buf_append_char(&text, 'x');
	}
	buf_append_str(&text, "\nFILE 3 b\nFILE 4 ");
	for (int i = 0; i < SYM_LINE_MAX - 7; i++) {
		buf_append_char(&text, 'y');
	}
	buf_append_str(&text, "\nFILE 5 c\n");
	for (size_t piece = 100; piece < text.len * 20; piece *= 20) {
		buf_clear(&out);
		struct sym_counts counts = parse(buf_slice(&text), piece, &out, ERR_OK);
		assert_int_equal(counts.long_lines, 1);
		assert_int_equal(counts.lines, 6);
		assert_true(slice_ends(buf_slice(&out), SLICE("\nfile 5|c\n")));
		assert_true(out.len > SYM_LINE_MAX - 7);
	}
	buf_free(&text);
	buf_free(&out);
}

static void without_a_module_it_is_no_sym(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "\n" MODULE, "FILE 1 a\n" MODULE, "MODULE\n",
		"MODULE a b\n", "module a b c d\n", "x" };
	struct buf out = buf_new(OUT_MAX);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)parse(slice_str(texts[i]), 3, &out, ERR_SYNTAX);
	}
	(void)parse(SLICE("MODULE a b c"), 3, &out, ERR_OK);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_record_is_read),
		cmocka_unit_test(odd_forms_are_taken),
		cmocka_unit_test(a_bad_line_costs_that_line),
		cmocka_unit_test(long_lines_are_dropped),
		cmocka_unit_test(without_a_module_it_is_no_sym),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
