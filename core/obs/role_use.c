/*
 * See role_use.h.
 */
#include "core/obs/role_use.h"

#include <math.h>
#include <stdlib.h>

enum {
	SILENT_US = 3000000 /* a process that has not turned its loop for so long does not serve */
};

enum err role_use_open(struct role_use *u, const struct metrics *m)
{
	*u = (struct role_use){ .metrics = m, .seen = calloc(metrics_slots(m), sizeof(*u->seen)) };
	return u->seen == NULL ? ERR_MEMORY : ERR_OK;
}

void role_use_close(struct role_use *u)
{
	free(u->seen);
	u->seen = NULL;
}

/* What has come to a process' own time since the last look; all of it for a new process. */
static int64_t advance(int64_t *before, int64_t now, bool same_process)
{
	int64_t base = same_process ? *before : 0;

	if (now < base) {
		return 0; /* an estimate that was corrected by some microseconds */
	}
	*before = now;
	return now - base;
}

static void take_wait(struct role_use_look *look, enum role_id role, int64_t us)
{
	int64_t *longest = &look->longest_wait_us[role], *shortest = &look->shortest_wait_us[role];

	*longest = us > *longest ? us : *longest;
	*shortest = *shortest < 0 || us < *shortest ? us : *shortest;
}

static void take_slot(struct role_use *u, unsigned i, int64_t step_us)
{
	const struct metric_slot *slot = metrics_slot(u->metrics, i);
	struct role_use_look *look = &u->look;
	struct role_use_seen *seen = &u->seen[i];
	int32_t role = atomic_load_explicit(&slot->role, memory_order_relaxed);
	int32_t pid = atomic_load_explicit(&slot->pid, memory_order_relaxed);
	int32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
	bool same = seen->pid == pid || !u->looked;

	if (role <= ROLE_SUPERVISOR || role >= ROLE_COUNT || pid == 0) {
		return;
	}
	int64_t cpu_us = advance(&seen->cpu_us, metric_get(&slot->cpu_us), same);
	int64_t busy_us = advance(&seen->busy_us, metric_get(&slot->busy_us), same);
	seen->pid = pid;
	look->cpu_us += cpu_us;
	if (state == SLOT_EMPTY || look->at_us - metric_get(&slot->alive_us) > SILENT_US) {
		return;
	}
	look->busy_us[role] += busy_us;
	look->live_us[role] += step_us;
	take_wait(look, (enum role_id)role, metric_get(&slot->queue_wait_us));
}

void role_use_take(struct role_use *u, int64_t now_us)
{
	int64_t step_us = u->looked ? now_us - u->look.at_us : 0;

	u->look.at_us = now_us;
	for (enum role_id role = ROLE_SUPERVISOR; role < ROLE_COUNT; role++) {
		u->look.longest_wait_us[role] = 0;
		u->look.shortest_wait_us[role] = -1;
	}
	for (unsigned i = 0; i < metrics_slots(u->metrics); i++) {
		take_slot(u, i, step_us);
	}
	u->looked = true;
}

double role_use_share(
    const struct role_use_look *newer, const struct role_use_look *older, enum role_id role)
{
	int64_t live_us = newer->live_us[role] - older->live_us[role];
	int64_t busy_us = newer->busy_us[role] - older->busy_us[role];

	if (live_us <= 0) {
		return (double)NAN;
	}
	return busy_us < live_us ? (double)busy_us / (double)live_us : 1;
}

double role_use_cores(const struct role_use_look *newer, const struct role_use_look *older)
{
	int64_t us = newer->at_us - older->at_us;

	return us > 0 && newer->cpu_us > older->cpu_us
		   ? (double)(newer->cpu_us - older->cpu_us) / (double)us
		   : 0;
}

double role_use_fullest(const struct role_use_look *newer, const struct role_use_look *older,
    unsigned cores, const char **ret_fullest)
{
	double most = role_use_cores(newer, older) / cores;

	*ret_fullest = "processors";
	for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
		double share = role_use_share(newer, older, role);
		if (share > most) { /* never true of NAN */
			most = share;
			*ret_fullest = role_name(role);
		}
	}
	return most < 1 ? most : 1;
}
