/*
 * See signup_first.h.
 */
#include "services/pairs/signup_first.h"

enum {
	LOOK_US = 200 * 1000, /* a measure is over at least so long */
	PARTS = 8,
};

/* Eighths of newcomers' waiting room that may be full while a rank is let in; 0: it always is. */
static int64_t parts_of(enum shed_rank rank)
{
	switch (rank) {
	case SHED_FIRST: /* typing, presence */
		return 1;
	case SHED_POLLING:
		return 2;
	case SHED_EARLY: /* old pages, uploads, new sessions */
		return 4;
	case SHED_MIDDLE: /* logins, read marks */
		return 6;
	case SHED_NEVER:
	case SHED_LAST:
	case SHED_LATE:
	case SHED_RANKS:
		break;
	}
	return 0;
}

void signup_first_look(struct signup_first *f, int64_t busy_us, int64_t now_us)
{
	int64_t us = now_us - f->looked_us;

	if (us < LOOK_US) {
		return;
	}
	int64_t percent = f->looked_us == 0 ? 0 : (busy_us - f->busy_us) * 100 / us;
	f->busy = percent < 0 ? 0 : percent > 100 ? 100 : (unsigned)percent;
	f->looked_us = now_us;
	f->busy_us = busy_us;
}

bool signup_first_sheds(const struct signup_first *f, enum shed_rank rank, bool computes,
    int64_t wait_us, int64_t room_us)
{
	int64_t parts = parts_of(rank);

	if (f->reserve == 0 || parts == 0 || wait_us <= room_us * parts / PARTS) {
		return false;
	}
	return computes || f->busy + f->reserve >= 100;
}
