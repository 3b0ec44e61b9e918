/*
 * The disk that the power-cut tests stand on must itself be right: one thread loses the power while
 * another writes, syncs and tells of it. What was told of is there afterwards; what was never
 * synced is not. Without the first, such tests would report losses that no disk has.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/store/fault_disk.h"
#include "core/store/test_dir.h"

enum {
	ROUNDS = 8,
	BLOCK = 4096,
	LOST_FILES = 8,
	LOST_BLOCKS = 500 /* of each, never synced: the cut takes its time */
};

static const char *const lost_names[LOST_FILES] = { "a", "b", "c", "d", "e", "f", "g", "h" };
static int acks[2]; /* a pipe: numbers of what was synced */

static int open_file(const struct test_dir *dir, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/db/%s", dir->path, name);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	return fd;
}

static void *write_and_tell(void *arg)
{
	int fd = *(int *)arg;

	for (int64_t i = 0;; i++) {
		CHECK(pwrite(fd, &i, sizeof(i), i * BLOCK) == sizeof(i));
		CHECK(fsync(fd) == 0);
		CHECK(write(acks[1], &i, sizeof(i)) == sizeof(i));
	}
	return NULL;
}

static _Noreturn void writers_life(const struct test_dir *dir, unsigned us)
{
	static const char block[BLOCK] = "never synced";
	const struct fault_plan plan = { .seed = us };
	pthread_t thread;
	int lost[LOST_FILES];

	/* All names are on the platter before. */
	for (int i = 0; i < LOST_FILES; i++) {
		lost[i] = open_file(dir, lost_names[i]);
	}
	int told = open_file(dir, "told");
	fault_disk_new(dir->path, &plan);
	fault_disk_use();
	for (int i = 0; i < LOST_FILES * LOST_BLOCKS; i++) {
		off_t at = (off_t)(i / LOST_FILES) * BLOCK;
		CHECK(pwrite(lost[i % LOST_FILES], block, BLOCK, at) == BLOCK);
	}
	CHECK(pthread_create(&thread, NULL, write_and_tell, &told) == 0);
	usleep(us);
	fault_disk_cut();
}

static void check_life(const struct test_dir *dir)
{
	int told = open_file(dir, "told");
	int64_t ack, found;
	struct stat st;

	while (read(acks[0], &ack, sizeof(ack)) == sizeof(ack)) {
		assert_int_equal(pread(told, &found, sizeof(found), ack * BLOCK), sizeof(found));
		assert_int_equal(found, ack);
	}
	close(told);
	for (int i = 0; i < LOST_FILES; i++) {
		int lost = open_file(dir, lost_names[i]);
		assert_int_equal(fstat(lost, &st), 0);
		assert_int_equal(st.st_size, 0);
		close(lost);
	}
}

static void remove_files(const struct test_dir *dir)
{
	char path[160];

	for (int i = 0; i <= LOST_FILES; i++) {
		snprintf(path, sizeof(path), "%s/db/%s", dir->path,
		    i < LOST_FILES ? lost_names[i] : "told");
		unlink(path);
	}
	fault_disk_clean(dir->path);
}

static void test_what_was_synced_while_the_power_went_is_kept(void **state)
{
	struct test_dir dir;

	(void)state;
	test_dir_make(&dir);
	for (unsigned round = 0; round < ROUNDS; round++) {
		int status;

		assert_int_equal(pipe(acks), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(acks[0]);
			writers_life(&dir, 100 + 137 * round);
		}
		close(acks[1]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		check_life(&dir);
		close(acks[0]);
		remove_files(&dir);
	}
	test_dir_remove(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_synced_while_the_power_went_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
