/*
 * Which language Accept-Language asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/identity/language.h"

static void the_language_liked_best_is_taken(void **state)
{
	static const struct {
		const char *header;
		enum language language;
	} rows[] = {
		{ "", LANGUAGE_EN },
		{ "de", LANGUAGE_DE },
		{ "DE-at", LANGUAGE_DE },
		{ "de-AT,de;q=0.9,en;q=0.8", LANGUAGE_DE },
		{ "en-GB,en;q=0.9,de;q=0.8", LANGUAGE_EN },
		{ "fr, it;q=0.9, de;q=0.5", LANGUAGE_DE },
		{ "en;q=0.3, de ; q=0.7", LANGUAGE_DE },
		{ "en;q=0.7, de;q=0.7", LANGUAGE_EN },
		{ "de;q=0, fr", LANGUAGE_EN },
		{ "de;q=0.000", LANGUAGE_EN },
		{ "de;q=0.001", LANGUAGE_DE },
		{ "*", LANGUAGE_EN },
		{ "de;q=1.000", LANGUAGE_DE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(language_accepted(slice_str(rows[i].header)), rows[i].language);
	}
}

static void what_is_malformed_is_passed_over(void **state)
{
	static const char *const headers[] = { ",,;;", "de;q=", "de;q=2", "de;q=0.1234", "de;q=1.5",
		"de;q=x", "deutsch", "-de", "d e", ";q=1,;de", "de;q=-1", "de;q=.5", "de;q=1." };

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(headers) / sizeof(headers[0]); i++) {
		assert_int_equal(language_accepted(slice_str(headers[i])), LANGUAGE_EN);
	}
	/* The grammar of RFC 9110 has this one. */
	assert_int_equal(language_accepted(slice_str(headers[12])), LANGUAGE_DE);
}

static void a_tag_means_its_first_part(void **state)
{
	enum language l = LANGUAGE_EN;

	(void)state;
	assert_true(language_find(SLICE("de-CH"), &l));
	assert_int_equal(l, LANGUAGE_DE);
	assert_string_equal(language_tag(l), "de");
	assert_false(language_find(SLICE("fr"), &l));
	assert_false(language_find(SLICE(""), &l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_language_liked_best_is_taken),
		cmocka_unit_test(what_is_malformed_is_passed_over),
		cmocka_unit_test(a_tag_means_its_first_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
