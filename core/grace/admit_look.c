/*
 * Admission's view of its resources: what is measured goes in here, also while nobody asks, and who
 * looks on is told how each of them stands.
 */
#include <stddef.h>

#include "core/grace/admit.h"
#include "core/grace/needs.h"

/* ---- the loop ---- */

void grace_waited(struct grace *g, int64_t delay_us, int64_t now_us)
{
	const struct resource_seen seen = { .wait_us = delay_us, .lanes = 1 };

	resource_look(&g->resources[GRACE_LOOP], &seen, now_us);
}

int64_t grace_loop_delay_us(struct grace *g, int64_t now_us)
{
	return resource_standing_us(&g->resources[GRACE_LOOP], now_us);
}

/* ---- looking on ---- */

/* Who causes a mail does not wait for it: what has been worked off is told by the outbox. */
static void look_at_courier(struct grace *g, const struct grace_load *load, int64_t now_us)
{
	struct resource *r = &g->resources[GRACE_COURIER];
	unsigned webs = load->webs > 0 ? load->webs : 1;
	const struct resource_seen seen = { .wait_us = load->courier_wait_us,
		.run_us = load->courier_run_us,
		.lanes = 1,
		.askers = webs };

	resource_served(r,
	    (double)(load->courier_done - g->courier_done) * (double)load->courier_run_us / webs);
	g->courier_done = load->courier_done;
	resource_look(r, &seen, now_us);
}

void grace_measure(struct grace *g, const struct grace_load *load, int64_t now_us)
{
	static const enum cost_class costs[] = { COST_COMPUTE, COST_WRITE, COST_SIGN, COST_READ };

	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		struct grace_need need;
		if (grace_needs(load, costs[i], &need)) {
			resource_look(&g->resources[need.which], &need.seen, now_us);
		}
	}
	look_at_courier(g, load, now_us);
	/* The loop's own wait is what requests meet. */
	resource_turn(&g->resources[GRACE_LOOP], now_us);
}

void grace_look(
    struct grace *g, enum grace_refusal resource, int64_t now_us, struct grace_state *ret)
{
	struct resource *r = &g->resources[resource];
	double share = 1;

	*ret = (struct grace_state){
		.wait_us = resource_standing_us(r, now_us),
		.target_us = resource_target_us(r),
		.load_permille = resource_load_permille(r),
		.budget_permille = r->is_over ? (unsigned)(r->u * 1000) : 1200,
		.cut = r->is_over ? level_cut(&r->level, &share) : SHED_RANKS,
	};
	ret->cut_permille = (unsigned)(share * 1000);
}

unsigned grace_load_permille(const struct grace *g)
{
	unsigned most = 0;

	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		unsigned load = resource_load_permille(&g->resources[i]);
		most = load > most ? load : most;
	}
	return most;
}
