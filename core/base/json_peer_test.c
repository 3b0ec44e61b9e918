/*
 * Our JSON reader beside jansson: the same texts accepted and refused, the same values read. A
 * table of cases with the verdict that RFC 8259 demands, then every byte at every place of some
 * documents, then mutations that are the same in every run.
 */
#include "core/base/json_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/json.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum {
	MUTATIONS = 200000,
	MAX_STEPS = 4,
	MAX_TEXT = 2048
};

/* clang-format off */
/* SLICE() makes no constant for a table. */
#define T(literal) { literal, sizeof(literal) - 1 }

static const struct slice accepted[] = {
	/* white space and single values */
	T("0"), T(" 1"), T("1 "), T("\t\n\r true \t\n\r"), T("false"), T("null"),
	T("\"\""), T("[]"), T("{}"), T("[ ]"), T("{ }"), T(" [ [ ] , { } ] "),
	T("[null, true, false, 0, \"\", [], {}]"), T("[\n1\n,\n2\n]"),
	/* integers */
	T("-0"), T("-1"), T("10"), T("1234567890"), T("9223372036854775807"),
	T("-9223372036854775808"), T("-9223372036854775807"), T("[999999999999999999]"),
	/* reals */
	T("0.0"), T("-0.0"), T("0e0"), T("0E-0"), T("1.5"), T("-1.25e+10"),
	T("1e2"), T("1E2"), T("1E+2"), T("1E-2"), T("0.1"), T("123.456e78"),
	T("1.7976931348623157e308"), T("-1.7976931348623157e308"), T("5e-324"),
	T("2.2250738585072011e-308"), T("1e-400"), T("-1e-99999"), T("0e999999"),
	T("9007199254740993.0"), T("0.30000000000000004"), T("1e23"), T("8.5e-17"),
	T("9223372036854775808.0"), T("99999999999999999999e0"),
	T("0.000000000000000000000000000000000000000000000000000000000000000000000000000000001"),
	T("100000000000000000000000000000000000000000000000000000000000000000000000000000.5"),
	/* strings */
	T("\"a\""), T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), T("\"/\""), T("\"\x7f\""),
	T("\"\\u0000\""), T("\"a\\u0000b\""), T("\"\\u0041\\u00e9\\u20aC\\uFFFF\""),
	T("\"\\uD83D\\uDE00\""), T("\"\\ud800\\udc00\\udbff\\udfff\""), T("\"\\ufeff\""),
	T("\"\\u005c\\u0022\\u002f\""), T("\"\\\\u0041\""), T("\"\\\\\\\"\""),
	T("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""), T("\"\xc2\x80\xdf\xbf\""),
	T("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""), T("\"\xef\xb7\x90\""),
	T("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), T("\"\xe2\x80\xa8\xe2\x80\xa9\""),
	T("\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\xc3\xa4 0123456789abcdef\""),
	/* arrays and objects */
	T("[1,2,3]"), T("[[[[[[1]]]]],[]]"), T("{\"a\":1}"), T("{\"\":0}"),
	T("{\"a\":{\"a\":{\"a\":[{\"a\":null}]}}}"), T("{ \"a\" : 1 , \"b\" : [ ] }"),
	T("{\"a\":1,\"A\":1,\"\\u00e4\":2,\"a \":3}"), T("{\"a\\u0001\":1}"),
	T("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,"
	      "\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,\"p\":16,\"q\":17,\"\":18,\"aa\":19}"),
	T("[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6],7,8,9]"),
	T("{\"iss\":\"127.0.0.1\",\"exp\":1700000000000,\"iat\":1699999999000,\"public-key\":"
	      "{\"algorithm\":\"RS\",\"n\":\"123\",\"e\":\"65537\"},\"principal\":{\"email\":\"a@b.example\"}}"),
};

static const struct slice refused[] = {
	/* nothing, too little, too much */
	T(""), T(" "), T("\n\t\r"), T("1 2"), T("1,"), T(",1"), T("[1]]"),
	T("[1]x"), T("{}}"), T("{}[]"), T("\"a\"\"b\""), T("true false"), T("nullx"),
	T("null,"), T("1\0"), T("\0" "1"), T("[1]\0"), T("\0"), T("{\"a\":1}#"),
	T("[1] // no"), T("/* no */ 1"), T("\xef\xbb\xbf" "1"), T("\xff\xfe" "1"), T("\f1"),
	T("\v1"), T("\xc2\xa0" "1"), T("1\f"), T("\x85" "1"),
	/* words */
	T("t"), T("tru"), T("True"), T("TRUE"), T("truE"), T("fals"), T("nul"),
	T("NULL"), T("undefined"), T("NaN"), T("nan"), T("Infinity"), T("-Infinity"),
	T("-inf"), T("[truefalse]"), T("[true1]"), T("[nul]"), T("'a'"), T("a"),
	/* numbers */
	T("-"), T("+"), T("+1"), T("--1"), T("- 1"), T("01"), T("-01"), T("00"),
	T("-00"), T("1."), T("-1."), T(".1"), T("-.1"), T("1.e1"), T("1e"),
	T("1e+"), T("1e-"), T("1E"), T("1.5e"), T("1.5e+"), T("1e1.5"), T("1.2.3"),
	T("0x10"), T("0x1p3"), T("1e5e5"), T("1_000"), T("1a"), T("1,000"), T("[1 000]"),
	T("1e400"), T("-1e400"), T("1.8e308"), T("1e99999999999999999999"),
	T("9223372036854775808"), T("-9223372036854775809"), T("18446744073709551615"),
	T("18446744073709551616"), T("99999999999999999999"), T("[-99999999999999999999]"),
	T("184467440737095516160"), T("\xef\xbc\x91"), T("1\xc2\xb2"),
	/* strings */
	T("\""), T("\"a"), T("\"a\\\""), T("\"\\\""), T("\"\\"), T("\"\\u"), T("\"\\u12"),
	T("\"\\u\""), T("\"\\u1\""), T("\"\\u12\""), T("\"\\u123\""), T("\"\\u123g\""),
	T("\"\\u 123\""), T("\"\\u-123\""), T("\"\\u+123\""), T("\"\\U0041\""), T("\"\\x41\""),
	T("\"\\a\""), T("\"\\v\""), T("\"\\0\""), T("\"\\'\""), T("\"\\ \""), T("\"\\\n\""),
	T("\"\\\0\""), T("\"\\\xc3\xa4\""), T("\"\n\""), T("\"\t\""), T("\"\r\""), T("\"\0\""),
	T("\"a\0b\""), T("\"\x01\""), T("\"\x1f\""), T("\"0123456789abcde\x1f" "0123456789abcdef\""),
	T("\"\\ud800\""), T("\"\\udc00\""), T("\"\\ud800\\ud800\""), T("\"\\udc00\\ud800\""),
	T("\"\\ud800x\""), T("\"\\ud800\\n\""), T("\"\\ud800\\u\""), T("\"\\ud800\\u00\""),
	T("\"\\ud800\\u0041\""), T("\"\\ud83d\\ude0\""), T("\"\\udbff\\ue000\""), T("\"\\ud800\\udbff\""),
	T("\"\x80\""), T("\"\xbf\""), T("\"\xc3\""), T("\"\xc3(\""), T("\"\xc0\x80\""), T("\"\xc1\xbf\""),
	T("\"\xe2\x82\""), T("\"\xe2\""), T("\"\xe0\x80\x80\""), T("\"\xe0\x9f\xbf\""), T("\"\xed\xa0\x80\""),
	T("\"\xed\xbf\xbf\""), T("\"\xf0\x9f\x98\""), T("\"\xf0\x8f\xbf\xbf\""), T("\"\xf4\x90\x80\x80\""),
	T("\"\xf5\x80\x80\x80\""), T("\"\xf8\x88\x80\x80\x80\""), T("\"\xfe\""), T("\"\xff\""),
	T("\"\xc3"), T("\"\xe2\x82"), T("\"\xf0\x9f\x98"), T("\xc3\xa4"), T("[\xff]"),
	/* arrays */
	T("["), T("]"), T("[,]"), T("[1"), T("[1,"), T("[1,]"), T("[,1]"), T("[1,,2]"),
	T("[1 2]"), T("[1;2]"), T("[1:2]"), T("[\"a\":1]"), T("[1}"), T("[[]"), T("[\"a\""),
	T("[\"a"), T("[{}"), T("[]]"), T("(1)"), T("[1\0]"), T("[\n"), T("[1,\n"),
	/* objects */
	T("{"), T("}"), T("{,}"), T("{\"a\"}"), T("{\"a\":}"), T("{\"a\":1"), T("{\"a\":1,"),
	T("{\"a\":1,}"), T("{,\"a\":1}"), T("{\"a\":1,,\"b\":2}"), T("{\"a\" 1}"), T("{\"a\"::1}"),
	T("{\"a\"=1}"), T("{\"a\",1}"), T("{a:1}"), T("{'a':1}"), T("{1:1}"), T("{null:1}"),
	T("{[]:1}"), T("{\"a\":1]"), T("{\"a\":1 \"b\":2}"), T("{\"a\":1;\"b\":2}"), T("{\"a\":b}"),
	T("{:1}"), T("{\"a"), T("{\"a\""), T("{\"a\":"), T("{\"\\x\":1}"), T("{\"\xff\":1}"),
	/* names: NUL, twice */
	T("{\"\\u0000\":1}"), T("{\"a\\u0000b\":1}"), T("{\"a\":1,\"a\":1}"), T("{\"\":1,\"\":1}"),
	T("{\"a\":1,\"b\":2,\"a\":3}"), T("{\"a\":1,\"\\u0061\":2}"), T("[{\"x\":{\"b\":1,\"b\":2}}]"),
	T("{\"\xc3\xa4\":1,\"\\u00e4\":2}"),
	T("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,"
	      "\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,\"p\":16,\"q\":17,\"a\":18}"),
};
/* clang-format on */
#undef T

/* Prints the text as a C string would be written, so that a finding can go into the table. */
static void print_text(struct slice text)
{
	print_error("text: ");
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		print_error(c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
	}
	print_error("\n");
}

static void assert_same(struct slice text)
{
	const char *difference = json_peer_difference(text);

	if (difference != NULL) {
		print_error("jansson differs: %s\n", difference);
		print_text(text);
		fail();
	}
}

static void assert_verdict(struct slice text, enum err wanted)
{
	struct arena arena = arena_new(1 << 20);
	const struct json *v = NULL;

	if (json_parse(&arena, text, &v, NULL) != wanted) {
		print_text(text);
		fail();
	}
	arena_reset(&arena);
}

static void test_accepted_by_both_with_equal_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		assert_verdict(accepted[i], ERR_OK);
		assert_same(accepted[i]);
	}
}

static void test_refused_by_both(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		assert_verdict(refused[i], ERR_SYNTAX);
		assert_same(refused[i]);
	}
}

/* The wanted differences: jansson accepts these, and the comparison knows why we do not. */
static void test_only_depth_and_nul_bytes_may_differ(void **state)
{
	const struct slice nul[] = { SLICE("1\0"), SLICE("[true\0]"), SLICE("{\"a\":1.5\0}") };
	char deep[2 * JSON_MAX_DEPTH + 3];

	(void)state;
	for (size_t depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
		memset(deep, '[', depth);
		memset(deep + depth, ']', depth);
		assert_verdict(
		    SLICE_OF(deep, 2 * depth), depth > JSON_MAX_DEPTH ? ERR_LIMIT : ERR_OK);
		assert_same(SLICE_OF(deep, 2 * depth));
	}
	for (size_t i = 0; i < COUNT(nul); i++) {
		assert_verdict(nul[i], ERR_SYNTAX);
		assert_same(nul[i]);
	}
}

static void test_any_byte_at_any_place(void **state)
{
	char text[MAX_TEXT];

	(void)state;
	for (size_t row = 0; row < COUNT(accepted); row++) {
		struct slice s = accepted[row];
		memcpy(text, s.ptr, s.len);
		for (size_t at = 0; at < s.len; at++) {
			for (unsigned byte = 0; byte < 256; byte++) {
				text[at] = (char)byte;
				assert_same(SLICE_OF(text, s.len));
			}
			text[at] = s.ptr[at];
			assert_same(slice_sub(s, 0, at));
		}
	}
}

/* Always the same numbers (splitmix64). */
static size_t below(size_t limit)
{
	static uint64_t state;
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return limit == 0 ? 0 : (size_t)((z ^ z >> 31) % limit);
}

static struct slice any_row(void)
{
	size_t i = below(COUNT(accepted) + COUNT(refused));

	return i < COUNT(accepted) ? accepted[i] : refused[i - COUNT(accepted)];
}

/* Replaces up to cut bytes at a place by a piece; the new length. */
static size_t splice(char *text, size_t len, size_t at, size_t cut, struct slice piece)
{
	cut = cut > len - at ? len - at : cut;
	if (len - cut + piece.len > MAX_TEXT) {
		return len;
	}
	memmove(text + at + piece.len, text + at + cut, len - at - cut);
	memcpy(text + at, piece.ptr, piece.len);
	return len - cut + piece.len;
}

static size_t mutate_once(char *text, size_t len)
{
	static const char telling[] =
	    "{}[]\":,\\ \t\n0123456789-+.eEutfnaslr\0\x1f\x7f\x80\xc3\xed";
	struct slice byte = SLICE_OF(&telling[below(sizeof(telling) - 1)], 1), row = any_row();
	size_t at = below(len + 1), from = below(row.len + 1);

	switch (below(5)) {
	case 0:
		return splice(text, len, at, 1, byte);
	case 1:
		return splice(text, len, at, 0, byte);
	case 2:
		return splice(text, len, at, 1 + below(8), SLICE_EMPTY);
	case 3:
		/* A whole document for a digit: many such mutants are valid. */
		while (at < len && (text[at] < '0' || text[at] > '9')) {
			at++;
		}
		return splice(text, len, at, 1, row);
	default:
		return splice(text, len, at, below(4), slice_sub(row, from, from + below(16)));
	}
}

static void test_mutations(void **state)
{
	static char text[MAX_TEXT];

	(void)state;
	for (size_t i = 0; i < MUTATIONS; i++) {
		size_t len = splice(text, 0, 0, 0, accepted[below(COUNT(accepted))]);
		for (size_t step = 0, steps = 1 + below(MAX_STEPS); step < steps; step++) {
			len = mutate_once(text, len);
		}
		/* A copy of exact size, so that a sanitizer sees the first byte too far. */
		char *copy = malloc(len + (len == 0));
		assert_non_null(copy);
		memcpy(copy, text, len);
		assert_same(SLICE_OF(copy, len));
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted_by_both_with_equal_values),
		cmocka_unit_test(test_refused_by_both),
		cmocka_unit_test(test_only_depth_and_nul_bytes_may_differ),
		cmocka_unit_test(test_any_byte_at_any_place),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
