/*
 * See sync_use.h.
 */
#include "services/sync/sync_use.h"

#include "core/service.h"

struct sync_use sync_use_now(const struct svc_env *env, int64_t now_us)
{
	struct sync_use u = { .at_us = now_us };

	for (unsigned i = 0; i < metrics_slots(env->metrics); i++) {
		const struct metric_slot *slot = metrics_slot(env->metrics, i);
		int role = atomic_load_explicit(&slot->role, memory_order_relaxed);
		if (atomic_load_explicit(&slot->state, memory_order_relaxed) != SLOT_SERVING) {
			continue;
		}
		if (role == ROLE_WEB) {
			u.web_us += atomic_load_explicit(&slot->busy_us, memory_order_relaxed);
			u.webs++;
		} else if (role == ROLE_STORE) {
			u.store_us += atomic_load_explicit(&slot->cpu_us, memory_order_relaxed);
		}
	}
	return u;
}

bool sync_use_between(const struct sync_use *before, const struct sync_use *now, double *ret)
{
	double us = (double)(now->at_us - before->at_us);
	double web = (double)(now->web_us - before->web_us) / us / (now->webs > 0 ? now->webs : 1);
	double store = (double)(now->store_us - before->store_us) / us;

	if (now->webs != before->webs || web < 0 || store < 0) {
		return false;
	}
	*ret = web > store ? web : store;
	return true;
}
