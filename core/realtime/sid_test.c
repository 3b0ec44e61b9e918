/*
 * Session ids there and back, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/realtime/sid.h"

static void there_and_back(void **state)
{
	struct sid a = { .node = 0x1234, .worker = 63, .generation = 255, .slot = 0x89abcdef }, b;
	char text[SID_CHARS + 1];

	(void)state;
	memset(a.random, 0xA5, sizeof(a.random));
	sid_text(&a, text);
	assert_int_equal(strlen(text), SID_CHARS);
	assert_true(sid_parse(slice_str(text), &b));
	assert_true(sid_eq(&a, &b));
	b.random[SID_RANDOM_BYTES - 1] ^= 1;
	assert_false(sid_eq(&a, &b));
	b = a;
	b.generation--;
	assert_false(sid_eq(&a, &b));
}

static void what_is_none(void **state)
{
	static const char *const rows[] = { "", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAA AAAAAAAAAAAAA",
		"AAAAAAAAAAAAA+AAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAA/",
		"lv_VI97HAXpY6yYWAAAC" };
	struct sid id;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(sid_parse(slice_str(rows[i]), &id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
