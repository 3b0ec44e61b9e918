/*
 * Running helpers: what they say, and every way in which they end.
 */
#include "core/helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/clock.h"

enum {
	OUT_MAX = 100 * 1024
};

struct ran {
	enum err e;
	enum helper_end end;
	int code;
	struct buf out;
};

/* A shell runs the script; its input is a file that says "twelve bytes". */
static struct ran run_program(const char *program, const char *script, int64_t wall_ms)
{
	char *const argv[] = { (char[]){ "helper" }, (char[]){ "-c" }, strdup(script), NULL };
	char *const env[] = { (char[]){ "PATH=/usr/bin:/bin" }, NULL };
	FILE *input = tmpfile();
	struct err_note note = { 0 };
	struct ran r = { .out = buf_new(OUT_MAX) };

	assert_non_null(input);
	fputs("twelve bytes", input);
	rewind(input);
	int fd = open(program, O_PATH | O_CLOEXEC);
	assert_true(fd >= 0);
	const struct helper_job job = { .program_fd = fd,
		.argv = argv,
		.env = env,
		.input_fd = fileno(input),
		.wall_ms = wall_ms,
		.cpu_s = 1 };
	r.e = helper_run(&job, &r.out, &r.end, &r.code, &note);
	(void)close(fd);
	(void)fclose(input);
	free(argv[2]);
	return r;
}

static struct ran run(const char *script)
{
	return run_program("/bin/sh", script, 20000);
}

static void assert_end(struct ran *r, enum helper_end end, int code)
{
	assert_int_equal(r->e, ERR_OK);
	assert_int_equal(r->end, end);
	assert_int_equal(r->code, code);
	buf_free(&r->out);
}

static void what_it_says_arrives(void **state)
{
	(void)state;
	struct ran r = run("cat; exit 7");
	assert_true(slice_eq(buf_slice(&r.out), SLICE("twelve bytes")));
	assert_end(&r, HELPER_EXITED, 7);
	r = run("head -c 99999 /dev/zero");
	assert_int_equal(r.out.len, 99999);
	assert_end(&r, HELPER_EXITED, 0);
}

static void it_gets_nothing_of_ours(void **state)
{
	(void)state;
	assert_int_equal(setenv("SECRET_OF_OURS", "secret", 1), 0);
	int kept = open("/etc/passwd", O_RDONLY); /* on purpose without O_CLOEXEC */
	struct ran r = run("env; ls -l /proc/self/fd");
	buf_append_char(&r.out, '\0');
	assert_null(strstr(r.out.data, "SECRET"));
	assert_null(strstr(r.out.data, "/etc/passwd"));
	assert_non_null(strstr(r.out.data, "pipe:"));
	(void)close(kept);
	assert_end(&r, HELPER_EXITED, 0);
}

static void one_that_dies_is_told_from_one_that_exits(void **state)
{
	(void)state;
	struct ran r = run("kill -SEGV $$");
	assert_end(&r, HELPER_KILLED, SIGSEGV);
}

static void one_that_takes_too_long_is_killed(void **state)
{
	(void)state;
	int64_t before_us = clock_mono_us();
	struct ran r = run_program("/bin/sh", "exec sleep 100", 100);
	assert_end(&r, HELPER_OVERDUE, SIGKILL);
	r = run_program("/bin/sh", "exec >/dev/null; exec sleep 100", 100);
	assert_end(&r, HELPER_OVERDUE, SIGKILL);
	assert_true(clock_mono_us() - before_us < 30000000);
}

static void processor_time_is_limited(void **state)
{
	(void)state;
	struct ran r = run_program("/bin/sh", "while :; do :; done", 100000);
	assert_end(&r, HELPER_OVERDUE, SIGXCPU);
}

static void one_that_talks_too_much_is_killed(void **state)
{
	(void)state;
	struct ran r = run("exec cat /dev/zero");
	assert_int_equal(r.out.len, OUT_MAX);
	assert_end(&r, HELPER_TALKED, SIGKILL);
}

static void what_is_no_program_is_told_by_its_code(void **state)
{
	(void)state;
	struct ran r = run_program("/etc/passwd", "", 20000);
	assert_end(&r, HELPER_EXITED, HELPER_NOT_EXECUTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_arrives),
		cmocka_unit_test(it_gets_nothing_of_ours),
		cmocka_unit_test(one_that_dies_is_told_from_one_that_exits),
		cmocka_unit_test(one_that_takes_too_long_is_killed),
		cmocka_unit_test(processor_time_is_limited),
		cmocka_unit_test(one_that_talks_too_much_is_killed),
		cmocka_unit_test(what_is_no_program_is_told_by_its_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
