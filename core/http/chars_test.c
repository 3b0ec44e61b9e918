/*
 * The table of byte classes against the words of the specifications.
 */
#include "core/http/chars.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_alnum(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_one_of(int c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static void test_every_byte_is_in_its_classes(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		bool hex =
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		bool field = c == '\t' || (c >= ' ' && c != 0x7f);
		bool cookie = c > ' ' && c < 0x7f && !is_one_of(c, "\",;\\");
		assert_int_equal(http_char_is(byte, HTTP_CHAR_TOKEN),
		    is_alnum(c) || is_one_of(c, "!#$%&'*+-.^_`|~"));
		assert_int_equal(
		    http_char_is(byte, HTTP_CHAR_TARGET), c > ' ' && c < 0x7f && c != '#');
		assert_int_equal(
		    http_char_is(byte, HTTP_CHAR_HOST), is_alnum(c) || is_one_of(c, "-._"));
		assert_int_equal(http_char_is(byte, HTTP_CHAR_FIELD), field);
		assert_int_equal(http_char_is(byte, HTTP_CHAR_HEX), hex);
		assert_int_equal(http_char_is(byte, HTTP_CHAR_DIGIT), c >= '0' && c <= '9');
		assert_int_equal(
		    http_char_is(byte, HTTP_CHAR_UNRESERVED), is_alnum(c) || is_one_of(c, "-._~"));
		assert_int_equal(http_char_is(byte, HTTP_CHAR_COOKIE), cookie);
		assert_int_equal(http_hex_value(byte) >= 0, hex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_is_in_its_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
