/*
 * The watch on processes that this test makes itself, and on answers that it gives itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "lab/target_watch.h"

static const char *status_text, *metrics_text;

static enum err fetch(const char *address, const char *path, struct buf *out,
    struct slice *ret_body, struct err_note *note)
{
	const char *text = strcmp(path, "/status") == 0 ? status_text : metrics_text;

	if (text == NULL) {
		return err_note_set(note, ERR_PEER_GONE, "%s does not answer", address);
	}
	buf_append_str(out, text);
	*ret_body = buf_slice(out);
	return ERR_OK;
}

static struct target *watch(enum target_kind kind, const char *text)
{
	struct target *t = NULL;
	struct err_note note = { 0 };

	assert_int_equal(target_open(fetch, &t), ERR_OK);
	assert_int_equal(target_add(t, kind, text, &note), ERR_OK);
	return t;
}

/* Uses a processor for so long, by its own clock. */
static void spin(int64_t us)
{
	for (int64_t until = clock_cpu_us() + us; clock_cpu_us() < until;) {
	}
}

/* A child that spins once it has got a byte, says so, and waits. */
struct spinner {
	int pid, to, from;
};

static struct spinner start_spinner(int64_t us)
{
	int to[2], from[2];
	char byte = 0;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	int pid = fork();
	if (pid == 0) {
		close(to[1]);
		while (read(to[0], &byte, 1) == 1) {
			spin(us);
			if (write(from[1], &byte, 1) != 1) {
				break;
			}
		}
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	return (struct spinner){ pid, to[1], from[0] };
}

static void let_spin(const struct spinner *s)
{
	char byte = 'x';

	assert_int_equal(write(s->to, &byte, 1), 1);
	assert_int_equal(read(s->from, &byte, 1), 1);
}

static void end_spinner(const struct spinner *s)
{
	close(s->to);
	close(s->from);
	(void)waitpid(s->pid, NULL, 0);
}

/* The first processor that this test may use. */
static cpu_set_t one_processor(void)
{
	cpu_set_t own, one;

	CPU_ZERO(&one);
	assert_int_equal(sched_getaffinity(0, sizeof(own), &own), 0);
	for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
		if (CPU_ISSET(i, &own)) {
			CPU_SET(i, &one);
		}
	}
	return one;
}

static void the_processors_of_a_target_are_those_it_may_use(void **state)
{
	const cpu_set_t one = one_processor();
	struct spinner s = start_spinner(1000);
	struct err_note note = { 0 };
	cpu_set_t seen;
	char text[64];

	(void)state;
	assert_int_equal(sched_setaffinity(s.pid, sizeof(one), &one), 0);
	(void)snprintf(text, sizeof(text), "spinner=%d", s.pid);
	struct target *t = watch(TARGET_PROCESS, text);
	assert_int_equal(target_cpus(t, &seen), 0);
	assert_int_equal(target_look(t, &note), ERR_OK);
	assert_int_equal(target_cpus(t, &seen), 1);
	assert_true(CPU_EQUAL(&seen, &one));
	target_close(&t);
	end_spinner(&s);
}

static void a_process_uses_what_it_uses(void **state)
{
	struct spinner s = start_spinner(200000);
	struct err_note note = { 0 };
	struct target_use use;
	char text[64];

	(void)state;
	(void)snprintf(text, sizeof(text), "spinner=%d", s.pid);
	struct target *t = watch(TARGET_PROCESS, text);
	let_spin(&s); /* before the first look: not counted */
	assert_int_equal(target_look(t, &note), ERR_OK);
	int64_t from_us = clock_mono_us();
	assert_int_equal(target_look(t, &note), ERR_OK);
	let_spin(&s);
	int64_t to_us = clock_mono_us();
	assert_int_equal(target_look(t, &note), ERR_OK);
	assert_int_equal(target_roles(t), 1);
	assert_string_equal(target_role_name(t, 0), "spinner");
	assert_true(target_is_local(t));
	assert_true(target_between(t, 0, from_us, to_us, &use));
	double seconds = (double)(to_us - from_us) / 1e6;
	assert_true(fabs(use.figures[TARGET_CPU_S] * seconds - 0.2) < 0.02);
	assert_true(fabs(use.figures[TARGET_HOT_S] * seconds - 0.2) < 0.02);
	assert_true(use.figures[TARGET_PROCESSES] == 1 && use.figures[TARGET_THREADS] == 1);
	assert_true(use.figures[TARGET_MEMORY_BYTES] > 100000);
	assert_true(use.known[TARGET_RUN_DELAY_S] && use.known[TARGET_SOCKETS]);
	assert_false(use.known[TARGET_BUSY_S] || use.known[TARGET_STATEMENTS]);
	assert_false(target_between(t, 0, 0, to_us, &use));
	assert_false(target_between(t, 1, from_us, to_us, &use));
	end_spinner(&s);
	assert_int_equal(target_look(t, &note), ERR_NOT_FOUND);
	struct err_note trouble;
	assert_int_equal(target_trouble(t, &trouble), ERR_NOT_FOUND);
	assert_non_null(strstr(trouble.text, "there is no process"));
	target_close(&t);
}

/* This process has children: what they use is of the parent's role, those that came later too. */
static void children_belong_to_their_parent(void **state)
{
	struct spinner parent = { 0, 0, 0 };
	struct err_note note = { 0 };
	struct target_use use;
	char text[64], byte = 'x';
	int to[2], from[2];

	(void)state;
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	parent.pid = fork();
	if (parent.pid == 0) {
		assert_int_equal(read(to[0], &byte, 1), 1);
		struct spinner child = start_spinner(150000);
		let_spin(&child);
		assert_int_equal(write(from[1], &byte, 1), 1);
		assert_true(read(to[0], &byte, 1) >= 0); /* the end of the test */
		end_spinner(&child);
		_exit(0);
	}
	(void)snprintf(text, sizeof(text), "family=%d", parent.pid);
	struct target *t = watch(TARGET_PROCESS, text);
	assert_int_equal(target_look(t, &note), ERR_OK);
	int64_t from_us = clock_mono_us();
	assert_int_equal(target_look(t, &note), ERR_OK);
	assert_int_equal(write(to[1], &byte, 1), 1);
	assert_int_equal(read(from[0], &byte, 1), 1);
	int64_t to_us = clock_mono_us();
	assert_int_equal(target_look(t, &note), ERR_OK);
	assert_true(target_between(t, 0, from_us, to_us, &use));
	double cpu_s = use.figures[TARGET_CPU_S] * (double)(to_us - from_us) / 1e6;
	assert_true(cpu_s > 0.14 && cpu_s < 0.25);
	assert_true(use.figures[TARGET_PROCESSES] == 2);
	assert_int_equal(write(to[1], &byte, 1), 1);
	(void)waitpid(parent.pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
	}
	target_close(&t);
}

static void a_status_by_role(void **state)
{
	struct err_note note = { 0 };
	struct target_use use;

	(void)state;
	struct target *t = watch(TARGET_ADMIN, "10.1.2.3:8001");
	metrics_text = "plimsoll_store_commit_seconds_count{role=\"store\"} 100\n"
		       "plimsoll_process_cpu_seconds_total{role=\"store\"} 77\n";
	status_text =
	    "{\"processes\":[{\"role\":\"web\",\"pid\":10,\"cpu_us\":1000000,\"busy_us\":5000,"
	    "\"queue_len\":3},{\"role\":\"web\",\"pid\":11,\"cpu_us\":500000,\"busy_us\":0},"
	    "{\"role\":\"store\",\"pid\":12,\"cpu_us\":1}]}";
	assert_int_equal(target_look(t, &note), ERR_OK);
	assert_int_equal(target_roles(t), 2);
	assert_false(target_is_local(t));
	int64_t from_us = clock_mono_us();
	assert_int_equal(target_look(t, &note), ERR_OK);
	(void)usleep(50000);
	/* One of the web processes was started anew, under another id. */
	status_text =
	    "{\"processes\":[{\"role\":\"web\",\"pid\":10,\"cpu_us\":1010000,\"busy_us\":25000,"
	    "\"queue_len\":4},{\"role\":\"web\",\"pid\":13,\"cpu_us\":5000,\"busy_us\":1000},"
	    "{\"role\":\"store\",\"pid\":12,\"cpu_us\":1}]}";
	int64_t to_us = clock_mono_us();
	assert_int_equal(target_look(t, &note), ERR_OK);
	assert_true(target_between(t, 0, from_us, to_us, &use));
	double seconds = (double)(to_us - from_us) / 1e6;
	assert_true(fabs(use.figures[TARGET_CPU_S] * seconds - 0.015) < 0.002);
	assert_true(fabs(use.figures[TARGET_HOT_S] * seconds - 0.010) < 0.002);
	assert_true(fabs(use.figures[TARGET_BUSY_S] * seconds - 0.020) < 0.002);
	assert_true(use.figures[TARGET_QUEUE] == 4 && use.figures[TARGET_PROCESSES] == 2);
	assert_true(target_between(t, 1, from_us, to_us, &use));
	assert_true(use.known[TARGET_FSYNCS]);
	assert_true(use.figures[TARGET_CPU_S] == 0);
	status_text = "{\"processes\":[]}";
	assert_int_equal(target_look(t, NULL), ERR_SYNTAX);
	status_text = "hello";
	assert_int_equal(target_look(t, NULL), ERR_SYNTAX);
	status_text = NULL;
	assert_int_equal(target_look(t, NULL), ERR_PEER_GONE);
	target_close(&t);
}

static void metrics_of_anybody(void **state)
{
	struct err_note note = { 0 };
	struct target_use use;

	(void)state;
	struct target *t = watch(TARGET_METRICS, "api=http://10.1.2.3:9100/metrics");
	metrics_text = "process_cpu_seconds_total 10\nprocess_resident_memory_bytes 1e6\nother 5\n"
		       "x_statements_total{a=\"1\"} 5\nx_statements_total{a=\"2\"} 5\n";
	assert_int_equal(target_look(t, &note), ERR_OK);
	int64_t from_us = clock_mono_us();
	assert_int_equal(target_look(t, &note), ERR_OK);
	(void)usleep(100000);
	metrics_text = "process_cpu_seconds_total 10.03\nprocess_resident_memory_bytes 2e6\n"
		       "x_statements_total{a=\"1\"} 8\nx_statements_total{a=\"2\"} 9\n";
	int64_t to_us = clock_mono_us();
	assert_int_equal(target_look(t, &note), ERR_OK);
	assert_string_equal(target_role_name(t, 0), "api");
	assert_true(target_between(t, 0, from_us, to_us, &use));
	double seconds = (double)(to_us - from_us) / 1e6;
	assert_true(fabs(use.figures[TARGET_CPU_S] * seconds - 0.03) < 0.003);
	assert_true(fabs(use.figures[TARGET_STATEMENTS] * seconds - 7) < 0.7);
	assert_true(use.figures[TARGET_MEMORY_BYTES] == 2e6);
	metrics_text = "nothing_of_use 1\n";
	assert_int_equal(target_look(t, NULL), ERR_SYNTAX);
	target_close(&t);
}

static void what_cannot_be_watched_is_said(void **state)
{
	static const struct {
		enum target_kind kind;
		const char *text;
	} wrong[] = { { TARGET_PROCESS, "x=" }, { TARGET_PROCESS, "x=y" }, { TARGET_PROCESS, "=5" },
		{ TARGET_NAME, "" }, { TARGET_METRICS, "https://x/" }, { TARGET_METRICS, "x" } };
	struct target *t = NULL;
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(target_open(fetch, &t), ERR_OK);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(target_add(t, wrong[i].kind, wrong[i].text, NULL), ERR_INVALID);
	}
	assert_int_equal(target_add(t, TARGET_NAME, "no-such-program", &note), ERR_OK);
	assert_int_equal(target_look(t, &note), ERR_NOT_FOUND);
	assert_string_equal(note.text, "there is no process called no-such-program");
	for (unsigned i = 1; i < TARGET_SOURCES_MAX; i++) {
		assert_int_equal(target_add(t, TARGET_NAME, "y", NULL), ERR_OK);
	}
	assert_int_equal(target_add(t, TARGET_NAME, "y", NULL), ERR_LIMIT);
	target_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_processors_of_a_target_are_those_it_may_use),
		cmocka_unit_test(a_process_uses_what_it_uses),
		cmocka_unit_test(children_belong_to_their_parent),
		cmocka_unit_test(a_status_by_role),
		cmocka_unit_test(metrics_of_anybody),
		cmocka_unit_test(what_cannot_be_watched_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
