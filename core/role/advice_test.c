/*
 * Advice about the machine: said when it matters, silent otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/http/server.h"
#include "core/role/advice.h"

enum {
	TEXT_BYTES = 4096
};

static const struct host_facts good = { 4096, 0, 524288 };

/* The advice, valid until the next call. */
static const char *advice(const struct host_facts *facts, const char *max_connections)
{
	static char text[TEXT_BYTES];
	struct buf problems = buf_new(TEXT_BYTES), out = buf_new(TEXT_BYTES);
	struct conf *c = NULL;

	assert_int_equal(conf_new(&http_conf, 1, &c), ERR_OK);
	assert_int_equal(conf_set(c, "test", SLICE("http"), SLICE("max_connections"),
			     slice_str(max_connections), &problems),
	    ERR_OK);
	advice_write(facts, c, &out);
	assert_int_equal(slice_to_cstr(buf_slice(&out), text, sizeof(text)), ERR_OK);
	buf_free(&out);
	buf_free(&problems);
	conf_free(&c);
	return text;
}

static void a_good_machine_gets_none(void **state)
{
	const struct host_facts unknown = { -1, -1, -1 };
	(void)state;

	assert_string_equal(advice(&good, "0"), "");
	assert_string_equal(advice(&good, "524224"), "");
	assert_string_equal(advice(&unknown, "100000"), "");
}

static void a_short_accept_queue(void **state)
{
	struct host_facts facts = good;
	(void)state;

	facts.somaxconn = 128;
	assert_non_null(strstr(advice(&facts, "0"), "net.core.somaxconn is 128"));
	assert_non_null(strstr(advice(&facts, "0"), "sysctl -w net.core.somaxconn=4096"));
}

static void few_descriptors(void **state)
{
	struct host_facts facts = good;
	(void)state;

	facts.descriptors = 1024;
	assert_non_null(strstr(advice(&facts, "0"), "at most 960 connections"));
	assert_string_equal(advice(&facts, "960"), "");
	assert_non_null(strstr(advice(&facts, "961"), "max_connections is 961"));
	facts.descriptors = 10;
	assert_non_null(strstr(advice(&facts, "17"), "leaves 0"));
}

static void strict_overcommit(void **state)
{
	struct host_facts facts = good;
	(void)state;

	facts.overcommit_memory = 2;
	assert_non_null(strstr(advice(&facts, "0"), "vm.overcommit_memory is 2"));
	facts.overcommit_memory = 1;
	assert_string_equal(advice(&facts, "0"), "");
}

static void this_machine_can_be_read(void **state)
{
	struct host_facts facts = host_facts_read();
	(void)state;

	assert_true(facts.somaxconn > 0);
	assert_in_range(facts.overcommit_memory, 0, 2);
	assert_true(facts.descriptors > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_machine_gets_none),
		cmocka_unit_test(a_short_accept_queue),
		cmocka_unit_test(few_descriptors),
		cmocka_unit_test(strict_overcommit),
		cmocka_unit_test(this_machine_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
