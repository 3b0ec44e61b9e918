/*
 * The load as one number, 0.00 to 1.20, for those who choose between machines: the highest of the
 * use of each role and of the processors; and, once something is full, how much more is asked for
 * than it works off, and how much longer work has to wait than it should. 1.00 is the line; beyond
 * it the number says which of two full machines is fuller.
 */
#ifndef PLIMSOLL_OBS_LOAD_NUMBER_H
#define PLIMSOLL_OBS_LOAD_NUMBER_H

#include "core/obs/role_use.h"

#define LOAD_MOST 1.2

enum {
	LOAD_LOOKS = 8 /* looks that a window spans */
};

/* What is known of the last seconds. */
struct load_facts {
	double fullest; /* use of what is fullest, 0..1 */
	double asked;	/* cost asked for over cost worked off, of admission; 0: unknown */
	int64_t wait_us[ROLE_COUNT]; /* that new work could not avoid in the whole window */
};

/* 0..LOAD_MOST. */
double load_number(const struct load_facts *f);

/* How long new work may wait at a role before it is too long; 0: it may wait as long as it likes.
 */
int64_t load_wait_target_us(enum role_id role);

/*
 * The weight, in percent of the configured one, that a machine with this load asks a balancer for:
 * 100 at 0, 60 at the line. So gentle that two machines do not throw the load to and fro, however
 * full both are: what one loses by a step is always less than what made it lose it.
 */
unsigned load_weight(double load);

/* The number over the last LOAD_LOOKS looks. Zeroed memory is an empty window. */
struct load_window {
	struct role_use_look looks[LOAD_LOOKS + 1];
	uint64_t n;
};

/* Adds a look, and what admission sees then; the number of the window that ends with it. */
double load_window_add(
    struct load_window *w, const struct role_use_look *look, double asked, unsigned cores);

#endif
