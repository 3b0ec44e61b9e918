/*
 * See sync_use.h.
 */
#include "services/sync/sync_use.h"

#include "core/obs/metric.h"
#include "core/role/role.h"

struct sync_use sync_use_now(const struct metrics *m, unsigned cores, int64_t now_us)
{
	struct sync_use u = { .at_us = now_us, .cores = cores };

	for (unsigned i = 0; i < metrics_slots(m); i++) {
		const struct metric_slot *slot = metrics_slot(m, i);
		int role = atomic_load_explicit(&slot->role, memory_order_relaxed);
		if (atomic_load_explicit(&slot->state, memory_order_relaxed) != SLOT_SERVING ||
		    role < 0 || role >= ROLE_COUNT || role_table[role].nice > 0) {
			continue;
		}
		int64_t cpu_us = metric_get(&slot->cpu_us);
		u.processes++;
		u.cpu_us += cpu_us;
		if (role == ROLE_WEB) {
			u.web_us += metric_get(&slot->busy_us);
			u.webs++;
		} else if (role == ROLE_STORE) {
			u.store_us += cpu_us;
		}
	}
	return u;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

bool sync_use_between(const struct sync_use *before, const struct sync_use *now, double *ret)
{
	double us = (double)(now->at_us - before->at_us);
	double web = (double)(now->web_us - before->web_us) / us / (now->webs > 0 ? now->webs : 1);
	double store = (double)(now->store_us - before->store_us) / us;
	double cpu =
	    (double)(now->cpu_us - before->cpu_us) / us / (now->cores > 0 ? now->cores : 1);

	if (now->webs != before->webs || now->processes != before->processes || web < 0 ||
	    store < 0 || cpu < 0) {
		return false;
	}
	*ret = larger(larger(web, store), cpu);
	return true;
}
