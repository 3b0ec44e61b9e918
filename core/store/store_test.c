/*
 * The store engine with real callers: what shares a commit, what is undone, what is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/store/store_priv.h"
#include "core/store/store_rig.h"
#include "core/store/test_dir.h"

enum {
	MANY = 64
};

struct fixture {
	struct test_dir dir;
	struct rig rig;
	struct rig_call calls[MANY];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	test_dir_make(&f->dir);
	rig_open(&f->rig, f->dir.path, false);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	rig_close(&f->rig);
	test_dir_remove(&f->dir);
	free(f);
	return 0;
}

static int64_t outcome(struct fixture *f, enum store_outcome o)
{
	return metric_get(f->rig.store->cells.outcome[o]);
}

static int64_t commits(struct fixture *f)
{
	int64_t n = 0;

	for (unsigned i = 0; i < STORE_SIZE_CLASSES; i++) {
		n += metric_get(f->rig.store->cells.batch[i]);
	}
	return n;
}

/* Starts n calls with ids 1..n and waits for all. */
static void run_many(struct fixture *f, unsigned n, enum rig_mode mode)
{
	for (unsigned i = 0; i < n; i++) {
		f->calls[i] =
		    (struct rig_call){ .mode = mode, .id = i + 1, .value = SLICE("value") };
		rig_start(&f->rig, &f->calls[i]);
	}
	rig_finish(&f->rig);
}

/* Also on a busy machine, whose clock would end a batch early, all that wait share a commit. */
static void let_batches_be_long(struct fixture *f)
{
	f->rig.store->batch_work_us = INT64_MAX;
}

static int64_t rows(struct fixture *f)
{
	return test_number(&f->dir, "SELECT count(*) FROM item");
}

static void test_many_requests_share_a_commit(void **state)
{
	struct fixture *f = *state;

	let_batches_be_long(f);
	run_many(f, MANY, RIG_PUT);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(f->calls[i].e, ERR_OK);
		assert_string_equal(f->calls[i].reply, "done");
	}
	assert_int_equal(rows(f), MANY);
	assert_int_equal(outcome(f, STORE_COMMITTED), MANY);
	assert_int_equal(commits(f), 1);
}

static void test_a_batch_ends_where_its_time_is_over(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		f->calls[i] = (struct rig_call){
			.mode = RIG_PUT_SLOWLY, .id = i + 1, .value = SLICE("12000")
		};
		rig_start(&f->rig, &f->calls[i]);
	}
	rig_finish(&f->rig);
	assert_int_equal(rows(f), 3);
	assert_int_equal(commits(f), 3);
}

static void test_one_after_the_other_commits_each(void **state)
{
	struct fixture *f = *state;

	for (int i = 1; i <= 5; i++) {
		assert_int_equal(rig_do(&f->rig, RIG_PUT, i, "x"), ERR_OK);
	}
	assert_int_equal(commits(f), 5);
	assert_int_equal(metric_get(f->rig.store->cells.batch[0]), 5);
}

static void test_a_batch_has_a_largest_size(void **state)
{
	enum {
		N = 700
	};
	struct fixture *f = *state;
	struct rig_call *calls = calloc(N, sizeof(*calls));

	for (unsigned i = 0; i < N; i++) {
		calls[i] = (struct rig_call){ .id = i, .value = SLICE("x") };
		rig_start(&f->rig, &calls[i]);
	}
	rig_finish(&f->rig);
	free(calls);
	assert_int_equal(rows(f), N);
	assert_true(commits(f) >= 3); /* of at most 256 */
}

static void test_a_failing_function_is_undone_alone(void **state)
{
	enum {
		N = 9,
		BAD = 4
	};
	struct fixture *f = *state;

	let_batches_be_long(f);
	for (unsigned i = 0; i < N; i++) {
		f->calls[i] = (struct rig_call){ .mode = i == BAD ? RIG_PUT_THEN_FAIL : RIG_PUT,
			.id = i + 1,
			.value = SLICE("v") };
		rig_start(&f->rig, &f->calls[i]);
	}
	rig_finish(&f->rig);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(f->calls[i].e, i == BAD ? ERR_CONFLICT : ERR_OK);
	}
	assert_string_equal(f->calls[BAD].note.text, "asked to fail");
	assert_int_equal(rows(f), N - 1);
	assert_int_equal(test_number(&f->dir, "SELECT count(*) FROM journal"), N - 1);
	assert_int_equal(test_number(&f->dir, "SELECT count(*) FROM item WHERE id = 5"), 0);
	assert_int_equal(commits(f), 1);
	assert_int_equal(outcome(f, STORE_FAILED), 1);
}

static void test_only_failures_make_no_commit(void **state)
{
	struct fixture *f = *state;

	run_many(f, 5, RIG_PUT_THEN_FAIL);
	assert_int_equal(commits(f), 0);
	assert_int_equal(rows(f), 0);
	assert_int_equal(rig_do(&f->rig, RIG_PUT, 1, "x"), ERR_OK);
}

static void test_a_reply_that_is_too_long_undoes_the_write(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rig_do(&f->rig, RIG_PUT_LONG_REPLY, 1, "x"), ERR_LIMIT);
	assert_int_equal(rows(f), 0);
}

static int missing_at_reply;

static void look_at_once(struct rig_call *c)
{
	struct fixture *f = LIST_OF(c->rig, struct fixture, rig);
	char text[64];

	snprintf(text, sizeof(text), "SELECT count(*) FROM item WHERE id = %d", (int)c->id);
	missing_at_reply += test_number(&f->dir, text) != 1;
}

static void test_whoever_has_a_reply_is_committed(void **state)
{
	struct fixture *f = *state;

	missing_at_reply = 0;
	for (unsigned i = 0; i < 20; i++) {
		f->calls[i] =
		    (struct rig_call){ .id = i + 1, .value = SLICE("v"), .ended = look_at_once };
		rig_start(&f->rig, &f->calls[i]);
	}
	rig_finish(&f->rig);
	assert_int_equal(missing_at_reply, 0);
}

static void test_hook_runs_once_per_batch_after_the_commit(void **state)
{
	struct fixture *f = *state;

	let_batches_be_long(f);
	run_many(f, 10, RIG_PUT_AND_HOOK);
	assert_int_equal(commits(f), 1);
	assert_int_equal(f->rig.hooks, 1);
	run_many(f, 10, RIG_PUT);
	assert_int_equal(f->rig.hooks, 1);
}

static void test_too_late_is_not_begun(void **state)
{
	struct fixture *f = *state;

	f->calls[0] = (struct rig_call){ .mode = RIG_PUT_SLOWLY, .id = 1, .value = SLICE("60000") };
	f->calls[1] = (struct rig_call){ .id = 2, .value = SLICE("v"), .timeout_us = 20000 };
	rig_start(&f->rig, &f->calls[0]);
	rig_start(&f->rig, &f->calls[1]);
	rig_finish(&f->rig);
	assert_int_equal(f->calls[0].e, ERR_OK);
	assert_int_equal(f->calls[1].e, ERR_DEADLINE);
	assert_int_equal(rig_do(&f->rig, RIG_PUT, 3, "v"), ERR_OK); /* the store has seen all */
	assert_int_equal(f->rig.functions, 2);
	assert_int_equal(outcome(f, STORE_EXPIRED) + outcome(f, STORE_CANCELLED), 1);
}

static void cancel_task(void *arg)
{
	struct rig_call *c = arg;

	task_cancel(c->task);
}

static void test_cancelled_is_not_begun(void **state)
{
	struct fixture *f = *state;

	f->calls[0] = (struct rig_call){ .id = 1, .value = SLICE("v") };
	rig_start(&f->rig, &f->calls[0]);
	/* In the same round, so that request and cancellation arrive together. */
	assert_int_equal(
	    task_spawn(f->rig.loop, cancel_task, &f->calls[0], DEADLINE_NONE, NULL), ERR_OK);
	rig_finish(&f->rig);
	assert_int_equal(f->calls[0].e, ERR_CANCELLED);
	assert_int_equal(rig_do(&f->rig, RIG_PUT, 2, "v"), ERR_OK);
	assert_int_equal(f->rig.functions, 1);
	assert_int_equal(outcome(f, STORE_CANCELLED), 1);
	assert_int_equal(f->rig.store->n_writes, 0);
}

static void test_full_queue_refuses(void **state)
{
	enum {
		N = 1500
	};
	struct fixture *f = *state;
	struct rig_call *calls = calloc(N, sizeof(*calls));
	unsigned refused = 0;

	for (unsigned i = 0; i < N; i++) {
		calls[i] = (struct rig_call){
			.mode = RIG_PUT_SLOWLY, .id = i, .value = SLICE("500"), .pool = i % 2
		};
		rig_start(&f->rig, &calls[i]);
	}
	rig_finish(&f->rig);
	for (unsigned i = 0; i < N; i++) {
		assert_true(calls[i].e == ERR_OK || calls[i].e == ERR_TOO_BUSY);
		refused += calls[i].e == ERR_TOO_BUSY;
	}
	free(calls);
	assert_true(refused > 0);
	assert_int_equal(outcome(f, STORE_REFUSED), refused);
	assert_int_equal(rows(f), N - refused);
}

static void test_longer_wait_than_time_left_refuses(void **state)
{
	struct fixture *f = *state;

	f->rig.store->commit_us = 10 * 1000 * 1000; /* a very slow disk */
	f->calls[0] = (struct rig_call){ .id = 1, .value = SLICE("v"), .timeout_us = 5000000 };
	rig_start(&f->rig, &f->calls[0]);
	rig_finish(&f->rig);
	assert_int_equal(f->calls[0].e, ERR_TOO_BUSY);
	assert_int_equal(f->rig.functions, 0);
}

static void test_expected_wait_is_published(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rig_do(&f->rig, RIG_PUT, 1, "v"), ERR_OK);
	assert_true(metric_get(&f->rig.store->cells.slot->queue_wait_us) > 0);
	assert_int_equal(metric_get(&f->rig.store->cells.slot->queue_len), 0);
}

static void test_reads_see_commits_and_cannot_write(void **state)
{
	struct fixture *f = *state;
	struct rig_call c = { .mode = RIG_GET, .id = 7 };

	assert_int_equal(rig_do(&f->rig, RIG_GET, 7, ""), ERR_NOT_FOUND);
	assert_int_equal(rig_do(&f->rig, RIG_PUT, 7, "seven"), ERR_OK);
	rig_start(&f->rig, &c);
	rig_finish(&f->rig);
	assert_int_equal(c.e, ERR_OK);
	assert_string_equal(c.reply, "seven");
	assert_int_equal(rig_do(&f->rig, RIG_PUT_IN_READ, 8, "x"), ERR_DENIED);
	assert_int_equal(rows(f), 1);
	assert_int_equal(commits(f), 1);
	assert_int_equal(metric_get(f->rig.store->cells.reads), 3);
}

static void test_full_disk_fails_all_and_passes(void **state)
{
	static char big[200000];
	struct fixture *f = *state;
	struct rlimit old, small;

	memset(big, 'b', sizeof(big));
	assert_int_equal(rig_do(&f->rig, RIG_PUT, 100, "before"), ERR_OK);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 120000;
	for (int round = 0; round < 2; round++) {
		setrlimit(RLIMIT_FSIZE, &small);
		for (unsigned i = 0; i < 10; i++) {
			f->calls[i] = (struct rig_call){ .mode = RIG_PUT_AND_HOOK,
				.id = i + 1,
				.value = SLICE_OF(big, sizeof(big)) };
			rig_start(&f->rig, &f->calls[i]);
		}
		rig_finish(&f->rig);
		setrlimit(RLIMIT_FSIZE, &old);
		for (unsigned i = 0; i < 10; i++) {
			assert_int_equal(f->calls[i].e, ERR_DISK_FULL);
			assert_true(f->calls[i].note.text[0] != '\0');
		}
		assert_int_equal(rows(f), 1);
		assert_int_equal(f->rig.hooks, 0);
	}
	run_many(f, 10, RIG_PUT);
	assert_int_equal(f->calls[9].e, ERR_OK);
	assert_int_equal(rows(f), 11);
	assert_int_equal(test_number(&f->dir, "SELECT count(*) FROM pragma_integrity_check"
					      " WHERE integrity_check = 'ok'"),
	    1);
}

static void test_locked_database_refuses_and_passes(void **state)
{
	struct fixture *f = *state;
	sqlite3 *other;
	int64_t begun_us;

	assert_int_equal(sqlite3_open(f->dir.file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	begun_us = clock_mono_us();
	run_many(f, 20, RIG_PUT);
	assert_true(clock_mono_us() - begun_us < 2000000); /* one wait, not twenty */
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(f->calls[i].e, ERR_LOCKED);
	}
	assert_int_equal(f->rig.functions, 0);
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	run_many(f, 20, RIG_PUT);
	assert_int_equal(f->calls[19].e, ERR_OK);
	assert_int_equal(rows(f), 20);
}

static void test_statements_are_timed(void **state)
{
	static const struct metric_def sql_def = { "sql_seconds", METRIC_HIST, "statement", "" };
	struct fixture *f = *state;
	struct hist *h;

	let_batches_be_long(f);
	run_many(f, 10, RIG_PUT);
	h = metric_hist(f->rig.metrics, &sql_def, "rig.put_item");
	assert_int_equal(atomic_load(&h->count), 10);
	h = metric_hist(f->rig.metrics, &sql_def, "store.commit");
	assert_int_equal(atomic_load(&h->count), 1);
}

static void test_rig_statements_pass_the_check(void **state)
{
	struct fixture *f = *state;
	struct err_note note = { 0 };

	if (sql_table_check(store_db(f->rig.store), &rig_stmts, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	assert_int_equal(sql_migrations_check(rig_migrations, RIG_MIGRATIONS, &note), ERR_OK);
}

int main(void)
{
#define IN_RIG(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_RIG(test_many_requests_share_a_commit),
		IN_RIG(test_a_batch_ends_where_its_time_is_over),
		IN_RIG(test_one_after_the_other_commits_each),
		IN_RIG(test_a_batch_has_a_largest_size),
		IN_RIG(test_a_failing_function_is_undone_alone),
		IN_RIG(test_only_failures_make_no_commit),
		IN_RIG(test_a_reply_that_is_too_long_undoes_the_write),
		IN_RIG(test_whoever_has_a_reply_is_committed),
		IN_RIG(test_hook_runs_once_per_batch_after_the_commit),
		IN_RIG(test_too_late_is_not_begun),
		IN_RIG(test_cancelled_is_not_begun),
		IN_RIG(test_full_queue_refuses),
		IN_RIG(test_longer_wait_than_time_left_refuses),
		IN_RIG(test_expected_wait_is_published),
		IN_RIG(test_reads_see_commits_and_cannot_write),
		IN_RIG(test_full_disk_fails_all_and_passes),
		IN_RIG(test_locked_database_refuses_and_passes),
		IN_RIG(test_statements_are_timed),
		IN_RIG(test_rig_statements_pass_the_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
