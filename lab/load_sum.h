/*
 * What a load run comes to as a whole: its sums, its sentence, and what to bear in mind.
 */
#ifndef PLIMSOLL_LAB_LOAD_SUM_H
#define PLIMSOLL_LAB_LOAD_SUM_H

#include "core/base/buf.h"
#include "lab/load.h"

enum {
	LOAD_CAVEATS_MAX = 10
};

struct load_sum {
	uint64_t begun, done, refused, failed, gave_up, unfinished;
	struct hdr latency; /* of all activities that are done; load_sum_fini() */
};

/* One activity, or all of them: activity NULL. */
struct load_sum load_sum_new(const struct load_result *r, const struct load_activity *activity);
void load_sum_fini(struct load_sum *s);

/* "10000 active users of persona for 60 s: all 5234 activities done, half within 4.2 ms, ..." */
void load_sum_sentence(const struct load_result *r, struct buf *out);

/* Sentences that a reader of the figures has to know, beside those that make it void. How many. */
unsigned load_sum_caveats(
    const struct load_result *r, char (*ret)[LOAD_TEXT_BYTES] /* [LOAD_CAVEATS_MAX] */);

#endif
