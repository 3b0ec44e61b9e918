/*
 * See load_number.h. Targets are admission's own (core/grace/admit.c): at compute a queue of half a
 * second is what it holds, elsewhere a tenth is already long.
 */
#include "core/obs/load_number.h"

#define FULL 0.95 /* from here on what is asked for says more than what is done */

enum {
	COMPUTE_TARGET_US = 500000,
	OTHERS_TARGET_US = 100000,
	WEIGHT_FALL = 40, /* percent between idle and the line */
};

int64_t load_wait_target_us(enum role_id role)
{
	switch (role) {
	case ROLE_COMPUTE:
		return COMPUTE_TARGET_US;
	case ROLE_WEB:
	case ROLE_STORE:
	case ROLE_SIGNER:
		return OTHERS_TARGET_US;
	case ROLE_SUPERVISOR:
	case ROLE_COURIER: /* waits for others' servers */
	case ROLE_ADMIN:
	case ROLE_FILES: /* these two work behind the answer */
	case ROLE_MEDIA:
	case ROLE_OFFLOAD: /* compute elsewhere: its wait is part of the choice among peers */
	case ROLE_HELPER:
	case ROLE_COUNT:
		break;
	}
	return 0;
}

double load_number(const struct load_facts *f)
{
	double load = f->fullest < 0 ? 0 : f->fullest < 1 ? f->fullest : 1, over = 0;

	for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
		int64_t target_us = load_wait_target_us(role);
		if (target_us > 0) {
			double share = (double)f->wait_us[role] / (double)target_us;
			over = share > over ? share : over;
		}
	}
	load = over > load ? (over < 1 ? over : 1) : load;
	if (over > 1) {
		/* Twice the target is half of what lies beyond 1, and no wait is all of it. */
		load = 1 + (LOAD_MOST - 1) * (1 - 1 / over);
	}
	double asked = f->asked < LOAD_MOST ? f->asked : LOAD_MOST;
	return load >= FULL && asked > load ? asked : load;
}

unsigned load_weight(double load)
{
	double most = load < 0 ? 0 : load < LOAD_MOST ? load : LOAD_MOST;

	return (unsigned)(100 - WEIGHT_FALL * most + 0.5);
}

double load_window_add(
    struct load_window *w, const struct role_use_look *look, double asked, unsigned cores)
{
	struct load_facts f = { .asked = asked };
	const char *unused = NULL;

	w->looks[w->n++ % (LOAD_LOOKS + 1)] = *look;
	uint64_t kept = w->n < LOAD_LOOKS + 1 ? w->n : LOAD_LOOKS + 1;
	const struct role_use_look *oldest = &w->looks[(w->n - kept) % (LOAD_LOOKS + 1)];
	f.fullest = role_use_fullest(look, oldest, cores, &unused);
	for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
		int64_t shortest_us = INT64_MAX;
		for (uint64_t i = 0; i < kept; i++) {
			int64_t us = w->looks[i].shortest_wait_us[role];
			shortest_us = us < shortest_us ? us : shortest_us;
		}
		f.wait_us[role] = shortest_us > 0 ? shortest_us : 0;
	}
	return load_number(&f);
}
