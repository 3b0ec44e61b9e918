/*
 * The logger, seen from the other end of a pipe that stands in for standard error.
 */
#include "core/obs/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/clock.h"

enum {
	OUT_BYTES = 1 << 20
};

static int real_stderr, pipe_read;
static char out[OUT_BYTES];
static size_t out_len;

static int setup(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[0], F_SETPIPE_SZ, 256 * 1024);
	real_stderr = dup(STDERR_FILENO);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	pipe_read = fds[0];
	out_len = 0;
	out[0] = '\0';
	log_open(ROLE_WEB, 0);
	assert_int_equal(log_set_levels(SLICE("info"), NULL), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_flush();
	assert_int_equal(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
	close(real_stderr);
	close(pipe_read);
	return 0;
}

/* Adds what the pipe holds to out, without waiting; returns the number of bytes. */
static size_t drain(void)
{
	size_t before = out_len;
	ssize_t n;

	while ((n = read(pipe_read, out + out_len, sizeof(out) - 1 - out_len)) > 0) {
		out_len += (size_t)n;
	}
	out[out_len] = '\0';
	return out_len - before;
}

/* The single line that was logged, from " mod=" on, without the newline. */
static const char *flushed_tail(void)
{
	log_flush();
	drain();
	assert_true(out_len > 0 && out[out_len - 1] == '\n');
	out[out_len - 1] = '\0';
	assert_null(strchr(out, '\n'));
	char *tail = strstr(out, " mod=");
	assert_non_null(tail);
	return tail;
}

static size_t count_lines(void)
{
	size_t n = 0;

	for (size_t i = 0; i < out_len; i++) {
		n += out[i] == '\n';
	}
	return n;
}

static void test_line_has_time_level_role_module_event_and_fields(void **state)
{
	int64_t before = clock_wall_ms() - 10; /* lines carry the time of the last tick */
	int year, month, day, hour, minute, second, ms, role_at = 0;

	(void)state;
	LOG(LOG_WARN, "http", "request", LOG_S("op", SLICE("a.b")), LOG_C("m", "GET"),
	    LOG_I("us", -7));
	assert_string_equal(flushed_tail(), " mod=http event=request op=a.b m=GET us=-7");
	assert_int_equal(sscanf(out, "ts=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ level=warn role=%n", &year,
			     &month, &day, &hour, &minute, &second, &ms, &role_at),
	    7);
	assert_memory_equal(out + role_at, "web/0 mod=", 10);
	struct tm tm = { .tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second };
	int64_t stamp = (int64_t)timegm(&tm) * 1000 + ms;
	assert_in_range(stamp, before, clock_wall_ms());
}

static void test_role_without_instances_has_no_number(void **state)
{
	(void)state;
	log_open(ROLE_STORE, -1);
	LOG(LOG_INFO, "m", "e", LOG_I("n", INT64_MIN));
	assert_string_equal(flushed_tail(), " mod=m event=e n=-9223372036854775808");
	assert_non_null(strstr(out, " role=store mod="));
}

static void test_values_are_quoted_and_escaped_as_needed(void **state)
{
	const struct {
		struct slice value;
		const char *text;
	} rows[] = {
		{ SLICE("plain-text_1.2:/?&;,"), "plain-text_1.2:/?&;," },
		{ SLICE(""), "\"\"" },
		{ SLICE("two words"), "\"two words\"" },
		{ SLICE("a=b"), "\"a=b\"" },
		{ SLICE("say \"hi\""), "\"say \\\"hi\\\"\"" },
		{ SLICE("back\\slash"), "\"back\\\\slash\"" },
		{ SLICE("x\nlevel=error"), "\"x\\nlevel=error\"" },
		{ SLICE("\r\t"), "\"\\r\\t\"" },
		{ SLICE("\0nul"), "\"\\x00nul\"" },
		{ SLICE("\x1b[31m"), "\"\\x1b[31m\"" },
		{ SLICE("\x7f"), "\"\\x7f\"" },
		{ SLICE("gr\xc3\xbc\xc3\x9f"), "\"gr\\xc3\\xbc\\xc3\\x9f\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[128] = " mod=m event=e v=";
		out_len = 0;
		LOG(LOG_INFO, "m", "e", LOG_S("v", rows[i].value));
		strcat(want, rows[i].text);
		assert_string_equal(flushed_tail(), want);
	}
	(void)state;
}

static void test_long_value_is_cut_and_says_so(void **state)
{
	char value[3000];

	(void)state;
	memset(value, 'v', sizeof(value));
	LOG(LOG_INFO, "m", "e", LOG_S("v", SLICE_OF(value, sizeof(value))), LOG_I("n", 1));
	const char *tail = flushed_tail();
	assert_int_equal(strlen(tail), strlen(" mod=m event=e v=") + 1024 + strlen("... n=1"));
	assert_string_equal(tail + strlen(tail) - 7, "... n=1");
}

static void test_long_line_loses_whole_fields_and_says_so(void **state)
{
	char value[1000];

	(void)state;
	memset(value, '\n', sizeof(value));
	struct slice v = SLICE_OF(value, sizeof(value));
	LOG(LOG_INFO, "m", "e", LOG_I("n", 1), LOG_S("a", v), LOG_S("b", v), LOG_S("c", v));
	const char *tail = flushed_tail();
	assert_non_null(strstr(tail, " a=\""));
	assert_null(strstr(tail, " c=\""));
	assert_string_equal(tail + strlen(tail) - 6, " cut=1");
}

static void test_lines_wait_for_the_flush(void **state)
{
	(void)state;
	LOG(LOG_INFO, "m", "e", LOG_I("n", 1));
	LOG(LOG_WARN, "m", "e", LOG_I("n", 2));
	assert_int_equal(drain(), 0);
	log_flush();
	drain();
	assert_int_equal(count_lines(), 2);
}

static void test_error_is_written_at_once_with_what_came_before(void **state)
{
	(void)state;
	LOG(LOG_INFO, "m", "first", LOG_I("n", 1));
	LOG(LOG_ERROR, "m", "second", LOG_I("n", 2));
	drain();
	assert_int_equal(count_lines(), 2);
	assert_true(strstr(out, "first") < strstr(out, "second"));
}

static void test_full_batch_is_written_without_a_flush(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		LOG(LOG_INFO, "m", "e", LOG_I("n", i));
	}
	assert_true(drain() >= 32 * 1024);
	assert_int_equal(out[out_len - 1], '\n');
	assert_true(count_lines() < 1000);
	log_flush();
	drain();
	assert_int_equal(count_lines(), 1000);
}

static void test_levels_are_per_module(void **state)
{
	static const struct {
		const char *levels, *module;
		enum log_level lowest;
	} rows[] = {
		{ "info", "http", LOG_INFO },
		{ "debug", "http", LOG_DEBUG },
		{ "error", "http", LOG_ERROR },
		{ "off", "http", LOG_OFF },
		{ "info,http=debug,store=warn", "http", LOG_DEBUG },
		{ "info,http=debug,store=warn", "store", LOG_WARN },
		{ "info,http=debug,store=warn", "rpc", LOG_INFO },
		{ "http=debug, warn", "rpc", LOG_WARN },
		{ "info,http=off", "http", LOG_OFF },
		{ "off,http=error", "http", LOG_ERROR },
		{ "off,http=error", "rpc", LOG_OFF },
		{ "info,http=debug,http=error", "http", LOG_ERROR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(log_set_levels(slice_str(rows[i].levels), NULL), ERR_OK);
		for (enum log_level l = LOG_DEBUG; l <= LOG_ERROR; l++) {
			assert_int_equal(log_is_on(l, rows[i].module), l >= rows[i].lowest);
		}
	}
}

static void test_wrong_levels_are_named_and_change_nothing(void **state)
{
	static const struct {
		const char *levels, *word;
	} rows[] = {
		{ "loud", "\"loud\"" },
		{ "debug,http=loud", "\"loud\"" },
		{ "", "\"\"" },
		{ "debug,", "\"\"" },
		{ "debug,=info", "\"\"" },
		{ "debug,a-module-name-that-is-too-long=info", "a-module-name" },
		{ "a=info,b=info,c=info,d=info,e=info,f=info,g=info,h=info,i=info,j=info,k=info,"
		  "l=info,m=info,n=info,o=info,p=info,q=info",
		    "16" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err_note note = { 0 };
		assert_int_equal(log_set_levels(slice_str(rows[i].levels), &note), ERR_INVALID);
		assert_non_null(strstr(note.text, rows[i].word));
		assert_false(log_is_on(LOG_DEBUG, "http"));
		assert_true(log_is_on(LOG_INFO, "a"));
	}
}

static void test_arguments_of_a_silent_line_are_not_evaluated(void **state)
{
	int evaluated = 0;

	(void)state;
	LOG(LOG_DEBUG, "m", "e", LOG_I("n", ++evaluated));
	assert_int_equal(evaluated, 0);
	log_flush();
	assert_int_equal(drain(), 0);
}

static void test_lines_that_find_no_room_are_counted_and_reported(void **state)
{
	(void)state;
	/* A pipe nobody empties, and a standard error that does not block. */
	fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096);
	fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK | O_WRONLY);
	const int written = 2000;
	for (int i = 0; i < written; i++) {
		LOG(LOG_INFO, "m", "e", LOG_I("n", i));
	}
	while (drain() > 0) {
		log_flush();
	}
	const char *report = strstr(out, "mod=log event=lines_lost lines=");
	assert_non_null(report);
	int lost = atoi(strchr(strstr(report, "lines="), '=') + 1);
	assert_true(lost > 0);
	assert_int_equal(count_lines() - 1, written - lost);
}

static void test_broken_invariant_writes_out_what_is_held(void **state)
{
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit no_core = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL); /* cmocka's handler would report a failed test */
		LOG(LOG_INFO, "m", "before", LOG_I("n", 1));
		CHECK(1 == 2);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	drain();
	assert_non_null(strstr(out, "event=broken_invariant"));
	assert_non_null(strstr(out, "event=before"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_line_has_time_level_role_module_event_and_fields),
		T(test_role_without_instances_has_no_number),
		T(test_values_are_quoted_and_escaped_as_needed),
		T(test_long_value_is_cut_and_says_so),
		T(test_long_line_loses_whole_fields_and_says_so),
		T(test_lines_wait_for_the_flush),
		T(test_error_is_written_at_once_with_what_came_before),
		T(test_full_batch_is_written_without_a_flush),
		T(test_levels_are_per_module),
		T(test_wrong_levels_are_named_and_change_nothing),
		T(test_arguments_of_a_silent_line_are_not_evaluated),
		T(test_lines_that_find_no_room_are_counted_and_reported),
		T(test_broken_invariant_writes_out_what_is_held),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
