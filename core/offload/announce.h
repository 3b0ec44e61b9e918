/*
 * What servers and helpers call each other by on NATS, and what a helper says of itself.
 *
 *	PREFIX.helper.NAME.RUN   a helper's state, four times a second, for all servers
 *	PREFIX.job.NAME.RUN      jobs for that helper; the reply subject is one of the next
 *	PREFIX.answer.SERVER.JOB the answer to that server's job
 *
 * RUN and SERVER are random, new at each start; JOB is random, too, so that nobody answers what he
 * was not asked. With NAME in front a NATS server can allow each helper its own subjects only.
 */
#ifndef PLIMSOLL_OFFLOAD_ANNOUNCE_H
#define PLIMSOLL_OFFLOAD_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/offload/nats_conf.h"

enum {
	RUN_BYTES = 17,	     /* 16 hex digits, NUL */
	SUBJECT_BYTES = 192, /* of any of them, NUL */
	ANNOUNCE_BYTES = 64,
	ANNOUNCE_EVERY_MS = 250,
};

struct announce {
	uint64_t kind;	    /* struct job_rows */
	bool leaving;	    /* gives no new work any more */
	uint32_t processes; /* compute processes there */
	uint32_t jobs;	    /* of anybody, in work or waiting */
	uint32_t jobs_max;  /* more are refused */
	int64_t wait_us;    /* expected, of a new job; RPC_WAIT_CLOSED: takes none */
};

void announce_put(struct buf *out, const struct announce *a);
/* False: not one of ours. From outside. */
NODISCARD bool announce_take(struct slice message, struct announce *ret);

/* A new RUN, SERVER or JOB. */
void announce_run(char out[RUN_BYTES]);

/*
 * The name and run at the end of "PREFIX.helper.NAME.RUN"; what is in the place of either is one
 * word, within its bounds. False: not such a subject.
 */
NODISCARD bool announce_whose(
    struct slice subject, const char *prefix, char name[NATS_NAME_BYTES], char run[RUN_BYTES]);

#endif
