/*
 * Clocks and the HTTP date.
 */
#include "core/base/clock.h"

#include <time.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_http_dates(void **state)
{
	static const struct {
		int64_t wall_s;
		const char *text;
	} rows[] = {
		{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" }, /* RFC 9110 section 5.6.7 */
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 951782399, "Mon, 28 Feb 2000 23:59:59 GMT" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ 4102444799, "Thu, 31 Dec 2099 23:59:59 GMT" },
		{ 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[CLOCK_HTTP_DATE_SIZE];
		clock_http_date(rows[i].wall_s, out);
		assert_string_equal(out, rows[i].text);
	}
}

static void test_http_date_of_an_absurd_time_stays_in_its_room(void **state)
{
	char out[CLOCK_HTTP_DATE_SIZE + 1];

	(void)state;
	out[CLOCK_HTTP_DATE_SIZE] = 'x';
	clock_http_date(INT64_MAX, out);
	clock_http_date(INT64_MIN, out);
	clock_http_date(-1, out);
	assert_string_equal(out, "Wed, 31 Dec 1969 23:59:59 GMT");
	assert_int_equal(out[CLOCK_HTTP_DATE_SIZE], 'x');
}

static void test_monotonic_clock_counts_microseconds(void **state)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int64_t before = clock_mono_us();

	(void)state;
	nanosleep(&pause, NULL);
	int64_t passed = clock_mono_us() - before;
	assert_in_range(passed, 20000, 5000000);
}

static void test_wall_clock_counts_milliseconds_since_1970(void **state)
{
	(void)state;
	int64_t s = (int64_t)time(NULL);
	assert_in_range(clock_wall_ms() / 1000, s - 1, s + 60);
}

static void test_cpu_clock_counts_work_and_not_sleep(void **state)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	int64_t before = clock_cpu_us();

	(void)state;
	nanosleep(&pause, NULL);
	assert_true(clock_cpu_us() - before < 45000);
	before = clock_cpu_us();
	int64_t until = clock_mono_us() + 5000000;
	while (clock_cpu_us() - before < 10000 && clock_mono_us() < until) {
	}
	assert_true(clock_cpu_us() - before >= 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_dates),
		cmocka_unit_test(test_http_date_of_an_absurd_time_stays_in_its_room),
		cmocka_unit_test(test_monotonic_clock_counts_microseconds),
		cmocka_unit_test(test_wall_clock_counts_milliseconds_since_1970),
		cmocka_unit_test(test_cpu_clock_counts_work_and_not_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
