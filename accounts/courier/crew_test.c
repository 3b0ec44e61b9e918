/*
 * Crews of threads: jobs side by side, threads kept and ended, tasks that go before their job.
 */
#include "accounts/courier/crew.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/ev/task.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

enum {
	THREADS = 4,
	JOBS = 64,
	IDLE_US = 30 * 1000
};

/* The thread's state is a count of the jobs it had. */
struct tally {
	atomic_uint worked, ended, discarded, at_work, most_at_work;
	atomic_bool hold; /* work() waits until it is false */
};
static struct tally tally;

struct job {
	struct crew_job job; /* first */
	int in, out;
};

static void work(void *arg, void **state, struct crew_job *job)
{
	struct job *j = (struct job *)(void *)job;
	unsigned *count = *state != NULL ? *state : calloc(1, sizeof(*count));

	assert_ptr_equal(arg, &tally);
	*state = count;
	(*count)++;
	unsigned now = atomic_fetch_add(&tally.at_work, 1) + 1, most = tally.most_at_work;
	while (now > most && !atomic_compare_exchange_weak(&tally.most_at_work, &most, now)) {
	}
	do {
		usleep(2000);
	} while (atomic_load(&tally.hold));
	atomic_fetch_sub(&tally.at_work, 1);
	j->out = j->in * 2;
	atomic_fetch_add(&tally.worked, 1);
}

static void end(void *state)
{
	atomic_fetch_add(&tally.ended, 1);
	free(state);
}

static void discard(struct crew_job *job)
{
	atomic_fetch_add(&tally.discarded, 1);
	free(job);
}

static const struct crew_ops ops = { .work = work, .end = end, .discard = discard };

struct rig {
	struct loop *loop;
	struct crew *crew;
	unsigned right, cancelled, most_threads;
	struct task *tasks[JOBS];
	unsigned n_tasks;
};

static void open_rig(struct rig *r)
{
	tally = (struct tally){ 0 };
	*r = (struct rig){ 0 };
	assert_int_equal(loop_open(JOBS + 8, &r->loop), ERR_OK);
	const struct crew_options o = { &ops, &tally, THREADS, IDLE_US };
	assert_int_equal(crew_new(r->loop, &o, &r->crew), ERR_OK);
}

static void close_rig(struct rig *r)
{
	crew_free(&r->crew);
	assert_null(r->crew);
	loop_close(&r->loop);
}

static void run_job(void *arg)
{
	struct rig *r = arg;
	struct job *j = calloc(1, sizeof(*j));

	j->in = (int)(r->right + 21);
	int wanted = j->in * 2;
	enum err e = crew_run(r->crew, &j->job);
	unsigned threads = crew_threads(r->crew);
	r->most_threads = threads > r->most_threads ? threads : r->most_threads;
	if (e == ERR_OK) {
		r->right += j->out == wanted;
		free(j);
	} else {
		assert_int_equal(e, ERR_CANCELLED);
		r->cancelled++;
	}
}

static void spawn_jobs(struct rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(
		    task_spawn(r->loop, run_job, r, DEADLINE_NONE, &r->tasks[r->n_tasks++]),
		    ERR_OK);
	}
}

static void jobs_run_side_by_side_and_no_more_than_threads(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r);
	spawn_jobs(&r, JOBS);
	loop_run(r.loop);
	assert_int_equal(r.right, JOBS);
	assert_int_equal(tally.worked, JOBS);
	assert_int_equal(tally.most_at_work, THREADS);
	assert_int_equal(r.most_threads, THREADS);
	close_rig(&r);
	assert_int_equal(tally.ended, THREADS);
}

static void one_after_the_other(void *arg)
{
	for (unsigned i = 0; i < 8; i++) {
		run_job(arg);
	}
}

static void jobs_one_after_the_other_need_one_thread(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r);
	assert_int_equal(task_spawn(r.loop, one_after_the_other, &r, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(r.loop);
	assert_int_equal(r.right, 8);
	assert_int_equal(r.most_threads, 1);
	close_rig(&r);
	assert_int_equal(tally.ended, 1);
}

static void wait_for_idle_threads(void *arg)
{
	struct rig *r = arg;

	for (unsigned i = 0; i < 8; i++) {
		run_job(r);
	}
	for (int i = 0; i < 1000 && crew_threads(r->crew) > 0; i++) {
		assert_int_equal(task_sleep(IDLE_US / 4), ERR_OK);
	}
	assert_int_equal(crew_threads(r->crew), 0);
	run_job(r);
	assert_int_equal(crew_threads(r->crew), 1);
}

static void idle_threads_end_and_others_are_made(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r);
	spawn_jobs(&r, THREADS);
	assert_int_equal(
	    task_spawn(r.loop, wait_for_idle_threads, &r, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(r.loop);
	assert_int_equal(r.right, THREADS + 9);
	close_rig(&r);
	assert_int_equal(tally.ended, r.most_threads + 1);
}

/* When all threads have a job and others wait. */
static void cancel_all(void *arg)
{
	struct rig *r = arg;

	while (atomic_load(&tally.at_work) < THREADS) {
		assert_int_equal(task_sleep(1000), ERR_OK);
	}
	for (unsigned i = 0; i < r->n_tasks; i++) {
		task_cancel(r->tasks[i]);
	}
	while (r->cancelled < r->n_tasks) {
		assert_int_equal(task_sleep(1000), ERR_OK);
	}
	assert_int_equal(tally.discarded, r->n_tasks - THREADS);
	assert_int_equal(tally.worked, 0);
	atomic_store(&tally.hold, false);
}

static void a_job_whose_task_goes_is_finished_if_a_thread_has_it_and_else_dropped(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r);
	atomic_store(&tally.hold, true);
	spawn_jobs(&r, THREADS + 3);
	assert_int_equal(task_spawn(r.loop, cancel_all, &r, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(r.loop);
	assert_int_equal(r.right, 0);
	assert_int_equal(r.cancelled, THREADS + 3);
	assert_int_equal(tally.worked, THREADS);
	assert_int_equal(tally.discarded, THREADS + 3);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_run_side_by_side_and_no_more_than_threads),
		cmocka_unit_test(jobs_one_after_the_other_need_one_thread),
		cmocka_unit_test(idle_threads_end_and_others_are_made),
		cmocka_unit_test(
		    a_job_whose_task_goes_is_finished_if_a_thread_has_it_and_else_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
