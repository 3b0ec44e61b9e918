/*
 * Plans and results of load runs as bytes, for generators that work together. Both ends are the
 * same program (fleet_frame.h sees to it), so fields stand one behind the other without names.
 */
#ifndef PLIMSOLL_LAB_LOAD_WIRE_H
#define PLIMSOLL_LAB_LOAD_WIRE_H

#include "core/base/buf.h"
#include "core/base/wire.h"
#include "lab/load.h"

enum {
	LOAD_WIRE_BYTES = 64 << 20 /* of a result: whole histograms */
};

/* What of a plan another process needs; callbacks and descriptors stay behind. */
void load_wire_put_plan(const struct load_plan *p, struct buf *out);

/*
 * *ret has texts borrowed from the message, which ends them with NUL, and preset the name of its
 * preset or NULL. False: no such message.
 */
bool load_wire_take_plan(struct wire_reader *in, struct load_plan *ret, const char **ret_preset);

void load_wire_put_result(const struct load_result *r, struct buf *out);

/*
 * Adds a result to one of the same model: counts and histograms add up, causes get "generator N: "
 * in front. The course of seconds is not in it. ERR_SYNTAX: no such message; *to may hold a part.
 */
NODISCARD enum err load_wire_merge(struct wire_reader *in, unsigned number, struct load_result *to);

/* Where a run is; ERR_SYNTAX. And the same of several generators, added up. */
void load_wire_put_tick(const struct load_tick *t, struct buf *out);
NODISCARD enum err load_wire_take_tick(struct wire_reader *in, struct load_tick *ret);
void load_tick_add(struct load_tick *to, const struct load_tick *from);

/* A second of a run, with its histogram. */
void load_wire_put_now(const struct load_now *now, struct buf *out);

/* *latency, which is empty, is the caller's to free, whatever happens. ERR_SYNTAX. */
NODISCARD enum err load_wire_take_now(
    struct wire_reader *in, struct load_now *ret, struct hdr *latency);

#endif
