/*
 * The types of parameters and the refusals of whole calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "services/identity/param.h"
#include "services/identity/param_type.h"

static const char label63[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void check(bool (*fits)(struct slice s), const char *const *texts, bool expected)
{
	for (; *texts != NULL; texts++) {
		if (fits(slice_str(*texts)) != expected) {
			fail_msg("%s: %s", *texts, expected ? "refused" : "taken");
		}
	}
}

static void emails(void **state)
{
	static const char *const good[] = { "a@b.co", "first.last+tag@sub.example.org",
		"o'brien=x/y@example.org", "a@[127.0.0.1]", "A_B@EXAMPLE.org", NULL };
	static const char *const bad[] = { "", "a", "@", "a@", "@b.co", "a@b", "a b@c.de",
		"a@b..de", ".a@b.co", "a.@b.co", "a..b@c.de", "a@-b.co", "a@b-.co", "a@b.co.",
		"a@[300.0.0.1]", "a@[1.2.3]", "a@b.co\r\nBcc: x@y.zz", "a@b@c.de", "\"a\"@b.co",
		"a@b.c\xc3\xb6", NULL };

	(void)state;
	check(email_is_valid, good, true);
	check(email_is_valid, bad, false);
}

static void an_email_has_a_longest_length(void **state)
{
	char address[300];

	(void)state;
	(void)snprintf(
	    address, sizeof(address), "a@%s.%s.%s.%.58s.co", label63, label63, label63, label63);
	assert_int_equal(strlen(address), 255);
	assert_false(email_is_valid(slice_str(address)));
	(void)snprintf(
	    address, sizeof(address), "a@%s.%s.%s.%.57s.co", label63, label63, label63, label63);
	assert_true(email_is_valid(slice_str(address)));
	(void)snprintf(address, sizeof(address), "a@%sa.co", label63);
	assert_false(email_is_valid(slice_str(address)));
}

static void origins(void **state)
{
	static const char *const good[] = { "http://localhost", "https://example.org",
		"http://127.0.0.1:8080", "app://gaia.example", "https://example.org:443", NULL };
	static const char *const bad[] = { "", "example.org", "ftp://example.org", "http://",
		"http://a/", "http://a/b", "http://a:0", "http://a:99999",
		"http://a:", "http://a b", "http://-a", "http://a\"><script>", "http://u@a", NULL };

	(void)state;
	check(is_origin, good, true);
	check(is_origin, bad, false);
	assert_true(slice_eq(origin_host(SLICE("https://example.org:444")), SLICE("example.org")));
}

static void other_types(void **state)
{
	static const char *const tokens[] = { "0123456789abcdefghijABCDEFGHIJ0123456789abcdefgh",
		NULL };
	static const char *const no_tokens[] = { "",
		"0123456789abcdefghijABCDEFGHIJ0123456789abcdefg",
		"0123456789abcdefghijABCDEFGHIJ0123456789abcdefgh1",
		"0123456789abcdefghijABCDEFGHIJ0123456789abcdef-h", NULL };
	static const char *const colors[] = { "fff", "#ffF", "012345", "#012345", NULL };
	static const char *const no_colors[] = { "", "#", "ff", "ffff", "red", "#ggg", NULL };
	static const char *const images[] = { "https://example.org/a.png", NULL };
	static const char *const no_images[] = { "", "http://example.org/a.png",
		"https:", "https://a/ \"onload=", "data:image/png;base64,AA", NULL };
	static const char *const hosts[] = { "localhost", "a.b.c", "127.0.0.1", NULL };
	static const char *const no_hosts[] = { "", "a b", "a..b", "a:80", "-a", NULL };

	(void)state;
	check(is_token, tokens, true);
	check(is_token, no_tokens, false);
	check(is_color, colors, true);
	check(is_color, no_colors, false);
	check(is_https_url, images, true);
	check(is_https_url, no_images, false);
	check(hostname_is_valid, hosts, true);
	check(hostname_is_valid, no_hosts, false);
}

/* 7 and 81 fail; length counts UTF-16 units. */
static void passwords_have_8_to_80_characters(void **state)
{
	char text[400];

	(void)state;
	assert_non_null(param_refusal(PARAM_PASSWORD, SLICE("1234567")));
	assert_null(param_refusal(PARAM_PASSWORD, SLICE("12345678")));
	memset(text, 'x', sizeof(text));
	assert_null(param_refusal(PARAM_PASSWORD, SLICE_OF(text, 80)));
	assert_non_null(param_refusal(PARAM_PASSWORD, SLICE_OF(text, 81)));
	assert_int_equal(utf16_length(SLICE("\xc3\xa4\xe2\x82\xac")), 2);
	assert_int_equal(utf16_length(SLICE("\xf0\x9f\x98\x80")), 2);
	assert_int_equal(utf16_length(SLICE("\xff")), SIZE_MAX);
	assert_int_equal(utf16_length(SLICE("\xc3")), SIZE_MAX);
	assert_null(param_refusal(PARAM_PASSWORD,
	    SLICE("\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80")));
}

static const struct param_def defs[] = {
	{ "email", PARAM_EMAIL, false },
	{ "ephemeral", PARAM_BOOL, false },
	{ "backgroundColor", PARAM_COLOR, true },
	{ "siteLogo", PARAM_IMAGE, true },
	{ "pubkey", PARAM_PUBKEY, true },
};

/* The reason of the refusal of a JSON body or a form, or NULL. */
static const char *take(struct arena *arena, const char *text, struct params *p)
{
	struct param_source source = { .object = NULL, .encoded = slice_str(text) };
	const char *reason = "nothing";

	if (text[0] == '{') {
		assert_int_equal(json_parse(arena, slice_str(text), &source.object, NULL), ERR_OK);
	}
	assert_int_equal(
	    params_take(arena, &source, defs, sizeof(defs) / sizeof(defs[0]), p, &reason), ERR_OK);
	return reason;
}

static void good_calls_are_taken(void **state)
{
	struct arena arena = arena_new(1024 * 1024);
	struct params p;

	(void)state;
	assert_null(take(&arena, "{\"email\":\"a@b.co\",\"ephemeral\":true,\"csrf\":\"x\"}", &p));
	assert_true(slice_eq(param_text(&p, "email"), SLICE("a@b.co")));
	assert_true(param_flag(&p, "ephemeral"));
	assert_false(param_is_there(&p, "siteLogo"));
	assert_null(take(&arena, "email=a%40b.co&ephemeral=false&csrf=x", &p));
	assert_true(slice_eq(param_text(&p, "email"), SLICE("a@b.co")));
	assert_true(param_is_there(&p, "ephemeral"));
	assert_false(param_flag(&p, "ephemeral"));
	assert_null(
	    take(&arena, "{\"email\":\"a@b.co\",\"ephemeral\":true,\"siteLogo\":null}", &p));
	assert_false(param_is_there(&p, "siteLogo"));
	arena_reset(&arena);
}

static void refusals_have_the_words_of_the_protocol(void **state)
{
	static const char *const rows[][2] = {
		{ "{\"ephemeral\":true}", "missing required parameter: 'email'" },
		{ "{\"email\":\"a@b.co\"}", "missing required parameter: 'ephemeral'" },
		{ "{\"email\":\"a\",\"ephemeral\":true}", "email: not a valid email" },
		{ "{\"email\":7,\"ephemeral\":true}", "email: string required" },
		{ "{\"email\":null,\"ephemeral\":true}", "email: string required" },
		{ "{\"email\":\"a@b.co\",\"ephemeral\":\"true\"}", "ephemeral: boolean required" },
		{ "{\"email\":\"a@b.co\",\"ephemeral\":true,\"backgroundColor\":\"xyz\"}",
		    "backgroundColor: ValidatorError: Invalid hexcolor" },
		{ "{\"email\":\"a@b.co\",\"ephemeral\":true,\"siteLogo\":\"http://a/b.png\"}",
		    "siteLogo: Error: images must be served over https." },
		{ "{\"email\":\"a@b.co\",\"ephemeral\":true,\"a\":1,\"b\":2}",
		    "extra parameters are not allowed: a, b" },
		{ "email=a%40b.co&ephemeral=true&x=1", "extra parameters are not allowed: x" },
		{ "email=a%40b.co&ephemeral=1", "ephemeral: boolean required" },
		{ "{\"email\":\"a@b.co\",\"ephemeral\":true,\"pubkey\":"
		  "\"not json not json not json not json not json not json not json\"}",
		    "pubkey: not valid JSON" },
	};
	struct arena arena = arena_new(1024 * 1024);
	struct params p;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *reason = take(&arena, rows[i][0], &p);
		assert_non_null(reason);
		assert_string_equal(reason, rows[i][1]);
	}
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emails),
		cmocka_unit_test(an_email_has_a_longest_length),
		cmocka_unit_test(origins),
		cmocka_unit_test(other_types),
		cmocka_unit_test(passwords_have_8_to_80_characters),
		cmocka_unit_test(good_calls_are_taken),
		cmocka_unit_test(refusals_have_the_words_of_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
