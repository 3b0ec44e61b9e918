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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_forms_that_people_write),
		cmocka_unit_test(too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
