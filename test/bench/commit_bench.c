/*
 * Group commit, measured: how many durable transactions a second 1, 8 and 64 concurrent callers get
 * out of the real store engine (real RPC, real fsync), and how many of them share an fsync. The
 * callers are tasks in two other processes, as web's are. A transaction writes two small rows,
 * nothing is hashed.
 *
 *	commit_bench [FOLDER [SECONDS]]      the disk below FOLDER (default /tmp) is the one
 *measured
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/store_priv.h"
#include "core/store/store_rig.h"

enum {
	PROCESSES_MAX = 2,
	ITEMS = 100000
};

/* ---- a process of callers ---- */

struct result {
	int64_t n;
	struct hist latency;
};

struct callers {
	struct rig rig;
	struct result result;
	int64_t end_us;
	unsigned left;
	uint64_t seed;
};

/* A caller: the next transaction as soon as the last is answered. */
static void caller_task(void *arg)
{
	static const char value[100] = "a value of one hundred bytes";
	struct callers *c = arg;

	while (clock_mono_us() < c->end_us) {
		struct rig_call call = { .mode = RIG_PUT, .value = SLICE_OF(value, 100) };
		int64_t begun_us = clock_mono_us();

		c->seed = c->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		call.id = (int64_t)((c->seed >> 33) % ITEMS);
		CHECK(rig_call_now(&c->rig, &call) == ERR_OK);
		hist_record(&c->result.latency, clock_mono_us() - begun_us);
		c->result.n++;
	}
	if (--c->left == 0) {
		loop_stop(c->rig.loop);
	}
}

static _Noreturn void callers_main(int fd, int result_fd, unsigned n, double seconds)
{
	struct callers *c = calloc(1, sizeof(*c));

	CHECK(c != NULL);
	rig_open_callers(&c->rig, fd);
	c->seed = (uint64_t)getpid();
	c->left = n;
	c->end_us = clock_mono_us() + (int64_t)(seconds * 1e6);
	for (unsigned i = 0; i < n; i++) {
		CHECK(task_spawn(c->rig.loop, caller_task, c, DEADLINE_NONE, NULL) == ERR_OK);
	}
	while (c->left > 0) {
		loop_run(c->rig.loop);
	}
	CHECK(write(result_fd, &c->result, sizeof(c->result)) == sizeof(c->result));
	_exit(0);
}

/* ---- the store's process ---- */

struct bench {
	struct rig rig;
	unsigned running; /* processes of callers */
	double seconds;
};

static void reap(void *arg)
{
	struct bench *b = arg;
	int status;

	while (b->running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		b->running--;
	}
	if (b->running == 0) {
		loop_stop(b->rig.loop);
	}
}

/* Starts a process of n callers; what it has measured can be read from the result. */
static int start_callers(struct bench *b, unsigned n)
{
	int line[2], out[2];
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, line) == 0);
	CHECK(pipe(out) == 0);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(line[0]);
		close(out[0]);
		callers_main(line[1], out[1], n, b->seconds);
	}
	close(line[1]);
	close(out[1]);
	rig_serve(&b->rig, line[0]);
	b->running++;
	return out[0];
}

static int64_t count_commits(const struct bench *b)
{
	int64_t n = 0;

	for (unsigned i = 0; i < STORE_SIZE_CLASSES; i++) {
		n += metric_get(b->rig.store->cells.batch[i]);
	}
	return n;
}

static void measure(struct bench *b, unsigned callers)
{
	unsigned processes = callers < PROCESSES_MAX ? callers : PROCESSES_MAX;
	int64_t commits = count_commits(b), cpu_us = clock_cpu_us(), begun_us = clock_mono_us();
	struct result all = { 0 }, one;
	int fd[PROCESSES_MAX];
	double took_s, n;

	for (unsigned i = 0; i < processes; i++) {
		fd[i] = start_callers(b, callers / processes);
	}
	while (b->running > 0) {
		loop_run(b->rig.loop);
	}
	took_s = (double)(clock_mono_us() - begun_us) / 1e6;
	for (unsigned i = 0; i < processes; i++) {
		CHECK(read(fd[i], &one, sizeof(one)) == sizeof(one));
		close(fd[i]);
		all.n += one.n;
		hist_merge(&all.latency, &one.latency);
	}
	commits = count_commits(b) - commits;
	cpu_us = clock_cpu_us() - cpu_us;
	n = (double)all.n;
	printf("%7u %12.0f %11.0f %15.1f %8.2f %8.2f %17.1f\n", callers, n / took_s,
	    (double)commits / took_s, n / (double)commits,
	    (double)hist_quantile_us(&all.latency, 0.5) / 1e3,
	    (double)hist_quantile_us(&all.latency, 0.99) / 1e3, (double)cpu_us / n);
}

static void remove_files(const char *folder)
{
	static const char *const names[] = { "db/plimsoll.db", "db/plimsoll.db-wal",
		"db/plimsoll.db-shm", "db", "" };
	char path[STORE_PATH_MAX + 32];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (remove(path) != 0) {
			perror(path);
		}
	}
}

int main(int argc, char **argv)
{
	static const unsigned callers[] = { 1, 8, 64 };
	struct bench *b = calloc(1, sizeof(*b));
	char folder[STORE_PATH_MAX];

	CHECK(b != NULL);
	b->seconds = argc > 2 ? strtod(argv[2], NULL) : 3;
	CHECK(b->seconds > 0);
	snprintf(folder, sizeof(folder), "%s/plimsoll-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	rig_open(&b->rig, folder, true);
	loop_every(b->rig.loop, 5, reap, b);
	printf("durable transactions of two rows, callers in %d processes, %.0f s each, in %s\n",
	    PROCESSES_MAX, b->seconds, argc > 1 ? argv[1] : "/tmp");
	printf(
	    "callers   requests/s   commits/s  requests/fsync   p50 ms   p99 ms  store CPU us/req\n");
	for (unsigned i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		measure(b, callers[i]);
	}
	rig_close(&b->rig);
	remove_files(folder);
	free(b);
	return 0;
}
