/*
 * Two controllers. Asking follows the use of what is fullest along a ramp: nothing can swing
 * there, because clients that were asked come later and the use falls along the same ramp. The use
 * is smoothed over half a minute upwards and longer downwards, far below the ten minutes at which
 * clients come by themselves.
 *
 * Refusing is proportional and integral in the pressure, the standing wait over its target: the
 * integral finds the share that keeps the wait near the target without knowing any capacity, within
 * a quarter of a minute; the proportional part damps it, and holds everybody back while the wait is
 * five times too long. The gains are small because seconds lie between a share and what follows
 * from it: waits are standing ones, and a sync is several requests.
 */
#include "core/grace/backoff.h"

#include "core/base/fnv.h"

enum {
	LOOK_MAX_US = 1000000,
	USE_RISES_S = 30,
	USE_FALLS_S = 60,
	HOUR_S = 3600
};

/* Of the pressure beyond 1, which counts from -1 (no wait at all) to 4 (five times the target). */
static const double integral_gain = 0.0125; /* a second */
static const double damping = 0.05;	    /* up to 1; from there on a straight line to */
static const double excess_all = 4;	    /* where all are refused */

void backoff_init(struct backoff *b, int64_t now_us)
{
	*b = (struct backoff){ .looked_us = now_us };
}

static double between(double low, double x, double high)
{
	return x < low ? low : x > high ? high : x;
}

/* Part of the way to a value that is gone in seconds; below the time constant it is exact enough.
 */
static double step(double seconds, double time_constant_s)
{
	return seconds / (seconds + time_constant_s);
}

static double proportional(double excess)
{
	double steep = (1 - damping) / (excess_all - 1);

	return excess <= 1 ? damping * excess : damping + (excess - 1) * steep;
}

static void refuse(struct backoff *b, const struct backoff_limits *l, int64_t standing_us, double s)
{
	double pressure = (double)standing_us / (double)(l->wait_us > 0 ? l->wait_us : 1);
	double excess = between(-1, pressure - 1, excess_all);

	b->integral = between(0, b->integral + integral_gain * excess * s, 1);
	b->refused = between(0, b->integral + proportional(excess), 1);
}

void backoff_look(struct backoff *b, const struct backoff_limits *l, double use,
    int64_t standing_us, int64_t now_us)
{
	int64_t us = now_us - b->looked_us;
	double s = (double)(us > LOOK_MAX_US ? LOOK_MAX_US : us) / 1e6;

	if (us <= 0) {
		return;
	}
	b->looked_us = now_us;
	use = between(0, use, 1);
	b->use += (use - b->use) * step(s, use > b->use ? USE_RISES_S : USE_FALLS_S);
	refuse(b, l, standing_us, s);

	double ramp = l->ask_all > l->ask_from ? (b->use - l->ask_from) / (l->ask_all - l->ask_from)
		      : b->use > l->ask_from   ? 1
					       : 0;
	/* Who is let in while others are refused hears of it. */
	double beside = 2 * b->refused;
	b->asked = between(0, ramp > beside ? ramp : beside, 1);
}

bool backoff_hits(double share, uint64_t user, int64_t now_s)
{
	uint64_t mixed = hash_spread(user ^ UINT64_C(0x9e3779b97f4a7c15));
	uint64_t hour = ((uint64_t)now_s + mixed % HOUR_S) / HOUR_S;
	/* 53 bits are what a double holds. */
	double place = (double)(hash_spread(mixed + hour) >> 11) / 9007199254740992.0;

	return place < share;
}

bool backoff_asks(const struct backoff *b, uint64_t user, int64_t now_s)
{
	return b->asked > 0 && backoff_hits(b->asked, user, now_s);
}

bool backoff_refuses(const struct backoff *b, uint64_t user, int64_t now_s)
{
	return b->refused > 0 && backoff_hits(b->refused, user, now_s);
}

bool backoff_refuses_late(const struct backoff *b, uint64_t user, int64_t now_s)
{
	return b->refused > 0.5 && backoff_hits(2 * b->refused - 1, user, now_s);
}

static unsigned seconds(unsigned min_s, unsigned max_s, double share, uint64_t random)
{
	unsigned most_s = max_s > min_s ? max_s : min_s;
	/* At least half of the range is spread over, or a small share would come back at once. */
	double reach = (double)(most_s - min_s) * (0.5 + 0.5 * between(0, share, 1));

	return min_s + (unsigned)(random % ((uint64_t)reach + 1));
}

unsigned backoff_ask_s(const struct backoff *b, const struct backoff_limits *l, uint64_t random)
{
	return seconds(l->ask_min_s, l->ask_max_s, b->asked, random);
}

unsigned backoff_retry_s(const struct backoff *b, const struct backoff_limits *l, uint64_t random)
{
	return seconds(l->retry_min_s, l->retry_max_s, b->refused, random);
}
