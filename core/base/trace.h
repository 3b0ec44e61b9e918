/*
 * Trace ids: 64 bits that name one request of a client in all roles and logs. The edge makes one
 * (or takes it over from a proxy that it trusts, W3C Trace Context), RPC frames carry it, and
 * whoever works for the request makes it current, so that log lines bear it by themselves.
 */
#ifndef PLIMSOLL_BASE_TRACE_H
#define PLIMSOLL_BASE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"

enum {
	TRACE_DIGITS = 16
};

/* Makes ids; one per process. */
struct trace_source {
	uint64_t seed, n;
};

/* seed: 64 random bits. */
struct trace_source trace_source_new(uint64_t seed);

/*
 * The next id, never 0. Those of one source differ from each other; two sources on a machine meet
 * as rarely as random numbers do, and an id tells neither the next one nor how many there were.
 */
uint64_t trace_next(struct trace_source *s);

/* 16 hex digits; the slice points into out. */
struct slice trace_text(uint64_t trace, char out[TRACE_DIGITS]);

/*
 * The last 64 bits of the trace-id in a "traceparent" (W3C Trace Context, level 1, section 3.2).
 * False: not one, or all zero.
 */
bool trace_from_parent(struct slice header, uint64_t *ret);

/* The id that this thread works for now; 0: none. A task keeps its own across waits. */
uint64_t trace_current(void);

/* Makes it current; the one that was before, to be set again afterwards. */
uint64_t trace_set(uint64_t trace);

#endif
