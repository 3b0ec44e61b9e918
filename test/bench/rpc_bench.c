/*
 * What a call between two roles costs: round trips per second and CPU microseconds per call at both
 * ends, with 1, 8 and 64 callers at once. The callee is a forked process that echoes on its loop;
 * a request and a reply carry 100 bytes. Optional argument: seconds per figure (2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/rpc/rpc.h"

enum {
	PAYLOAD_BYTES = 100,
	MAX_CALLERS = 64
};

static enum err echo(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)note;
	buf_append_slice(reply, req);
	return ERR_OK;
}

static const struct rpc_def row = {
	.name = "bench.echo",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = PAYLOAD_BYTES,
	.max_rep = PAYLOAD_BYTES,
	.deadline_ms = 10000,
	.cost_us = 1,
	.flags = RPC_IDEMPOTENT,
	.handle = echo,
};
static const struct rpc_def *const rows[] = { &row };
static const struct rpc_registry registry = { rows, 1 };

static void callee_gone(void *arg)
{
	struct rpc_server *s = *(struct rpc_server **)arg;

	if (rpc_server_stats(s).peers_lost > 0) {
		_exit(0);
	}
}

/* The forked process; ends when the caller does. */
static _Noreturn void callee_main(int fd)
{
	const struct rpc_executor on_loop = { 0 };
	struct rpc_server *s = NULL;
	struct loop *l = NULL;

	CHECK(loop_open(1, &l) == ERR_OK);
	CHECK(rpc_server_new(l, &registry, ROLE_SIGNER, &on_loop, &s) == ERR_OK);
	CHECK(rpc_server_add(s, ROLE_WEB, fd) == ERR_OK);
	loop_every(l, 10, callee_gone, &s);
	loop_run(l);
	_exit(1);
}

struct bench {
	struct loop *loop;
	struct rpc_pool *pool;
	int64_t end_us;
	unsigned callers;
	uint64_t calls;
};

static void caller_main(void *arg)
{
	static const char payload[PAYLOAD_BYTES];
	struct bench *b = arg;
	struct arena arena = arena_new(4096);

	while (loop_now_us(b->loop) < b->end_us) {
		struct slice reply;
		CHECK(rpc_call(b->pool, &row, SLICE_OF(payload, sizeof(payload)), DEADLINE_NONE, 1,
			  &arena, &reply, NULL) == ERR_OK);
		CHECK(reply.len == sizeof(payload));
		arena_reset(&arena);
		b->calls++;
	}
	if (--b->callers == 0) {
		loop_stop(b->loop);
	}
}

static int64_t cpu_of_children_us(void)
{
	struct rusage u;

	CHECK(getrusage(RUSAGE_CHILDREN, &u) == 0);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

static void measure(unsigned callers, int64_t seconds)
{
	struct bench b = { .callers = callers };
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		callee_main(fds[1]);
	}
	close(fds[1]);
	CHECK(loop_open(MAX_CALLERS, &b.loop) == ERR_OK);
	CHECK(
	    rpc_pool_new(b.loop, &registry, ROLE_WEB, ROLE_SIGNER, MAX_CALLERS, &b.pool) == ERR_OK);
	CHECK(rpc_pool_add(b.pool, 0, fds[0]) == ERR_OK);
	int64_t begin_us = clock_mono_us(), cpu_us = clock_cpu_us();
	int64_t callee_us = cpu_of_children_us();
	b.end_us = begin_us + seconds * 1000000;
	for (unsigned i = 0; i < callers; i++) {
		CHECK(task_spawn(b.loop, caller_main, &b, DEADLINE_NONE, NULL) == ERR_OK);
	}
	loop_run(b.loop);
	cpu_us = clock_cpu_us() - cpu_us;
	int64_t took_us = clock_mono_us() - begin_us;
	rpc_pool_free(&b.pool);
	loop_close(&b.loop);
	CHECK(waitpid(pid, NULL, 0) == pid);
	callee_us = cpu_of_children_us() - callee_us;
	double calls = (double)b.calls;
	printf("%2u callers: %8.0f calls/s, %6.1f us round trip, CPU per call %5.2f us "
	       "caller, %5.2f us callee\n",
	    callers, calls * 1e6 / (double)took_us, (double)took_us * callers / calls,
	    (double)cpu_us / calls, (double)callee_us / calls);
}

int main(int argc, char **argv)
{
	static const unsigned callers[] = { 1, 8, MAX_CALLERS };
	int64_t seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 2;

	CHECK(seconds > 0);
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		measure(callers[i], seconds);
	}
	return 0;
}
