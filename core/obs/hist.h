/*
 * A histogram of microseconds with log-linear buckets: 8 per power of two, so a value is known to
 * within 12.5 %; range 1 us to about 1 hour, larger ones go to the last bucket. Lives in shared
 * memory: one writing process, any reader; counters are relaxed atomics.
 */
#ifndef PLIMSOLL_OBS_HIST_H
#define PLIMSOLL_OBS_HIST_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	HIST_BUCKETS = 248
};

struct hist {
	_Atomic int64_t count, sum_us;
	_Atomic int64_t bucket[HIST_BUCKETS];
};

void hist_record(struct hist *h, int64_t us);

/* Adds from into to (merging processes). */
void hist_merge(struct hist *to, const struct hist *from);

/* The value below which fraction q (0..1) of the records lie, in microseconds; 0 when empty. */
int64_t hist_quantile_us(const struct hist *h, double q);

/* Upper edge of bucket i in microseconds. */
int64_t hist_bucket_limit_us(int i);

#endif
