/*
 * Servers in virtual time for tests of grace: one queue in front of some workers, with what it does
 * about too much work, and clients with patience who may try again. What ends is told as a load run
 * tells it.
 */
#ifndef PLIMSOLL_LAB_GRACE_SIM_H
#define PLIMSOLL_LAB_GRACE_SIM_H

#include "lab/arrivals.h"
#include "lab/load.h"

enum {
	GRACE_SIM_WORKERS_MAX = 8,
	GRACE_SIM_WAITING_MAX = 1 << 16,
};

struct grace_sim_plan {
	double service_s;
	unsigned workers;
	double bound_s;	   /* who would wait longer is refused at once; 0: nobody is */
	double patience_s; /* then the client is gone; the work is done all the same */
	unsigned retries;  /* of each client, behind pause_s */
	double pause_s;
	double limp_s; /* behind a wait of so long it is half as fast for good; 0: never */
	const struct arrival_part *parts; /* times its capacity */
	unsigned n_parts;
};

/* Runs all parts and the rest of the work; ended and refusal (or NULL) get arg. */
void grace_sim_run(const struct grace_sim_plan *plan, uint64_t seed, load_ended_fn *ended,
    load_refusal_fn *refusal, void *arg);

#endif
