/*
 * See needs.h. Where one job is done after the other and jobs are short, places are used up before
 * the wait is a long one; so the wait at which they will be is told as well. The store does many
 * calls in one commit: there a wait says nothing of places.
 */
#include "core/grace/needs.h"

enum {
	USED_SAYS = 100 /* fewer say little of how long the wait is when they are used up */
};

/* 0: not known. */
static int64_t full_us(int64_t wait_us, unsigned used)
{
	bool takes_calls = wait_us < INT64_MAX / NEEDS_USED_MOST;

	return takes_calls && used >= USED_SAYS ? wait_us * NEEDS_USED_MOST / used : 0;
}

bool grace_needs(const struct grace_load *load, enum cost_class cost, struct grace_need *ret)
{
	switch (cost) {
	case COST_COMPUTE:
		*ret = (struct grace_need){ .which = GRACE_COMPUTE,
			.used = load->compute_used,
			.seen = { .wait_us = load->compute_wait_us,
			    .full_us = full_us(load->compute_wait_us, load->compute_used),
			    .run_us = load->compute_run_us,
			    .lanes = load->compute_lanes,
			    .askers = load->webs } };
		return true;
	case COST_WRITE:
		*ret = (struct grace_need){ .which = GRACE_STORE,
			.used = load->store_used,
			.seen = { .wait_us = load->store_wait_us,
			    .run_us = load->store_run_us,
			    .lanes = 1,
			    .askers = load->webs } };
		return true;
	case COST_SIGN:
		*ret = (struct grace_need){ .which = GRACE_SIGNER,
			.used = load->signer_used,
			.seen = { .wait_us = load->signer_wait_us,
			    .full_us = full_us(load->signer_wait_us, load->signer_used),
			    .run_us = load->signer_run_us,
			    .lanes = load->signer_lanes,
			    .askers = load->webs } };
		return true;
	case COST_READ:
		*ret = (struct grace_need){ .which = GRACE_READ,
			.seen = { .wait_us = load->read_wait_us,
			    .run_us = load->read_run_us,
			    .lanes = load->read_lanes,
			    .askers = 1 } };
		return load->read_lanes > 0; /* a file makes nobody wait */
	case COST_HEALTH:
	case COST_MEMORY:
	case COST_STREAM:
	case COST_CLASSES:
		break;
	}
	return false;
}
