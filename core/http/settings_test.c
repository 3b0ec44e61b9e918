/*
 * Section [http].
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "core/http/server.h"
#include "core/http/settings.h"

static struct conf *fresh(void)
{
	struct conf *c = NULL;

	assert_int_equal(conf_new(&http_conf, 1, &c), ERR_OK);
	return c;
}

static void set(struct conf *c, const char *name, const char *value)
{
	struct buf problems = buf_new(1024);

	assert_int_equal(
	    conf_set(c, "test", SLICE("http"), slice_str(name), slice_str(value), &problems),
	    ERR_OK);
	buf_free(&problems);
}

static void defaults_are_usable(void **state)
{
	struct conf *c = fresh();
	struct http_settings s;
	struct rlimit limit;
	(void)state;

	assert_int_equal(http_settings_read(c, &s, NULL), ERR_OK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(s.max_connections > 0 && s.max_connections < limit.rlim_cur);
	assert_int_equal(s.head_us, 10000000);
	assert_int_equal(s.idle_us, 60000000);
	assert_int_equal(s.head.head_bytes, 16384);
	assert_int_equal(s.body_rate, 1024);
	assert_true(s.access_log);
	struct http_address loopback;
	assert_true(http_address_parse(SLICE("127.0.0.1"), &loopback));
	assert_true(http_networks_have(&s.trusted, &loopback));
	conf_free(&c);
}

static void values_in_the_units_of_the_code(void **state)
{
	struct conf *c = fresh();
	struct http_settings s;
	(void)state;

	set(c, "max_connections", "17");
	set(c, "header_timeout", "500ms");
	set(c, "max_body_memory", "1M");
	set(c, "trusted_proxies", "");
	assert_int_equal(http_settings_read(c, &s, NULL), ERR_OK);
	assert_int_equal(s.max_connections, 17);
	assert_int_equal(s.head_us, 500000);
	assert_int_equal(s.body_memory, 1 << 20);
	assert_int_equal(s.trusted.n, 0);
	set(c, "max_connections", "1000000");
	assert_int_equal(http_settings_read(c, &s, NULL), ERR_OK);
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_cur > 1000000 || s.max_connections < limit.rlim_cur);
	conf_free(&c);
}

static void wrong_networks_name_the_key(void **state)
{
	struct conf *c = fresh();
	struct http_settings s = { .queue_max = 7 };
	struct err_note note = { .code = ERR_OK };
	(void)state;

	set(c, "trusted_proxies", "10.0.0.0/8, here");
	assert_int_equal(http_settings_read(c, &s, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "trusted_proxies"));
	assert_non_null(strstr(note.text, "here"));
	assert_int_equal(s.queue_max, 7);
	conf_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_usable),
		cmocka_unit_test(values_in_the_units_of_the_code),
		cmocka_unit_test(wrong_networks_name_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
