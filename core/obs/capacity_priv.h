/*
 * Inside of capacity.h.
 */
#ifndef PLIMSOLL_OBS_CAPACITY_PRIV_H
#define PLIMSOLL_OBS_CAPACITY_PRIV_H

#include "core/obs/capacity.h"

struct capacity_peak {
	double share, users;
	const char *fullest;
	int64_t at_ms; /* 0: none yet */
};

struct capacity {
	struct capacity_options o;
	struct capacity_second {
		struct role_use_look look;
		double users;
	} * seconds; /* owned; window_s + 1, a ring */
	uint64_t n;
	int64_t hour;				    /* the newest, since 1970 */
	struct capacity_peak peaks[CAPACITY_HOURS]; /* by hour modulo their number */
	struct capacity_figures figures;
};

#endif
