/*
 * What the RPC tests share: rows, callers that are tasks, an executor that answers when the test
 * says so, and a raw peer that speaks frames byte by byte. Test code only.
 */
#ifndef PLIMSOLL_RPC_FIXTURE_H
#define PLIMSOLL_RPC_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

#include "core/base/arena.h"
#include "core/ev/loop.h"
#include "core/ev/task.h"
#include "core/rpc/frame.h"
#include "core/rpc/rpc.h"

/* Rows of the test registry; all from web to compute unless they say otherwise. */
enum fixture_row {
	ROW_ECHO,    /* answers its request; idempotent */
	ROW_ONCE,    /* the same, not idempotent */
	ROW_FAIL,    /* ERR_CONFLICT with a text */
	ROW_HUGE,    /* answers more than it may */
	ROW_SPIN,    /* burns the microseconds that the request says, as text */
	ROW_LARGE,   /* echo of up to 1 MiB */
	ROW_COURIER, /* only courier may send it */
	ROW_COUNT
};
enum {
	FIXTURE_MAX = 1000
}; /* max_req and max_rep of the small rows */

extern const struct rpc_registry fixture_registry;
const struct rpc_def *fixture_row(enum fixture_row row);

/* A loop with the calls that run on it. */
struct fixture {
	struct loop *loop;
	unsigned calls; /* not ended yet */
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);

/* One call: fill in the upper half, start it, look at the lower half after fixture_finish(). */
struct fixture_call {
	struct rpc_pool *pool;
	enum fixture_row row;
	struct slice req;
	int64_t deadline_us; /* 0: none */
	uint64_t trace;
	bool ignores_reply; /* else the test resets arena */

	struct fixture *fixture;
	struct task *task;
	bool ended;
	enum err e;
	struct arena arena;
	struct slice reply;
	struct err_note note;
	int64_t took_us;
};

void fixture_start(struct fixture *f, struct fixture_call *c);
/* Runs the loop until all calls have ended. */
void fixture_finish(struct fixture *f);
/* Runs the loop for that long, and until what has been sent by then has arrived. */
void fixture_run_ms(struct fixture *f, uint64_t ms);

enum {
	HOLDER_MAX = 128
};

/* An executor that keeps requests until the test answers them. */
struct holder {
	struct rpc_request *held[HOLDER_MAX];
	unsigned n, cancelled;
};
struct rpc_executor holder_executor(struct holder *h);
/* Answers held[i] with its own payload or an error; the others keep their places. */
void holder_reply(struct holder *h, unsigned i, enum err e);

/* A socketpair; both ends close-on-exec. */
void fixture_pair(int fds[2]);

/* A server of compute with a web caller on fd. */
struct rpc_server *fixture_server(struct fixture *f, const struct rpc_executor *ex, int fd);
struct rpc_pool *fixture_pool(struct fixture *f, unsigned credits);

/* Runs fn(arg) in a child and expects it to die of a failed CHECK. */
void fixture_expect_check(void (*fn)(void *arg), void *arg);

#endif
