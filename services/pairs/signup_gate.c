/*
 * See signup_gate.h. Those with a slot are let into a longer queue than those without; so far the
 * capacity is theirs. While slots are given out for later, nobody passes those who wait for them,
 * unless compute has run all but empty (they did not come).
 */
#include "services/pairs/signup_gate.h"

enum {
	WITH_SLOT_US = 4000 * 1000, /* the longest wait for whoever returns in time */
	IDLE_US = 50 * 1000,	    /* all but empty */
	FULL_US = 1000 * 1000, /* when compute takes nothing more and cannot say for how long */
	/*
	 * Slots lie closer than sign-ups are worked off, in percent: some do not come, estimates
	 * err, and an idle processor is lost while those who wait too long only get a new slot.
	 */
	CLOSER = 80,
	LATEST_US = 30 * 60 * 1000 * 1000, /* nobody waits for longer */
};

static int64_t share_us(const struct signup_load *load)
{
	int64_t lanes = load->lanes > 0 ? load->lanes : 1;
	int64_t us = load->job_us * (load->webs > 0 ? load->webs : 1) / lanes * CLOSER / 100;

	return us > 0 ? us : 1;
}

int64_t signup_gate_room_us(const struct signup_gate *g, int64_t now_us)
{
	return g->tail_us > now_us ? IDLE_US : SIGNUP_NEWCOMER_US;
}

bool signup_gate_ask(struct signup_gate *g, const struct signup_load *load, bool has_slot,
    int64_t now_us, int64_t *ret_slot_us)
{
	int64_t bound_us = has_slot ? WITH_SLOT_US : signup_gate_room_us(g, now_us);

	if (load->wait_us <= bound_us) {
		return true;
	}
	/* Behind all that wait already, in compute or at home. */
	int64_t after_us = load->wait_us > LATEST_US ? FULL_US : load->wait_us;
	int64_t from_us = g->tail_us > now_us + after_us ? g->tail_us : now_us + after_us;
	int64_t slot_us = from_us + share_us(load);
	if (slot_us - now_us > LATEST_US) {
		*ret_slot_us = 0;
		return false;
	}
	g->tail_us = slot_us;
	*ret_slot_us = slot_us;
	return false;
}
