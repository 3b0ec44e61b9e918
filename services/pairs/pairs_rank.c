/*
 * Role: web. What gives way to sign-ups (signup_first.h): requests by their rows' ranks, and new
 * sessions, whose requests are those of sessions that stand and have no rank.
 */
#include "core/grace/admit.h"
#include "services/pairs/pairs_priv.h"

static bool sheds(struct pairs_state *state, enum shed_rank rank, bool computes, int64_t wait_us)
{
	struct loop *l = state->env->loop;
	int64_t now_us = loop_now_us(l);

	signup_first_look(&state->first, loop_busy_us(l), now_us);
	return signup_first_sheds(
	    &state->first, rank, computes, wait_us, signup_gate_room_us(&state->gate, now_us));
}

enum shed_rank pairs_rank(struct op_call *c, const struct grace_load *load)
{
	enum shed_rank rank = c->op->rank;

	return sheds(c->state, rank, c->op->cost == COST_COMPUTE, load->compute_wait_us)
		   ? SHED_RANKS
		   : rank;
}

bool pairs_may_open(void *arg)
{
	struct pairs_state *state = arg;
	const struct rpc_pool *compute = state->env->peer[ROLE_COMPUTE];

	return !sheds(state, SHED_EARLY, false, rpc_pool_expected_wait_us(compute));
}
