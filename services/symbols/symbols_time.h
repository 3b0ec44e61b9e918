/*
 * Times as the protocol writes them.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_TIME_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_TIME_H

#include <stdint.h>

#include "core/base/slice.h"

enum {
	SYMBOLS_TIME_SIZE = 28 /* with NUL */
};

/* "2026-05-31T12:00:00.123Z", of milliseconds since 1970; returns out. */
const char *symbols_time_text(int64_t ms, char out[SYMBOLS_TIME_SIZE]);

/* Days since 1970 of a date "2026-05-31" (the rest is not looked at). ERR_SYNTAX. */
NODISCARD enum err symbols_time_day(struct slice text, int64_t *ret_day);

#endif
