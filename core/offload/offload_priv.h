/*
 * What offload.c (jobs on their way to a helper) and offload_answer.c (answers, words and the end
 * of helpers) share.
 */
#ifndef PLIMSOLL_OFFLOAD_OFFLOAD_PRIV_H
#define PLIMSOLL_OFFLOAD_OFFLOAD_PRIV_H

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/grace/admit.h"
#include "core/offload/offload.h"

enum {
	OFFLOAD_TRIES_MAX = 3
};

struct offload_job {
	struct list node;      /* in idle; else alone */
	struct rpc_request *q; /* NULL: the slot is free */
	uint64_t id;
	unsigned type, helper, tries;
	int64_t cost_us; /* expected when it was sent */
};

struct offload {
	struct offload_setup setup;
	struct rpc_server *server;
	char self[RUN_BYTES];
	bool is_connected;
	bool untold;	 /* callers have not heard the last state */
	int64_t told_us; /* the wait that they have heard */
	struct helpers helpers;
	struct cost_meter cost[JOB_ROWS_MAX];
	struct buf frame; /* scratch */
	struct offload_counts counts;
	struct list idle;
	unsigned n_out;
	struct offload_job jobs[OFFLOAD_JOBS_MAX];
};

/* Replies carry the state now; those who ask nothing hear of news at the end of the round. */
void offload_show(struct offload *o, bool is_news);

/* The job of that id that is out, or NULL. */
struct offload_job *offload_job_of(struct offload *o, uint64_t id);

/*
 * Finds a helper for a job that none has, but not except (-1: any). None takes it: it ends with
 * that error.
 */
void offload_give(struct offload *o, struct offload_job *j, int except, enum err none);

/* Takes it back from its helper. */
void offload_take_back(struct offload *o, struct offload_job *j);

/* Answers its caller; its slot is free afterwards. */
void offload_end(struct offload *o, struct offload_job *j, enum err e, struct slice reply,
    const struct err_note *note);
void offload_end_with(struct offload *o, struct offload_job *j, enum err e, const char *why);

#endif
