/*
 * What a target used over the course of a run, and from that what an activity cost, with an
 * interval: batches of some seconds each give a cost of their own.
 */
#ifndef PLIMSOLL_LAB_LOAD_USE_H
#define PLIMSOLL_LAB_LOAD_USE_H

#include "lab/interval.h"
#include "lab/load.h"

enum {
	LOAD_USE_BATCHES_MAX = 20,
	LOAD_USE_BATCH_S = 3, /* at least: the target says its use once a second */
};

/*
 * Keeps in r what a watch saw from a moment (clock_mono_us(), of a look) up to its last look; the
 * moments of the uses count from there. False: there are no two looks, or there is no memory.
 */
bool load_use_take(struct load_result *r, struct target *t, int64_t from_us);

/* A role of a watch by its number, without figures. */
struct load_role load_role_of(struct target *t, unsigned number);

/* Processor seconds of all roles from the begin of the run to a moment, between looks by
 * proportion. */
double load_use_cpu_at(const struct load_result *r, double at_s);

/* Activities that were done up to a moment. */
double load_use_done_at(const struct load_result *r, double at_s);

/*
 * Microseconds of processor for an activity of the mix, behind the warm-up. Not known: nobody
 * looked, nothing was done, or the run was too short for four batches (value then from the whole
 * run).
 */
struct interval load_use_cost_us(const struct load_result *r);

#endif
