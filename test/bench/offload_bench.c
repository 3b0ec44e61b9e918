/*
 * What a further compute machine brings, without its processors: a job is a sleep of known length,
 * so machines do not take processors from each other and one computer can stand for many. A server
 * with one compute process, and 0 to 3 helpers with one each, all processes of their own, over a
 * real nats-server on loopback: offload_bench NATS_URL [SECONDS = 4] prints jobs per second and
 * what they are of so many times one. test/bench/grace/helpers.mjs starts the nats-server.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/offload/lend.h"
#include "core/offload/nats/nats_link.h"
#include "core/offload/offload.h"
#include "core/rpc/worker.h"

enum {
	JOB_US = 20000, /* about a bcrypt of cost 9 */
	CALLERS = 32,
	CREDITS = 64,
	TASKS = 512,
	MACHINES = 4, /* the server's and helpers */
	SETTLE_MS = 1500,
	TICK_MS = 50
};

static enum err work(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct timespec nap = { .tv_nsec = JOB_US * 1000L };

	(void)role_state;
	(void)info;
	(void)note;
	(void)nanosleep(&nap, NULL);
	buf_append_slice(reply, req);
	return ERR_OK;
}

static const struct rpc_def row = { .name = "bench.sleep",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_COMPUTE,
	.max_req = 1024,
	.max_rep = 1024,
	.deadline_ms = 20000,
	.cost_us = JOB_US,
	.flags = RPC_IDEMPOTENT,
	.handle = work };
static const struct rpc_def *const list[] = { &row };
static const struct rpc_registry registry = { list, 1 };

static struct nats_settings settings = { .user = "", .prefix = "bench" };
static struct nats_files files;

/* ---- a compute process ---- */

static _Noreturn void be_compute(int fd)
{
	struct loop *l = NULL;
	struct rpc_worker *worker = NULL;
	struct rpc_server *server = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CHECK(loop_open(TASKS, &l) == ERR_OK);
	CHECK(rpc_worker_new(l, &registry, NULL, 128, NULL, NULL, &worker) == ERR_OK);
	const struct rpc_executor executor = rpc_worker_executor(worker);
	CHECK(rpc_server_new(l, &registry, ROLE_COMPUTE, &executor, &server) == ERR_OK);
	rpc_worker_set_server(worker, server);
	CHECK(rpc_server_add(server, ROLE_WEB, fd) == ERR_OK);
	CHECK(rpc_worker_start(worker) == ERR_OK);
	loop_run(l);
	_exit(0);
}

/* A pool with one compute process, forked before this process has threads. */
static struct rpc_pool *with_compute(struct loop *l, int fd)
{
	struct rpc_pool *pool = NULL;

	CHECK(rpc_pool_new(l, &registry, ROLE_WEB, ROLE_COMPUTE, CREDITS, &pool) == ERR_OK);
	CHECK(rpc_pool_add(pool, 0, fd) == ERR_OK);
	return pool;
}

static int fork_compute(void)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		be_compute(pair[1]);
	}
	close(pair[1]);
	return pair[0];
}

/* ---- the two ends ---- */

struct end {
	struct loop *loop;
	struct job_rows rows;
	struct nats_link *link;
	struct lend *lend;
	struct offload *offload;
	char subject[2][SUBJECT_BYTES];
};

static enum err publish(void *arg, const char *subject, const char *reply, struct slice payload)
{
	struct end *e = arg;

	return e->link == NULL ? ERR_PEER_GONE
			       : nats_link_publish(e->link, subject, reply, payload);
}

static void on_message(
    void *arg, struct slice subject, struct slice reply, struct slice payload, bool nobody)
{
	struct end *e = arg;

	if (e->offload != NULL) {
		offload_message(e->offload, subject, payload, nobody);
	} else {
		lend_message(e->lend, reply, payload);
	}
}

static void on_state(void *arg, bool is_connected, const char *why)
{
	struct end *e = arg;

	if (!is_connected) {
		fprintf(stderr, "offload_bench: %s\n", why);
	}
	if (e->offload != NULL) {
		offload_connected(e->offload, is_connected);
	}
}

static void open_link(struct end *e)
{
	static const struct nats_link_ops ops = { .message = on_message, .state = on_state };
	const struct nats_link_setup setup = { .loop = e->loop,
		.settings = &settings,
		.files = &files,
		.name = "bench",
		.subject = { e->subject[0], e->subject[1][0] == '\0' ? NULL : e->subject[1] },
		.message_max = e->rows.frame_max,
		.ops = &ops,
		.arg = e };

	CHECK(nats_link_open(&setup, &e->link) == ERR_OK);
}

static void on_announce(void *arg)
{
	lend_announce(((struct end *)arg)->lend);
}

static _Noreturn void be_helper(unsigned number)
{
	struct end *e = calloc(1, sizeof(*e));
	char name[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	const int fd = fork_compute();
	CHECK(e != NULL && loop_open(TASKS, &e->loop) == ERR_OK);
	job_rows_init(&e->rows, &registry, "bench");
	snprintf(name, sizeof(name), "h%u", number);
	const struct lend_setup setup = { .loop = e->loop,
		.rows = &e->rows,
		.compute = with_compute(e->loop, fd),
		.prefix = settings.prefix,
		.name = name,
		.jobs_per_process = CREDITS,
		.publish = publish,
		.arg = e };
	CHECK(lend_new(&setup, &e->lend) == ERR_OK);
	lend_subject(e->lend, e->subject[0]);
	loop_every(e->loop, ANNOUNCE_EVERY_MS, on_announce, e);
	open_link(e);
	loop_run(e->loop);
	_exit(0);
}

/* ---- the server ---- */

struct server {
	struct end end;
	struct rpc_server *callee;
	struct rpc_pool *pool;
	int64_t from_us, until_us;
	unsigned long done, failed;
	unsigned callers;
};

static void caller(void *arg)
{
	struct server *s = arg;
	struct arena arena = arena_new(64 * 1024);
	int64_t now_us;

	while ((now_us = clock_mono_us()) < s->until_us) {
		struct err_note note = { 0 };
		struct slice reply = SLICE_EMPTY;
		enum err e =
		    rpc_call(s->pool, &row, SLICE("x"), DEADLINE_NONE, 1, &arena, &reply, &note);
		const bool counts = now_us >= s->from_us && clock_mono_us() <= s->until_us;
		s->done += counts && e == ERR_OK;
		s->failed += e != ERR_OK;
		arena_reset(&arena);
	}
	if (--s->callers == 0) {
		loop_stop(s->end.loop);
	}
}

static void on_round(void *arg)
{
	offload_tell(((struct end *)arg)->offload);
}

static void on_tick(void *arg)
{
	offload_tick(((struct end *)arg)->offload);
}

static struct server *server_new(int local)
{
	struct server *s = calloc(1, sizeof(*s));
	int pair[2];

	CHECK(s != NULL && loop_open(TASKS, &s->end.loop) == ERR_OK);
	job_rows_init(&s->end.rows, &registry, "bench");
	const struct offload_setup setup = { .loop = s->end.loop,
		.rows = &s->end.rows,
		.prefix = settings.prefix,
		.publish = publish,
		.arg = &s->end };
	CHECK(offload_new(&setup, &s->end.offload) == ERR_OK);
	const struct rpc_executor executor = offload_executor(s->end.offload);
	CHECK(
	    rpc_server_new(s->end.loop, &registry, ROLE_COMPUTE, &executor, &s->callee) == ERR_OK);
	offload_set_server(s->end.offload, s->callee);
	offload_subjects(s->end.offload, s->end.subject[0], s->end.subject[1]);
	s->pool = with_compute(s->end.loop, local);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	CHECK(rpc_server_add(s->callee, ROLE_WEB, pair[1]) == ERR_OK);
	CHECK(rpc_pool_add(s->pool, RPC_ELSEWHERE, pair[0]) == ERR_OK);
	loop_on_check(s->end.loop, on_round, &s->end);
	loop_every(s->end.loop, TICK_MS, on_tick, &s->end);
	open_link(&s->end);
	return s;
}

/* Runs in a process of its own, which ends with it. Jobs per second to the pipe. */
static _Noreturn void be_server(int out, long seconds)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct server *s = server_new(fork_compute());

	s->from_us = clock_mono_us() + SETTLE_MS * 1000;
	s->until_us = s->from_us + seconds * 1000000;
	s->callers = CALLERS;
	for (unsigned i = 0; i < CALLERS; i++) {
		CHECK(task_spawn(s->end.loop, caller, s, DEADLINE_NONE, NULL) == ERR_OK);
	}
	loop_run(s->end.loop);
	const double rates[2] = { (double)s->done / (double)seconds, (double)s->failed };
	CHECK(write(out, rates, sizeof(rates)) == (ssize_t)sizeof(rates));
	_exit(0);
}

static void measure(unsigned helpers, long seconds, double ret[2])
{
	pid_t pid[MACHINES];
	int out[2];

	CHECK(pipe(out) == 0);
	fflush(stdout);
	for (unsigned i = 0; i <= helpers; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0 && i == 0) {
			be_server(out[1], seconds);
		} else if (pid[i] == 0) {
			be_helper(i);
		}
	}
	CHECK(read(out[0], ret, 2 * sizeof(*ret)) == (ssize_t)(2 * sizeof(*ret)));
	for (unsigned i = 0; i <= helpers; i++) {
		kill(pid[i], SIGKILL);
		CHECK(waitpid(pid[i], NULL, 0) == pid[i]);
	}
	close(out[0]);
	close(out[1]);
}

int main(int argc, char **argv)
{
	const long seconds = argc > 2 ? strtol(argv[2], NULL, 10) : 4;
	double alone[2] = { 0 }, with[2] = { 0 };

	if (argc < 2) {
		printf("offload_bench: see test/bench/grace/helpers.mjs\n");
		return 0;
	}
	CHECK(seconds > 0 && strlen(argv[1]) < NATS_URL_BYTES);
	snprintf(settings.url[0], NATS_URL_BYTES, "%s", argv[1]);
	settings.n_urls = 1;
	printf("jobs of %d ms, one compute process on each machine\n", JOB_US / 1000);
	measure(0, seconds, alone);
	printf("  machines 1  jobs/s %6.1f  failed %.0f\n", alone[0], alone[1]);
	for (unsigned n = 1; n < MACHINES; n++) {
		measure(n, seconds, with);
		printf("  machines %u  jobs/s %6.1f  failed %.0f  %.3f x one\n", n + 1, with[0],
		    with[1], with[0] / alone[0]);
	}
	return 0;
}
