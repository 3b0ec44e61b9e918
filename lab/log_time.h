/*
 * Times as logs write them, to microseconds since 1970. Pure.
 */
#ifndef PLIMSOLL_LAB_LOG_TIME_H
#define PLIMSOLL_LAB_LOG_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

struct log_time {
	int64_t us;
	bool whole_seconds; /* the log has no finer ones */
};

/*
 * "10/Oct/2000:13:55:36 -0700" (Apache, nginx), "06/Feb/2009:12:14:14.655" (HAProxy, taken as UTC),
 * "2026-05-31T12:00:00.123Z" and "...+02:00", or a number of seconds, milliseconds, microseconds or
 * nanoseconds, told apart by its size. ERR_SYNTAX.
 */
NODISCARD enum err log_time_parse(struct slice text, struct log_time *ret);

#endif
