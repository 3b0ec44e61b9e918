/*
 * PostgreSQL as an engine: values there and back, the pool with its bounds, transactions that run
 * again, and what is left when the server or a connection goes away in the middle.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/store/pg.h"
#include "core/store/pg_rig.h"
#include "core/store/sql_priv.h"

enum {
	PUT,
	GET,
	ADD,
	EACH,
	SLEEP,
	BIG,
	COUNT
};

static const struct sql_stmt stmts[] = {
	[PUT] = { .name = "test.put",
	    .text = "INSERT INTO thing (name, n, small, bytes) VALUES (:name, :n, :small, :bytes)"
		    " RETURNING id",
	    .flags = SQL_WRITES },
	[GET] = { .name = "test.get",
	    .text = "SELECT name, n, small, bytes FROM thing WHERE name = :name OR n = :n" },
	[ADD] = { .name = "test.add",
	    .text = "UPDATE thing SET n = n + :more WHERE name = :name",
	    .flags = SQL_WRITES },
	[EACH] = { .name = "test.each", .text = "SELECT name FROM thing ORDER BY name" },
	[SLEEP] = { .name = "test.sleep",
	    .text = "SELECT 1",
	    .postgres_text = "SELECT 1 FROM pg_sleep(CAST(:ms AS BIGINT) / 1000.0)" },
	[BIG] = { .name = "test.big",
	    .text = "SELECT 1",
	    .postgres_text = "SELECT REPEAT('x', 1000000) FROM generate_series(1, 20)" },
	[COUNT] = { .name = "test.count", .text = "SELECT COUNT(*) FROM thing" },
};

static const struct migration migrations[] = {
	{ 1,
	    "CREATE TABLE thing (id {{SERIAL}}, name TEXT NOT NULL, n BIGINT, small INTEGER NOT NULL,"
	    " bytes {{BLOB}}); CREATE UNIQUE INDEX thing_name ON thing (name)" },
};

/* ---- a session ---- */

static struct sql_db *fresh_session(void)
{
	struct pg_rig *rig = pg_rig_shared();
	struct err_note note = { 0 };

	pg_rig_reset(rig);
	struct sql_db *db = pg_rig_session(rig, SQL_READ_WRITE);
	if (sql_migrate(db, "test", migrations, 1, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	return db;
}

static enum err put(struct sql_db *db, struct slice name, int64_t n, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &stmts[PUT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "name", name);
	sql_bind_i64(q, "n", n);
	sql_bind_i64(q, "small", -7);
	sql_bind_blob(q, "bytes", SLICE("\0\1\xff"));
	e = sql_step(q);
	sql_end(q);
	return e;
}

static void values_come_back_as_they_went(void **state)
{
	const int64_t numbers[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 256, -257 };
	struct sql_db *db = fresh_session();
	struct sql_query *q;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char name[40];

		snprintf(name, sizeof(name), "caf\xc3\xa9 '%zu' $1 :n", i);
		assert_int_equal(put(db, slice_str(name), numbers[i], NULL), ERR_OK);
		assert_int_equal(sql_changes(db), 1);
		assert_int_equal(sql_begin(db, &stmts[GET], &q, NULL), ERR_OK);
		sql_bind_text(q, "name", slice_str(name));
		sql_bind_null(q, "n");
		assert_int_equal(sql_step(q), ERR_OK);
		assert_true(slice_eq(sql_col_text(q, 0), slice_str(name)));
		assert_true(sql_col_i64(q, 1) == numbers[i]);
		assert_int_equal(sql_col_i64(q, 2), -7);
		assert_true(slice_eq(sql_col_blob(q, 3), SLICE("\0\1\xff")));
		assert_false(sql_col_is_null(q, 3));
		assert_int_equal(sql_step(q), ERR_END);
		assert_int_equal(sql_step(q), ERR_END);
		sql_end(q);
		assert_int_equal(sql_changes(db), 0);
	}
	sql_close(&db);
}

static void text_is_ordered_by_bytes(void **state)
{
	static const char *const names[] = { "B", "a", "Z", "\xc3\xa9", "_", "b" };
	static const char *const ordered[] = { "B", "Z", "_", "a", "b", "\xc3\xa9" };
	struct sql_db *db = fresh_session();
	struct sql_query *q;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(put(db, slice_str(names[i]), 1, NULL), ERR_OK);
	}
	assert_int_equal(sql_begin(db, &stmts[EACH], &q, NULL), ERR_OK);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(sql_step(q), ERR_OK);
		assert_true(slice_eq(sql_col_text(q, 0), slice_str(ordered[i])));
	}
	assert_int_equal(sql_step(q), ERR_END);
	sql_end(q);
	sql_close(&db);
}

static void errors_are_ours_and_quote_no_value(void **state)
{
	struct sql_db *db = fresh_session();
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(put(db, SLICE("secret-name"), 1, NULL), ERR_OK);
	assert_int_equal(put(db, SLICE("secret-name"), 1, &note), ERR_EXISTS);
	assert_non_null(strstr(note.text, "test.put"));
	assert_null(strstr(note.text, "secret"));
	note = (struct err_note){ 0 };
	assert_int_equal(put(db, SLICE("nul\0byte"), 1, &note), ERR_INVALID);
	assert_null(strstr(note.text, "nul"));
	note = (struct err_note){ 0 };
	assert_int_equal(put(db, SLICE("\xff\xfe"), 1, &note), ERR_INVALID);
	assert_int_equal(put(db, SLICE("good"), 1, NULL), ERR_OK);
	sql_close(&db);
}

static void rows_have_a_bound(void **state)
{
	struct sql_db *db = fresh_session();
	struct err_note note = { 0 };
	struct sql_query *q;

	(void)state;
	assert_int_equal(sql_begin(db, &stmts[BIG], &q, &note), ERR_OK);
	assert_int_equal(sql_step(q), ERR_LIMIT);
	assert_non_null(strstr(note.text, "16 MiB"));
	sql_end(q);
	sql_close(&db);
}

static void a_reader_may_not_write(void **state)
{
	struct sql_db *db = fresh_session(), *reader;
	struct err_note note = { 0 };
	const struct sql_stmt sly = { .name = "test.sly", .text = "DELETE FROM thing" };
	struct sql_query *q;

	(void)state;
	reader = pg_rig_session(pg_rig_shared(), SQL_READ_ONLY);
	assert_int_equal(put(reader, SLICE("x"), 1, &note), ERR_DENIED); /* by its flag */
	assert_int_equal(sql_begin(reader, &sly, &q, NULL), ERR_OK);
	assert_int_equal(sql_step(q), ERR_DENIED); /* by the server */
	sql_end(q);
	sql_close(&reader);
	sql_close(&db);
}

static void a_migration_happens_once(void **state)
{
	struct sql_db *db = fresh_session();
	static const struct migration broken[] = { { 1,
	    "CREATE TABLE half (id BIGINT); SELECT nonsense" } };
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(sql_migrate(db, "test", migrations, 1, &note), ERR_OK);
	assert_int_equal(sql_migrated(db, "test", 1, NULL), ERR_OK);
	assert_int_equal(sql_migrated(db, "other", 1, NULL), ERR_NOT_FOUND);
	assert_int_equal(sql_migrate(db, "other", broken, 1, &note), ERR_SYSTEM);
	assert_int_equal(pg_rig_number(pg_rig_shared(),
			     "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'half'"),
	    0);
	note = (struct err_note){ 0 };
	assert_int_equal(sql_migrate(db, "test", migrations, 0, &note), ERR_CONFIG);
	sql_close(&db);
}

/* ---- pools ---- */

struct world {
	struct loop *loop;
	struct pg_pool *pool;
	unsigned running;
	unsigned n_read; /* jobs that have read, see wait_for_a_rival() */
};

struct job {
	struct world *world;
	void (*run)(struct job *j);
	int64_t ms;
	enum err e;
	struct err_note note;
	struct task *task;
	unsigned runs;
	bool may_repeat;
	struct pg_txn_result result;
	int64_t took_us;
};

static void open_world(struct world *w, unsigned size, unsigned wait_max, int64_t wait_us)
{
	const struct pg_pool_options o = { .target = pg_rig_shared()->owner,
		.mode = SQL_READ_WRITE,
		.size = size,
		.wait_max = wait_max,
		.wait_us = wait_us };
	struct pg_pool_options with_loop = o;
	struct err_note note = { 0 };

	*w = (struct world){ 0 };
	assert_int_equal(loop_open(64, &w->loop), ERR_OK);
	with_loop.loop = w->loop;
	assert_int_equal(pg_pool_open(&with_loop, &w->pool, &note), ERR_OK);
}

static void close_world(struct world *w)
{
	pg_pool_close(&w->pool);
	loop_run(w->loop); /* until nothing is left: the keeper has ended, handles are closed */
	assert_int_equal(task_count(w->loop), 0);
	loop_close(&w->loop);
}

static void job_task(void *arg)
{
	struct job *j = arg;
	int64_t begun_us = clock_mono_us();

	j->run(j);
	j->took_us = clock_mono_us() - begun_us;
	j->task = NULL;
	if (--j->world->running == 0) {
		loop_stop(j->world->loop);
	}
}

static void begin_job(struct world *w, struct job *j, void (*run)(struct job *), int64_t limit_us)
{
	j->world = w;
	j->run = run;
	w->running++;
	assert_int_equal(task_spawn(w->loop, job_task, j,
			     limit_us == 0 ? DEADLINE_NONE : clock_mono_us() + limit_us, &j->task),
	    ERR_OK);
}

static void finish_jobs(struct world *w)
{
	while (w->running > 0) {
		loop_run(w->loop);
	}
}

static void sleep_there(struct job *j)
{
	struct sql_query *q;

	j->e = sql_begin(pg_pool_db(j->world->pool), &stmts[SLEEP], &q, &j->note);
	if (j->e == ERR_OK) {
		sql_bind_i64(q, "ms", j->ms);
		j->e = sql_step(q);
		sql_end(q);
	}
}

static void many_tasks_share_few_connections(void **state)
{
	struct world w;
	struct job jobs[20] = { 0 };
	int64_t begun_us;

	(void)state;
	open_world(&w, 4, 100, 5000000);
	begun_us = clock_mono_us();
	for (size_t i = 0; i < 20; i++) {
		jobs[i].ms = 50;
		begin_job(&w, &jobs[i], sleep_there, 0);
	}
	finish_jobs(&w);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(jobs[i].e, ERR_OK);
	}
	/* Five rounds of 50 ms; one after the other it would be a second. */
	assert_true(clock_mono_us() - begun_us < 900000);
	assert_int_equal(pg_pool_state(w.pool).open, 4);
	close_world(&w);
}

static void a_full_queue_and_a_long_wait_are_refused(void **state)
{
	struct world w;
	struct job jobs[4] = { 0 };

	(void)state;
	open_world(&w, 1, 2, 100000);
	begin_job(&w, &jobs[0], sleep_there, 0);
	finish_jobs(&w); /* connected */
	for (size_t i = 0; i < 4; i++) {
		jobs[i].ms = 400;
		begin_job(&w, &jobs[i], sleep_there, 0);
	}
	finish_jobs(&w);
	assert_int_equal(jobs[0].e, ERR_OK);
	assert_int_equal(jobs[1].e, ERR_TOO_BUSY); /* waited */
	assert_int_equal(jobs[2].e, ERR_TOO_BUSY);
	assert_int_equal(jobs[3].e, ERR_TOO_BUSY); /* at once */
	assert_true(jobs[1].took_us >= 90000 && jobs[1].took_us < 350000);
	assert_true(jobs[3].took_us < 50000);
	assert_non_null(strstr(jobs[3].note.text, "too many wait"));
	close_world(&w);
}

/* A client that leaves does not cost the connection. */
static void an_abandoned_answer_is_read_in_the_background(void **state)
{
	struct world w;
	struct job slow = { .ms = 300 }, next = { .ms = 0 };
	int64_t backend;

	(void)state;
	open_world(&w, 1, 10, 5000000);
	begin_job(&w, &next, sleep_there, 0);
	finish_jobs(&w);
	backend = pg_rig_number(pg_rig_shared(),
	    "SELECT pid FROM pg_stat_activity WHERE application_name = 'plimsoll'");
	begin_job(&w, &slow, sleep_there, 50000);
	finish_jobs(&w);
	assert_int_equal(slow.e, ERR_DEADLINE);
	assert_true(slow.took_us < 250000);
	begin_job(&w, &next, sleep_there, 0);
	finish_jobs(&w);
	assert_int_equal(next.e, ERR_OK);
	assert_true(next.took_us > 100000); /* it waited for the other's answer */
	assert_int_equal(
	    backend, pg_rig_number(pg_rig_shared(),
			 "SELECT pid FROM pg_stat_activity WHERE application_name = 'plimsoll'"));
	close_world(&w);
}

/* ---- transactions ---- */

static enum err add(struct sql_db *db, const char *name, int64_t more, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &stmts[ADD], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "more", more);
	sql_bind_text(q, "name", slice_str(name));
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err read_count(struct sql_db *db, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &stmts[COUNT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	*ret = e == ERR_OK ? sql_col_i64(q, 0) : 0;
	sql_end(q);
	return e;
}

/* The first runs wait for each other, because connections that open slowly would make a queue. */
static void wait_for_a_rival(struct job *j)
{
	if (j->runs == 0) {
		j->world->n_read++;
	}
	for (unsigned i = 0; i < 2000 && j->world->n_read < 2; i++) {
		assert_int_equal(task_sleep(1000), ERR_OK);
	}
}

/* Reads the whole table and writes what follows from it: two at once cannot both be right. */
static enum err count_and_add(void *arg, struct sql_db *db, struct err_note *note)
{
	struct job *j = arg;
	int64_t n = 0;
	char name[32];
	enum err e = read_count(db, &n, note);

	wait_for_a_rival(j);
	j->runs++;
	if (e == ERR_OK) {
		snprintf(name, sizeof(name), "row %lld", (long long)n);
		e = put(db, slice_str(name), n, note);
	}
	return e;
}

static void txn_count(struct job *j)
{
	j->e = pg_txn_run(j->world->pool, PG_TXN_WRITE, j->may_repeat, count_and_add, NULL, j,
	    &j->result, &j->note);
}

static void conflicts_run_again(void **state)
{
	struct sql_db *db = fresh_session();
	struct world w;
	struct job jobs[12] = { 0 };
	unsigned runs = 0;

	(void)state;
	open_world(&w, 4, 100, 5000000);
	for (size_t i = 0; i < 12; i++) {
		begin_job(&w, &jobs[i], txn_count, 0);
	}
	finish_jobs(&w);
	for (size_t i = 0; i < 12; i++) {
		/* A duplicate row is how the server tells of some conflicts. */
		if (jobs[i].e != ERR_OK) {
			fail_msg("%s: %s", err_name(jobs[i].e), jobs[i].note.text);
		}
		runs += jobs[i].runs;
	}
	assert_true(runs > 12);
	assert_int_equal(
	    pg_rig_number(pg_rig_shared(), "SELECT COUNT(*) FROM thing WHERE name = 'row ' || n"),
	    12);
	close_world(&w);
	sql_close(&db);
}

static enum err put_then_refuse(void *arg, struct sql_db *db, struct err_note *note)
{
	struct job *j = arg;
	enum err e = put(db, SLICE("undone"), 1, note);

	j->runs++;
	return e == ERR_OK ? err_note_set(note, ERR_UNAUTHENTICATED, "no") : e;
}

static void txn_refuse(struct job *j)
{
	j->e = pg_txn_run(
	    j->world->pool, PG_TXN_WRITE, false, put_then_refuse, NULL, j, &j->result, &j->note);
}

static void a_refusal_undoes_what_was_written(void **state)
{
	struct sql_db *db = fresh_session();
	struct world w;
	struct job j = { 0 };

	(void)state;
	open_world(&w, 1, 10, 5000000);
	begin_job(&w, &j, txn_refuse, 0);
	finish_jobs(&w);
	assert_int_equal(j.e, ERR_UNAUTHENTICATED);
	assert_string_equal(j.note.text, "no");
	assert_int_equal(j.runs, 1);
	begin_job(&w, &j, txn_count, 0);
	finish_jobs(&w);
	assert_int_equal(j.e, ERR_OK);
	assert_int_equal(pg_rig_number(pg_rig_shared(), "SELECT COUNT(*) FROM thing"), 1);
	close_world(&w);
	sql_close(&db);
}

static enum err write_in_read(void *arg, struct sql_db *db, struct err_note *note)
{
	struct job *j = arg;
	int64_t n = 0;
	enum err e = read_count(db, &n, note);

	j->runs++;
	return e == ERR_OK ? put(db, SLICE("x"), 1, note) : e;
}

static void txn_write_in_read(struct job *j)
{
	j->e = pg_txn_run(
	    j->world->pool, PG_TXN_READ, false, write_in_read, NULL, j, &j->result, &j->note);
}

static void a_read_transaction_cannot_write(void **state)
{
	struct sql_db *db = fresh_session();
	struct world w;
	struct job j = { 0 };

	(void)state;
	open_world(&w, 1, 10, 5000000);
	begin_job(&w, &j, txn_write_in_read, 0);
	finish_jobs(&w);
	assert_int_equal(j.e, ERR_DENIED);
	close_world(&w);
	sql_close(&db);
}

/* ---- faults ---- */

#define END_THE_OTHERS                                                                             \
	"SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity"                            \
	" WHERE application_name = 'plimsoll' AND pid <> pg_backend_pid()"

static enum err put_after_the_end(void *arg, struct sql_db *db, struct err_note *note)
{
	struct job *j = arg;
	enum err e = put(db, SLICE("once"), 1, note);

	if (j->runs++ == 0) {
		pg_rig_run(pg_rig_shared(), END_THE_OTHERS);
	}
	return e == ERR_OK ? add(db, "once", 1, note) : e;
}

static void txn_after_the_end(struct job *j)
{
	j->e = pg_txn_run(
	    j->world->pool, PG_TXN_WRITE, false, put_after_the_end, NULL, j, &j->result, &j->note);
}

static void a_connection_that_ends_before_the_commit_costs_a_run(void **state)
{
	struct sql_db *db = fresh_session();
	struct world w;
	struct job j = { 0 };

	(void)state;
	sql_close(&db);
	open_world(&w, 1, 10, 5000000);
	begin_job(&w, &j, txn_after_the_end, 0);
	finish_jobs(&w);
	if (j.e != ERR_OK) {
		fail_msg("%s: %s", err_name(j.e), j.note.text);
	}
	assert_int_equal(j.runs, 2);
	assert_int_equal(pg_rig_number(pg_rig_shared(), "SELECT n FROM thing"), 2);
	close_world(&w);
}

static enum err put_and_end(void *arg, struct sql_db *db, struct err_note *note)
{
	struct job *j = arg;
	enum err e = put(db, SLICE("unknown"), 1, note);

	if (j->runs++ == 0 && e == ERR_OK) {
		pg_rig_run(pg_rig_shared(), END_THE_OTHERS); /* COMMIT goes into the void */
	}
	return e;
}

static void txn_lost(struct job *j)
{
	j->e = pg_txn_run(j->world->pool, PG_TXN_WRITE, j->may_repeat, put_and_end, NULL, j,
	    &j->result, &j->note);
}

static void a_lost_commit_is_unknown_unless_it_may_repeat(void **state)
{
	struct sql_db *db = fresh_session();
	struct world w;
	struct job once = { .may_repeat = false }, again = { .may_repeat = true };

	(void)state;
	sql_close(&db);
	open_world(&w, 1, 10, 5000000);
	begin_job(&w, &once, txn_lost, 0);
	finish_jobs(&w);
	assert_int_equal(once.e, ERR_OUTCOME_UNKNOWN);
	assert_int_equal(once.runs, 1);
	begin_job(&w, &again, txn_lost, 0);
	finish_jobs(&w);
	assert_int_equal(again.e, ERR_OK);
	assert_int_equal(again.runs, 2);
	close_world(&w);
}

static void reads_outlive_a_restart(void **state)
{
	struct pg_rig *rig = pg_rig_shared();
	struct world w;
	struct job j = { .ms = 0 }, away = { .ms = 0 };

	(void)state;
	open_world(&w, 2, 10, 300000);
	begin_job(&w, &j, sleep_there, 0);
	finish_jobs(&w);
	assert_int_equal(j.e, ERR_OK);
	pg_rig_halt(rig, SIGQUIT);
	begin_job(&w, &away, sleep_there, 0);
	finish_jobs(&w);
	assert_int_equal(away.e, ERR_TOO_BUSY);
	assert_true(away.took_us < 1000000);
	assert_false(pg_pool_is_up(w.pool));
	pg_rig_start(rig);
	for (int tries = 0; tries < 20 && j.e != ERR_OK; tries++) {
		begin_job(&w, &j, sleep_there, 0);
		finish_jobs(&w);
	}
	assert_int_equal(j.e, ERR_OK);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_as_they_went),
		cmocka_unit_test(text_is_ordered_by_bytes),
		cmocka_unit_test(errors_are_ours_and_quote_no_value),
		cmocka_unit_test(rows_have_a_bound),
		cmocka_unit_test(a_reader_may_not_write),
		cmocka_unit_test(a_migration_happens_once),
		cmocka_unit_test(many_tasks_share_few_connections),
		cmocka_unit_test(a_full_queue_and_a_long_wait_are_refused),
		cmocka_unit_test(an_abandoned_answer_is_read_in_the_background),
		cmocka_unit_test(conflicts_run_again),
		cmocka_unit_test(a_refusal_undoes_what_was_written),
		cmocka_unit_test(a_read_transaction_cannot_write),
		cmocka_unit_test(a_connection_that_ends_before_the_commit_costs_a_run),
		cmocka_unit_test(a_lost_commit_is_unknown_unless_it_may_repeat),
		cmocka_unit_test(reads_outlive_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
