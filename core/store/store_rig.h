/*
 * A store with its callers in one process and on one loop, for the tests and the benchmark of the
 * store: a real RPC server on a socketpair, callers that are tasks, transaction functions on a
 * small table. Test code only.
 */
#ifndef PLIMSOLL_STORE_STORE_RIG_H
#define PLIMSOLL_STORE_STORE_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/ev/loop.h"
#include "core/ev/task.h"
#include "core/rpc/rpc.h"
#include "core/store/store.h"

/* What a function of the rig does. */
enum rig_mode {
	RIG_PUT,	    /* sets item ID to VALUE and adds a row to the journal: two tables */
	RIG_PUT_THEN_FAIL,  /* the same, then ERR_CONFLICT */
	RIG_PUT_AND_HOOK,   /* the same, with a hook after the commit */
	RIG_PUT_SLOWLY,	    /* burns as many microseconds as VALUE says first */
	RIG_PUT_LONG_REPLY, /* answers more than its row allows */
	RIG_GET,	    /* a read: answers the value of ID */
	RIG_PUT_IN_READ	    /* a read that tries to write */
};

struct rig {
	struct loop *loop;
	struct metric_schema *schema;
	void *block;
	struct metrics *metrics;
	struct store *store;
	struct rpc_server *server;
	struct rpc_pool *pool[2];
	struct store_timing *timing;
	unsigned running;	   /* calls */
	unsigned hooks, functions; /* runs */
};

/* Opens the store in data_dir; with_thread: checkpoints too. Ends the process if it cannot. */
void rig_open(struct rig *r, const char *data_dir, bool with_thread);
void rig_close(struct rig *r);

/* Serves callers of another process, too: fd is one end of a socketpair. */
void rig_serve(struct rig *r, int fd);

/* In that process: a rig that has only callers, on pool 0. It is not closed but exited. */
void rig_open_callers(struct rig *r, int fd);

/* One call; fill in the upper part. */
struct rig_call {
	enum rig_mode mode;
	int64_t id;
	struct slice value;
	int64_t timeout_us;		   /* 0: none but the row's */
	unsigned pool;			   /* 0 or 1 */
	void (*ended)(struct rig_call *c); /* in the task; may be NULL */

	struct rig *rig;
	struct task *task;
	enum err e;
	struct err_note note;
	char reply[64];
};

void rig_start(struct rig *r, struct rig_call *c);

/* Calls from the running task and waits. */
enum err rig_call_now(struct rig *r, struct rig_call *c);

/* Runs the loop until all calls have ended. */
void rig_finish(struct rig *r);

/* One call from start to end. */
enum err rig_do(struct rig *r, enum rig_mode mode, int64_t id, const char *value);

extern const struct migration rig_migrations[];
enum {
	RIG_MIGRATIONS = 1
};
extern const struct sql_table rig_stmts;

#endif
