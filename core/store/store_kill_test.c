/*
 * kill -9 of the store at random points, many times over the same database. The writer is a process
 * of its own with the whole engine in it (RPC, group commit, checkpoint thread); each time the
 * engine has answered a caller, the number of the transaction goes into a pipe. After each kill:
 * the file is sound, every number that came through the pipe is there, and no transaction is there
 * by half (each writes to two tables).
 *
 * A kill leaves the page cache alive. The second test therefore puts a disk below SQLite that
 * forgets what was not synced, all of it or a random part, when the power goes in the middle of a
 * write. services/identity/durable_test.c does the same with real transaction functions.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/store/fault_disk.h"
#include "core/store/store_priv.h"
#include "core/store/store_rig.h"
#include "core/store/test_dir.h"

enum {
	ROUNDS = 50,
	CALLERS = 16,
	VALUE_BYTES = 3000,
	ACKS_MAX = 200000,
	RUN_MS_MAX = 30,
	CALLS_MAX = 1500
};

/* ---- the writer's process ---- */

struct writer {
	struct rig rig;
	int64_t next; /* number of the next transaction */
	int ack_fd;
	char value[VALUE_BYTES];
};

static void writer_task(void *arg)
{
	struct writer *w = arg;

	for (;;) {
		struct rig_call c = { .id = w->next++, .value = SLICE_OF(w->value, VALUE_BYTES) };

		if (rig_call_now(&w->rig, &c) != ERR_OK ||
		    write(w->ack_fd, &c.id, sizeof(c.id)) != sizeof(c.id)) {
			_exit(3);
		}
	}
}

static _Noreturn void writer_main(const char *data_dir, int64_t first, int ack_fd)
{
	struct writer *w = calloc(1, sizeof(*w));

	CHECK(w != NULL);
	memset(w->value, 'k', sizeof(w->value));
	w->next = first;
	w->ack_fd = ack_fd;
	rig_open(&w->rig, data_dir, true);
	for (int i = 0; i < CALLERS; i++) {
		CHECK(task_spawn(w->rig.loop, writer_task, w, DEADLINE_NONE, NULL) == ERR_OK);
	}
	for (;;) {
		loop_run(w->rig.loop);
	}
}

/* ---- the test's process ---- */

struct acks {
	int64_t ids[ACKS_MAX];
	unsigned n;
};

static bool take_ack(int fd, struct acks *a)
{
	int64_t id;
	ssize_t n = read(fd, &id, sizeof(id)); /* writes of 8 bytes to a pipe come whole */

	if (n != sizeof(id)) {
		return false;
	}
	assert_true(a->n < ACKS_MAX);
	a->ids[a->n++] = id;
	return true;
}

/* What ends a writer's life. */
struct fate {
	unsigned ms;	/* after the first answer: kill */
	unsigned calls; /* or, if not 0: loses power at this write or sync */
	bool keep_some;
};

static void use_disk(const struct test_dir *dir, const struct fate *fate)
{
	const struct fault_plan plan = {
		.seed = (uint64_t)fate->calls, .cut_at = fate->calls, .keep_some = fate->keep_some
	};

	fault_disk_new(dir->path, &plan);
	fault_disk_use();
}

static pid_t start_writer(
    const struct test_dir *dir, int64_t first, const struct fate *fate, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		if (fate->calls > 0) {
			use_disk(dir, fate);
		}
		writer_main(dir->path, first, fds[1]);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

/* Runs a writer to its end and takes its last words. */
static void live_and_die(
    const struct test_dir *dir, int64_t first, const struct fate *fate, struct acks *a)
{
	int fd, status;
	pid_t pid = start_writer(dir, first, fate, &fd);

	if (fate->calls == 0) {
		int64_t begun_us;

		assert_true(take_ack(fd, a));
		for (begun_us = clock_mono_us();
		     clock_mono_us() - begun_us < fate->ms * INT64_C(1000);) {
			assert_true(take_ack(fd, a));
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
	}
	while (take_ack(fd, a)) {
	}
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* 1 for each id that is in both tables, -1 if it is only in one. */
static int is_there(sqlite3_stmt *stmt, int64_t id)
{
	int in_both;

	sqlite3_bind_int64(stmt, 1, id);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	in_both = sqlite3_column_int(stmt, 0);
	sqlite3_reset(stmt);
	return in_both;
}

static void check_acks(const struct test_dir *dir, const struct acks *a, unsigned from)
{
	static const char text[] = "SELECT (SELECT count(*) FROM item WHERE id = ?1)"
				   " + (SELECT count(*) FROM journal WHERE item_id = ?1)";
	sqlite3 *db;
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_open_v2(dir->file, &db, SQLITE_OPEN_READONLY, NULL), 0);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	for (unsigned i = from; i < a->n; i++) {
		if (is_there(stmt, a->ids[i]) != 2) {
			fail_msg(
			    "transaction %lld was acknowledged and is lost", (long long)a->ids[i]);
		}
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static void check_sound(const struct test_dir *dir)
{
	assert_int_equal(test_number(dir, "SELECT count(*) = 1 AND max(integrity_check) = 'ok'"
					  " FROM pragma_integrity_check"),
	    1);
	assert_int_equal(test_number(dir, "SELECT (SELECT count(*) FROM item)"
					  " - (SELECT count(*) FROM journal)"),
	    0);
	assert_int_equal(test_number(dir, "SELECT count(*) FROM item WHERE id NOT IN"
					  " (SELECT item_id FROM journal)"),
	    0);
	assert_int_equal(
	    test_number(dir, "SELECT count(*) FROM item WHERE length(value) <> 3000"), 0);
}

static void many_lives(bool lose_power)
{
	struct acks *a = calloc(1, sizeof(*a));
	struct test_dir dir;
	int64_t next = 0;

	assert_non_null(a);
	test_dir_make(&dir);
	for (int round = 0; round < ROUNDS; round++) {
		struct fate fate = { .ms = (unsigned)rng_below(RUN_MS_MAX) };
		unsigned before = a->n;

		if (lose_power) {
			/* The first life makes the tables; later ones may die while they open. */
			fate.calls = 1 + (unsigned)rng_below(CALLS_MAX) + (round == 0 ? 100 : 0);
			fate.keep_some = round % 2 == 1;
		}
		live_and_die(&dir, next, &fate, a);
		check_sound(&dir);
		check_acks(&dir, a, before);
		/* Some that nobody was told of may be there, too: whole ones. */
		next = test_number(&dir, "SELECT coalesce(max(id), -1) + 1 FROM item");
		assert_true(a->n == 0 || next > a->ids[a->n - 1]);
	}
	check_acks(&dir, a, 0);
	assert_true(a->n > ROUNDS);
	print_message("%u transactions acknowledged in %d lives\n", a->n, ROUNDS);
	free(a);
	fault_disk_clean(dir.path);
	test_dir_remove(&dir);
}

static void test_kill_at_any_point_loses_nothing_acknowledged(void **state)
{
	(void)state;
	many_lives(false);
}

static void test_power_loss_at_any_point_loses_nothing_acknowledged(void **state)
{
	(void)state;
	many_lives(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_at_any_point_loses_nothing_acknowledged),
		cmocka_unit_test(test_power_loss_at_any_point_loses_nothing_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
