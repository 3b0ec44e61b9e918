/*
 * The server's end: stands for the compute processes of other machines. What web asks of compute
 * and gives to us goes to the least loaded helper and its answer comes back; callers see a callee
 * whose queue state is that of the best helper, and that is closed when there is none, so they
 * choose between this machine's processes and all others as they choose between processes.
 *
 * Refusal is the same as here: a job whose expected wait ends behind its deadline is refused at
 * once, a helper that is full says so at once (then another is tried). A helper that is lost costs
 * its jobs only: they go to another one if their row is idempotent, else their outcome is unknown.
 *
 * Knows nothing of NATS: publish() sends, offload_message() receives. On the loop only.
 */
#ifndef PLIMSOLL_OFFLOAD_OFFLOAD_H
#define PLIMSOLL_OFFLOAD_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/offload/helpers.h"
#include "core/offload/job_rows.h"
#include "core/rpc/rpc.h"

enum {
	OFFLOAD_JOBS_MAX = 4096, /* out at once, at all helpers */
};

/* Sends; an error: it has not left. reply: the subject for an answer. */
typedef enum err offload_publish_fn(
    void *arg, const char *subject, const char *reply, struct slice payload);

struct offload_counts {
	uint64_t sent;	    /* jobs given to a helper, each time */
	uint64_t answered;  /* by a helper, whatever it said, but for the next */
	uint64_t busy;	    /* refused: by a helper, or here because none could do it in time */
	uint64_t again;	    /* given to another helper after the first was busy or lost */
	uint64_t lost;	    /* their helper, or the connection, was gone */
	uint64_t cancelled; /* the caller gave up: late, or its client left */
	uint64_t bad;	    /* messages that were none of ours, or answers nobody waits for */
	uint64_t helpers_lost;
};

struct offload;

/* What it works with: all is kept. */
struct offload_setup {
	struct loop *loop;
	const struct job_rows *rows;
	const char *prefix;
	offload_publish_fn *publish;
	void *arg;
};

NODISCARD enum err offload_new(const struct offload_setup *setup, struct offload **ret);
/* No request may be in flight. */
void offload_free(struct offload **o);

/* For rpc_server_new(); then tell it the server, before requests come. */
struct rpc_executor offload_executor(struct offload *o);
void offload_set_server(struct offload *o, struct rpc_server *s);

/* Subjects to listen on: helpers' words, and answers. */
void offload_subjects(
    const struct offload *o, char helpers[SUBJECT_BYTES], char answers[SUBJECT_BYTES]);

/* A message on one of them. nobody: what was sent with that reply subject found no helper. */
void offload_message(struct offload *o, struct slice subject, struct slice payload, bool nobody);

/* The connection is there, or gone: then all jobs are lost and nobody is known. */
void offload_connected(struct offload *o, bool is_connected);

/* Some times a second: forgets the silent. */
void offload_tick(struct offload *o);

/* At the end of a round of the loop: tells callers what has changed. */
void offload_tell(struct offload *o);

struct offload_counts offload_counts(const struct offload *o);
struct helpers_count offload_helpers(const struct offload *o);
unsigned offload_out(const struct offload *o);
/* Expected, of a new job at the best helper; RPC_WAIT_CLOSED: there is none. */
int64_t offload_wait_us(const struct offload *o);

#endif
