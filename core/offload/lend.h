/*
 * The helper's end: has the jobs that servers send done by the compute processes of this machine,
 * and tells all servers how it is. Jobs wait where they always do, in the processes' own queues,
 * which refuse what could not be done in time; a job beyond what we may hold is refused here, at
 * once.
 *
 * Knows nothing of NATS: publish() sends, lend_message() receives. On the loop only; each job waits
 * in a task.
 */
#ifndef PLIMSOLL_OFFLOAD_LEND_H
#define PLIMSOLL_OFFLOAD_LEND_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/offload/announce.h"
#include "core/offload/job_rows.h"
#include "core/rpc/rpc.h"

/* Sends; reply NULL: nobody need answer. */
typedef enum err lend_publish_fn(
    void *arg, const char *subject, const char *reply, struct slice payload);

/* What it works with: all is kept. */
struct lend_setup {
	struct loop *loop;
	const struct job_rows *rows;
	struct rpc_pool *compute;
	const char *prefix, *name;
	unsigned jobs_per_process; /* held at once */
	lend_publish_fn *publish;
	void *arg;
};

struct lend_counts {
	uint64_t jobs, refused, bad; /* begun; at once; messages that were no jobs */
	unsigned out;
};

struct lend;

NODISCARD enum err lend_new(const struct lend_setup *setup, struct lend **ret);
/* No job may be out. */
void lend_free(struct lend **l);

/* The subject to listen on. */
void lend_subject(const struct lend *l, char out[SUBJECT_BYTES]);

/* A message on it; reply is where the answer goes. */
void lend_message(struct lend *l, struct slice reply, struct slice payload);

/* Tells all servers how it is; every ANNOUNCE_EVERY_MS. */
void lend_announce(struct lend *l);

/*
 * Leaves: tells everybody, and refuses from now on. done(arg) is called once, from the loop, when
 * all jobs are answered and whoever had not heard of it has been told, too.
 */
void lend_drain(struct lend *l, void (*done)(void *arg), void *arg);

struct lend_counts lend_counts(const struct lend *l);

#endif
