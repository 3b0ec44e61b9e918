/*
 * Inside of the store engine: what store.c (queues, life), commit.c (the batch) and metrics.c
 * share.
 */
#ifndef PLIMSOLL_STORE_STORE_PRIV_H
#define PLIMSOLL_STORE_STORE_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/list.h"
#include "core/store/checkpoint.h"
#include "core/store/store.h"

enum {
	STORE_QUEUE_MAX = 1024,	     /* requests waiting; more are refused */
	STORE_BATCH_MAX = 256,	     /* requests per commit, and reads per round of the loop */
	STORE_BATCH_WORK_US = 10000, /* of functions per commit: bounds everybody's wait */
	STORE_ARENA_MAX = 4 * 1024 * 1024, /* bytes a transaction function may allocate */
	STORE_AFTER_MAX = 16		   /* different hooks per batch */
};

/* Sizes of batches are counted in classes: 1, 2-7, 8-31, 32-127, 128 and more. */
enum {
	STORE_SIZE_CLASSES = 5
};

enum store_outcome { /* of a request to a transaction function */
	STORE_COMMITTED,
	STORE_FAILED,  /* the function refused, or the commit failed */
	STORE_REFUSED, /* the queue is full or the wait too long */
	STORE_EXPIRED, /* its deadline passed while it waited */
	STORE_CANCELLED,
	STORE_OUTCOMES
};

/* Where this process counts; written by the loop's thread only. */
struct store_cells {
	_Atomic int64_t *outcome[STORE_OUTCOMES], *batch[STORE_SIZE_CLASSES];
	_Atomic int64_t *reads, *wal_bytes;
	struct hist *commit;
	struct metric_slot *slot; /* NULL: this process has none */
};

/* One request of the running batch. */
struct store_item {
	struct rpc_request *q;
	enum err result;
	struct buf reply;
	struct err_note note;
};

struct store {
	struct loop *loop;
	struct sql_db *db;
	struct checkpointer *checkpointer;
	struct rpc_server *server; /* NULL until store_set_server() */
	struct store_timing *timing;
	void *env;
	struct store_cells cells;
	struct list reads, writes; /* waiting requests, oldest first */
	unsigned n_reads, n_writes;
	int64_t batch_work_us;	    /* STORE_BATCH_WORK_US, but for tests */
	int64_t work_us, commit_us; /* moving averages per request, per commit */
	int64_t wal_bytes;	    /* after the last commit */
	bool read_only;		    /* see store_set_read_only() */
	enum err trouble;	    /* why the last batch failed; ERR_OK: it did not */
	struct store_item batch[STORE_BATCH_MAX];
	unsigned n_batch;
	void (*after[STORE_AFTER_MAX])(void *env);
	unsigned n_after;
};

/*
 * Takes waiting writes up to the limits, runs them, commits, answers them. At least one waits, and
 * the writer is let in by the checkpointer.
 */
void store_commit(struct store *s);

/* Makes sure that all of the log that this start found is on the disk. */
NODISCARD enum err store_settle_log(struct sql_db *db, struct err_note *note);

/* Answers q with an error and no content, and counts it. */
void store_answer_error(struct store *s, struct rpc_request *q, enum err e, enum store_outcome o);

/* Statements of the engine itself: part of every schema. */
extern const struct sql_table store_own_stmts;

/* metrics.c */
void store_cells_find(struct store_cells *c, const struct metrics *m);
struct checkpoint_cells store_checkpoint_cells(const struct metrics *m);
unsigned store_size_class(unsigned n_requests);

#endif
