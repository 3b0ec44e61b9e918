/*
 * The times of the storage protocol: milliseconds that are multiples of ten, written as seconds
 * with two decimals (sync.md 1.1). No arithmetic goes through floating point.
 */
#ifndef PLIMSOLL_SYNC_STAMP_H
#define PLIMSOLL_SYNC_STAMP_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	SYNC_STAMP_MS = 10,  /* the grid of times */
	SYNC_TIME_SIZE = 24, /* longest text of a time, and a NUL */
};

/* The latest time of the grid that is not after ms. */
static inline int64_t sync_grid_ms(int64_t ms)
{
	return ms - ms % SYNC_STAMP_MS;
}

/*
 * The time of a write: later than the user's last one whatever the clock says, so two writes never
 * share a time and none is overlooked by "newer than".
 */
static inline int64_t sync_next_stamp_ms(int64_t now_ms, int64_t last_ms)
{
	int64_t now = sync_grid_ms(now_ms), next = sync_grid_ms(last_ms) + SYNC_STAMP_MS;

	return now > next ? now : next;
}

/* "1234567890.10" into out; ms >= 0. The slice lies in out. */
struct slice sync_time_text(int64_t ms, char out[SYNC_TIME_SIZE]);

/*
 * "12", "12.3", "12.345" (cut to two decimals). ERR_SYNTAX: anything else, so signs, blanks and
 * exponents. Numbers beyond the year 33658 are taken as that.
 */
NODISCARD enum err sync_time_parse(struct slice text, int64_t *ret_ms);

#endif
