/*
 * Splitting network addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/host_port.h"

static void the_forms_that_people_write(void **state)
{
	static const struct {
		const char *text, *host, *port;
	} cases[] = {
		{ "127.0.0.1:8125", "127.0.0.1", "8125" },
		{ "statsd.example:8125", "statsd.example", "8125" },
		{ "[::1]:8125", "::1", "8125" },
		{ "8125", "", "8125" },
		{ ":8125", "", "8125" },
		{ "", "", "" },
	};
	char host[HOST_BYTES], port[PORT_BYTES];
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(host_port_split(slice_str(cases[i].text), host, port), ERR_OK);
		assert_string_equal(host, cases[i].host);
		assert_string_equal(port, cases[i].port);
	}
}

static void too_long_is_refused(void **state)
{
	char text[2 * HOST_BYTES], host[HOST_BYTES], port[PORT_BYTES];
	(void)state;

	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 3, ":80", 3);
	assert_int_not_equal(host_port_split(SLICE_OF(text, sizeof(text)), host, port), ERR_OK);
	assert_int_not_equal(host_port_split(SLICE("a:123456789"), host, port), ERR_OK);
}

static void the_host_is_a_view(void **state)
{
	static const struct {
		const char *text, *host;
	} cases[] = {
		{ "mail.example:25", "mail.example" },
		{ "mail.example", "mail.example" },
		{ "[::1]:25", "::1" },
		{ "[::1]", "::1" },
		{ "[::1", "::1" },
		{ ":25", "" },
		{ "", "" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice host = host_port_host(slice_str(cases[i].text));
		assert_true(slice_eq(host, slice_str(cases[i].host)));
	}
}

static void loopback_is_this_machine_alone(void **state)
{
	static const char *const here[] = { "localhost", "LocalHost", "127.0.0.1", "127.1.2.3",
		"::1" };
	static const char *const elsewhere[] = { "", "localhost.example", "127.0.0.1.example",
		"127.example", "128.0.0.1", "1127.0.0.1", "::2", "10.0.0.1" };
	(void)state;

	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		assert_true(host_is_loopback(slice_str(here[i])));
	}
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		assert_false(host_is_loopback(slice_str(elsewhere[i])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_forms_that_people_write),
		cmocka_unit_test(too_long_is_refused),
		cmocka_unit_test(the_host_is_a_view),
		cmocka_unit_test(loopback_is_this_machine_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
