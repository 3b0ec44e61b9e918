/*
 * Readers that may write nothing: under Landlock, as web processes are, and as another user, as
 * they may be. They must see every commit, and come through an orderly restart of the store, a kill
 * of it, and its absence, with the connection they have.
 *
 * Writers and readers are processes of their own that do one step per byte they are sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/store/sql.h"
#include "core/store/test_dir.h"

enum {
	NOBODY = 65534,
	KILLS = 15
};

static const struct sql_stmt read_value = { .name = "test.read",
	.text = "SELECT value FROM counter WHERE id = 1" };
static const struct sql_stmt add_one = { .name = "test.add",
	.text = "INSERT INTO counter (id, value) VALUES (1, 1)"
		" ON CONFLICT (id) DO UPDATE SET value = counter.value + 1",
	.flags = SQL_WRITES };
static const struct migration schema = { 1,
	"CREATE TABLE counter (id BIGINT PRIMARY KEY, value BIGINT)" };

enum protection {
	PROTECT_LANDLOCK,
	PROTECT_USER
};

/* ---- in the processes ---- */

static void deny_all_writing(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE |
								   LANDLOCK_ACCESS_FS_MAKE_REG |
								   LANDLOCK_ACCESS_FS_REMOVE_FILE };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	CHECK(ruleset >= 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(syscall(SYS_landlock_restrict_self, ruleset, 0) == 0);
}

static int64_t value_of(struct sql_db *db, enum err *ret_e)
{
	struct err_note note = { 0 };
	struct sql_query *q;
	int64_t n = 0;

	*ret_e = sql_begin(db, &read_value, &q, &note);
	if (*ret_e == ERR_OK) {
		*ret_e = sql_step(q);
		n = *ret_e == ERR_OK ? sql_col_i64(q, 0) : 0;
		sql_end(q);
	}
	return n;
}

struct answer {
	int64_t value;
	int32_t e; /* enum err */
};

/* Opens at the first byte; reads once per byte. */
static void reader_main(const struct test_dir *dir, enum protection p, int fd)
{
	struct sql_db *db = NULL;
	char step;

	if (p == PROTECT_LANDLOCK) {
		deny_all_writing();
	} else {
		CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
		CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	}
	CHECK(open(dir->file, O_RDWR | O_CLOEXEC) < 0); /* the protection works */
	while (read(fd, &step, 1) == 1) {
		struct answer a = { 0, ERR_OK };
		enum err e = db == NULL ? sql_open(dir->file, SQL_READ_ONLY, &db, NULL) : ERR_OK;

		if (e == ERR_OK) {
			a.value = value_of(db, &e);
		}
		a.e = (int32_t)e;
		CHECK(write(fd, &a, sizeof(a)) == sizeof(a));
	}
	sql_close(&db);
}

static void add(struct sql_db *db)
{
	struct sql_query *q;

	CHECK(sql_begin(db, &add_one, &q, NULL) == ERR_OK);
	CHECK(sql_step(q) == ERR_END);
	sql_end(q);
}

/* Adds one per byte 'w'; 'f' adds for ever; closes and ends at the end of the pipe. */
static void writer_main(const struct test_dir *dir, int fd)
{
	struct sql_db *db = NULL;
	struct answer a = { 0, ERR_OK };
	char step;

	CHECK(sql_open(dir->file, SQL_READ_WRITE, &db, NULL) == ERR_OK);
	CHECK(sql_migrate(db, "test", &schema, 1, NULL) == ERR_OK);
	while (read(fd, &step, 1) == 1) {
		do {
			add(db);
		} while (step == 'f');
		CHECK(write(fd, &a, sizeof(a)) == sizeof(a));
	}
	sql_close(&db);
}

/* ---- in the test ---- */

struct process {
	pid_t pid;
	int fd;
};

static int inherited[8]; /* ends of other children's sockets, to be closed in a new child */
static unsigned n_inherited;

static struct process start(void)
{
	struct process p = { -1, -1 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (p.pid == 0) {
		for (unsigned i = 0; i < n_inherited; i++) {
			close(inherited[i]);
		}
		close(fds[0]);
		p.fd = fds[1];
		return p;
	}
	close(fds[1]);
	p.fd = fds[0];
	assert_true(n_inherited < 8);
	inherited[n_inherited++] = p.fd;
	return p;
}

static struct process start_reader(const struct test_dir *dir, enum protection how)
{
	struct process p = start();

	if (p.pid == 0) {
		reader_main(dir, how, p.fd);
		_exit(0);
	}
	return p;
}

static struct process start_writer(const struct test_dir *dir)
{
	struct process p = start();

	if (p.pid == 0) {
		writer_main(dir, p.fd);
		_exit(0);
	}
	return p;
}

static struct answer ask(struct process p, char step)
{
	struct answer a = { 0, ERR_OK };

	assert_int_equal(write(p.fd, &step, 1), 1);
	assert_int_equal(read(p.fd, &a, sizeof(a)), sizeof(a));
	return a;
}

static void forget(struct process *p)
{
	for (unsigned i = 0; i < n_inherited; i++) {
		if (inherited[i] == p->fd) {
			inherited[i] = inherited[--n_inherited];
		}
	}
	close(p->fd);
}

static void end(struct process *p)
{
	int status;

	forget(p);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void kill_now(struct process *p)
{
	int status;

	assert_int_equal(kill(p->pid, SIGKILL), 0);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_true(WIFSIGNALED(status));
	forget(p);
}

static void expect(struct process reader, int64_t value)
{
	struct answer a = ask(reader, 'r');

	assert_int_equal(a.e, ERR_OK);
	assert_int_equal(a.value, value);
}

/* The other user needs to reach the files; the store itself makes them 0600. */
static void open_to_all(const struct test_dir *dir)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[192];

	assert_int_equal(chmod(dir->path, 0755), 0);
	snprintf(name, sizeof(name), "%s/db", dir->path);
	assert_int_equal(chmod(name, 0755), 0);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", dir->file, ends[i]);
		assert_int_equal(chmod(name, 0644), 0);
	}
}

static bool can_protect(enum protection how)
{
	return how == PROTECT_USER ? geteuid() == 0
				   : syscall(SYS_landlock_create_ruleset, NULL, 0,
					 LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static void reader_lives_through_all(enum protection how)
{
	struct test_dir dir;
	struct process reader, late, w;

	if (!can_protect(how)) {
		skip();
	}
	test_dir_make(&dir);
	w = start_writer(&dir);
	ask(w, 'w');
	if (how == PROTECT_USER) {
		open_to_all(&dir);
	}
	reader = start_reader(&dir, how);
	expect(reader, 1);
	ask(w, 'w');
	expect(reader, 2);
	end(&w); /* orderly */
	expect(reader, 2);
	w = start_writer(&dir);
	ask(w, 'w');
	expect(reader, 3);
	kill_now(&w);
	expect(reader, 3);
	late = start_reader(&dir, how); /* its first look is while there is no store */
	expect(late, 3);
	w = start_writer(&dir);
	ask(w, 'w');
	expect(reader, 4);
	expect(late, 4);
	end(&reader);
	end(&late);
	end(&w);
	test_dir_remove(&dir);
}

static void test_reader_under_landlock_lives_through_all(void **state)
{
	(void)state;
	reader_lives_through_all(PROTECT_LANDLOCK);
}

static void test_reader_of_another_user_lives_through_all(void **state)
{
	(void)state;
	reader_lives_through_all(PROTECT_USER);
}

static void test_reader_alone_after_everybody_left(void **state)
{
	struct test_dir dir;
	struct process reader, w;

	(void)state;
	if (!can_protect(PROTECT_LANDLOCK)) {
		skip();
	}
	test_dir_make(&dir);
	for (int round = 1; round <= 2; round++) { /* orderly, then killed */
		w = start_writer(&dir);
		ask(w, 'w');
		if (round == 1) {
			end(&w);
		} else {
			kill_now(&w);
		}
		reader = start_reader(&dir, PROTECT_LANDLOCK);
		expect(reader, round);
		expect(reader, round);
		w = start_writer(&dir); /* opens while the reader has an index of its own */
		expect(reader, round);
		end(&w);
		end(&reader);
	}
	test_dir_remove(&dir);
}

static void test_reader_before_the_first_start(void **state)
{
	struct test_dir dir;
	struct process reader, w;

	(void)state;
	if (!can_protect(PROTECT_LANDLOCK)) {
		skip();
	}
	test_dir_make(&dir);
	reader = start_reader(&dir, PROTECT_LANDLOCK);
	/* It cannot check its protection by a file that is not there; opening fails either way. */
	assert_int_equal(ask(reader, 'r').e, ERR_NOT_FOUND);
	w = start_writer(&dir);
	ask(w, 'w');
	expect(reader, 1);
	end(&reader);
	end(&w);
	test_dir_remove(&dir);
}

/* Reads all the time while writers are killed in the middle of writing. */
static void test_reads_while_writers_are_killed(void **state)
{
	struct test_dir dir;
	struct process reader, w;
	int64_t last = 0;
	unsigned good = 0;

	(void)state;
	if (!can_protect(PROTECT_LANDLOCK)) {
		skip();
	}
	test_dir_make(&dir);
	w = start_writer(&dir);
	ask(w, 'w');
	reader = start_reader(&dir, PROTECT_LANDLOCK);
	for (int i = 0; i < KILLS; i++) {
		int64_t until_us = clock_mono_us() + 15000;

		assert_int_equal(write(w.fd, "f", 1), 1);
		while (clock_mono_us() < until_us) {
			struct answer a = ask(reader, 'r');

			/* Between a kill and the recovery it may have to wait, nothing else. */
			assert_true(a.e == ERR_OK || a.e == ERR_LOCKED);
			assert_true(a.e != ERR_OK || a.value >= last);
			last = a.e == ERR_OK ? a.value : last;
			good += a.e == ERR_OK;
		}
		kill_now(&w);
		w = start_writer(&dir);
		ask(w, 'w');
		assert_int_equal(ask(reader, 'r').e, ERR_OK);
	}
	print_message("%u reads, %lld commits, %d kills\n", good, (long long)last, KILLS);
	end(&reader);
	end(&w);
	test_dir_remove(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_under_landlock_lives_through_all),
		cmocka_unit_test(test_reader_of_another_user_lives_through_all),
		cmocka_unit_test(test_reader_alone_after_everybody_left),
		cmocka_unit_test(test_reader_before_the_first_start),
		cmocka_unit_test(test_reads_while_writers_are_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
