/*
 * The helpers that a server knows: what each has said of itself last, and what we have with it. A
 * helper joins by being heard, leaves by saying so, and is forgotten when it is silent. Pure
 * functions over a clock: nothing here sends or waits.
 *
 * Expected wait at a helper: its last word, less the time since then (a queue drains at a
 * microsecond per microsecond); or what our own jobs there still cost, spread over its processes,
 * where that is more: its word does not know yet what we have just sent. Jobs of other servers that
 * are as new are not known; the helper refuses when they made the difference.
 */
#ifndef PLIMSOLL_OFFLOAD_HELPERS_H
#define PLIMSOLL_OFFLOAD_HELPERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/offload/announce.h"

enum {
	HELPERS_MAX = 128,
	HELPER_OUT_MAX = 1024,	       /* our jobs at one, whatever it allows */
	HELPER_SILENT_US = 1500 * 1000 /* six words that did not come */
};

struct helper {
	bool used;
	char name[NATS_NAME_BYTES], run[RUN_BYTES];
	struct announce said;
	int64_t heard_us; /* it was alive then */
	int64_t said_us;  /* wait_us was true then */
	unsigned out;	  /* our jobs there */
	int64_t out_us;	  /* their expected costs */
};

struct helpers {
	uint64_t kind; /* ours: helpers of another are known, but not used */
	struct helper list[HELPERS_MAX];
};

void helpers_init(struct helpers *h, uint64_t kind);

enum helpers_news {
	HELPER_AS_BEFORE,
	HELPER_JOINED,
	HELPER_LEAVES,
	HELPER_TOO_MANY /* not kept */
};

/* Takes a helper's word; *ret_i is its place unless there are too many. */
enum helpers_news helpers_heard(struct helpers *h, const char *name, const char *run,
    const struct announce *a, int64_t now_us, unsigned *ret_i);

/* A queue state that came with an answer. */
void helpers_told(struct helpers *h, unsigned i, int64_t wait_us, int64_t now_us);

/* A place whose helper has been silent for too long, or -1. */
int helpers_silent(const struct helpers *h, int64_t now_us);

/* There must be none of our jobs left at it. */
void helpers_forget(struct helpers *h, unsigned i);

/* The one with the shortest expected wait that takes jobs, but not except (-1: any); or -1. */
int helpers_choose(const struct helpers *h, int except, int64_t now_us);

/* Nothing of anybody is in work there, as far as is known: it takes any job. */
bool helpers_is_idle(const struct helpers *h, unsigned i);

int64_t helpers_wait_us(const struct helpers *h, unsigned i, int64_t now_us);

/* A job of ours that is expected to cost so much goes there, and has ended. */
void helpers_sent(struct helpers *h, unsigned i, int64_t cost_us);
void helpers_ended(struct helpers *h, unsigned i, int64_t cost_us);

struct helpers_count {
	unsigned usable, strangers; /* of our kind and not leaving; of another version */
	unsigned processes;	    /* of the usable ones */
};
struct helpers_count helpers_count(const struct helpers *h);

#endif
