/*
 * See comeback.h. Spare is what the resource works off less what was offered it before the peak:
 * during it there is none, and how long it lasts nobody knows. Half of that is given away; the
 * rest is for those who come unasked, of whom there are more than before while a peak ends. While
 * several times what can be worked off is offered no places are given: those who came for them
 * would be refused again, and behind the peak the places are needed for its last ones.
 */
#include "core/grace/comeback.h"

enum {
	SECOND_US = 1000000,
	CALM_TICKS = 64,   /* what is usual is that of the last ticks */
	GIVEN_PART = 2,	   /* of what is spare */
	OFFERED_TIMES = 3, /* of what is worked off: beyond it no places are given */
	RING = COMEBACK_MAX_S + 1
};

void comeback_calm(struct comeback *c, double offered_us, double works_off_us)
{
	double us = offered_us < works_off_us ? offered_us : works_off_us;

	c->calm_us += (us - c->calm_us) / CALM_TICKS;
}

/* The seconds that have passed are free again, for those a minute later. */
static void turn(struct comeback *c, int64_t second)
{
	int64_t passed = second - c->second;

	for (int64_t i = 0; i < passed && i < RING; i++) {
		c->given_us[(c->second + i) % RING] = 0;
	}
	c->second = second;
}

unsigned comeback_book(
    struct comeback *c, double offered_us, double works_off_us, double cost_us, int64_t now_us)
{
	double each_us = (works_off_us - c->calm_us) / GIVEN_PART, given_us = 0;

	turn(c, now_us / SECOND_US);
	if (offered_us > OFFERED_TIMES * works_off_us) {
		return 0;
	}
	for (unsigned s = 1; s <= COMEBACK_MAX_S; s++) {
		double *second_us = &c->given_us[(c->second + s) % RING];
		given_us += *second_us;
		if (given_us + cost_us <= s * each_us) {
			*second_us += cost_us;
			return s;
		}
	}
	return 0;
}
