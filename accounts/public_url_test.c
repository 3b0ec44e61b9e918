/* Taking the public URL apart: which ones are this machine's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "accounts/public_url.h"

static void only_this_machine_is_loopback(void **state)
{
	static const struct {
		const char *text, *host;
		bool is_loopback;
	} cases[] = {
		{ "http://127.0.0.1:8000", "127.0.0.1", true },
		{ "http://LOCALHOST", "localhost", true },
		{ "http://a.localhost:1", "a.localhost", true },
		{ "https://[::1]:8000", "[::1]", true },
		{ "http://127.0.0.1.example.org", "127.0.0.1.example.org", false },
		{ "https://notlocalhost", "notlocalhost", false },
		{ "https://[::2]", "[::2]", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct public_url url;
		struct err_note note = { 0 };
		assert_int_equal(public_url_parse(slice_str(cases[i].text), &url, &note), ERR_OK);
		assert_string_equal(url.host, cases[i].host);
		assert_int_equal(url.is_loopback, cases[i].is_loopback);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_this_machine_is_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
