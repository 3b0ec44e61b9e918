/*
 * Two controllers. Asking follows the use of what is fullest along a ramp: nothing can swing
 * there, because clients that were asked come later and the use falls along the same ramp. The use
 * is smoothed over half a minute upwards and longer downwards, far below the ten minutes at which
 * clients come by themselves.
 *
 * Refusing is proportional and integral in the pressure, the standing wait over its target: the
 * integral finds the share that keeps the wait near the target without knowing any capacity, within
 * a quarter of a minute; the proportional part damps it, and holds nearly everybody back while the
 * wait is five times too long. The gains are small because seconds lie between a share and what
 * follows from it: waits are standing ones, and a sync is several requests.
 *
 * That takes for granted that fewer users shorten the wait. Where a disk is slow whoever asks it,
 * they do not, and the share would rise until nothing is done. What tells the two apart is the work
 * done: a queue keeps its server busy however many are refused, while a wait without a queue loses
 * as much work as is refused. So the share is tried, a few seconds at a time (as in resource.c,
 * after Protego): where work was lost with it and the wait stood all the same, or stood although
 * nearly nobody was let in, it goes back to half of what it was before, and rises slowly until
 * refusing is seen to cost no work.
 */
#include "core/grace/backoff.h"

#include "core/base/fnv.h"

enum {
	LOOK_MAX_US = 1000000,
	USE_RISES_S = 30,
	USE_FALLS_S = 60,
	TRIAL_S = 3,
	HELPED_TRIALS = 2, /* in a row: one may be chance */
	HARDLY_TRIALS = 3, /* no queue lasts so long that nearly nobody joins */
	BEFORE_WEIGHT = 4, /* a trial counts a fourth in what stands for those before */
	VAIN_FALLS_S = 1,
	HOUR_S = 3600
};

/* Of the pressure beyond 1, which counts from -1 (no wait at all) to 4 (five times the target). */
static const double integral_gain = 0.0125; /* a second */
static const double damping = 0.05;	    /* up to 1; from there on a straight line to */
static const double excess_all = 4;	    /* where all are refused */

/* Some are always let in: without work nothing could be learnt of it. */
static const double most_refused = 0.98;
static const double most_rises = 0.02;	/* a second, after refusing was in vain */
static const double loss_tried = 0.3;	/* of those let in before: less says nothing */
static const double work_follows = 0.5; /* so much of that loss has to be seen in the work */
static const double wait_stays = 0.9;
static const double let_hardly = 0.1; /* nearly nobody */
static const double let_anew = 1.1;   /* of those let in before: what was done then is past */

static const struct backoff_trial no_trial = { .wait_us = -1 };

void backoff_init(struct backoff *b, int64_t now_us)
{
	*b = (struct backoff){
		.looked_us = now_us, .most = most_refused, .now = no_trial, .before = { .let = 1 }
	};
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

	/* What was in vain found no share that is worth keeping. */
	if (b->most < most_refused && excess < 0) {
		b->integral -= b->integral * step(s, VAIN_FALLS_S);
	}
	b->integral = between(0, b->integral + integral_gain * excess * s, b->most);
	b->refused = between(0, b->integral + proportional(excess), b->most);
}

/* ---- is it in vain? ---- */

static void follow(struct backoff_trial *before, const struct backoff_trial *now)
{
	if (now->let > before->let * let_anew) {
		*before = *now;
		return;
	}
	before->let = now->let;
	before->done += (now->done - before->done) / BEFORE_WEIGHT;
	before->wait_us += (now->wait_us - before->wait_us) / BEFORE_WEIGHT;
}

/* Back to where it was; half of it, so that what chance has raised does not stay for good. */
static void go_back(struct backoff *b)
{
	b->most = (1 - b->before.let) / 2;
	b->integral = between(0, b->integral, b->most);
}

static void judge(struct backoff *b, const struct backoff_limits *l)
{
	const struct backoff_trial *now = &b->now, *before = &b->before;
	double loss = 1 - now->let / before->let;
	bool is_tried = loss >= loss_tried;
	bool is_done = now->done > before->done * (1 - work_follows * loss);
	bool stands = now->wait_us > (double)l->wait_us;

	b->helped = is_tried && is_done ? b->helped + 1 : 0;
	b->hardly = stands && now->let < let_hardly ? b->hardly + 1 : 0;
	if (b->hardly >= HARDLY_TRIALS ||
	    (is_tried && !is_done && stands && now->wait_us >= before->wait_us * wait_stays)) {
		go_back(b);
	} else if (b->helped >= HELPED_TRIALS) {
		b->most = most_refused;
		b->before = *now;
	} else if (loss <= 0) {
		follow(&b->before, now);
	}
}

static void guard(
    struct backoff *b, const struct backoff_limits *l, const struct backoff_seen *seen, double s)
{
	struct backoff_trial *t = &b->now;
	double wait_us = (double)seen->standing_us;

	b->most = between(0, b->most + most_rises * s, most_refused);
	t->seconds += s;
	t->let += (1 - b->refused) * s;
	t->done += seen->done;
	t->wait_us = t->wait_us < 0 || wait_us < t->wait_us ? wait_us : t->wait_us;
	if (t->seconds >= TRIAL_S) {
		t->let /= t->seconds;
		t->done /= t->seconds;
		judge(b, l);
		*t = no_trial;
	}
}

/* ---- a look ---- */

void backoff_look(struct backoff *b, const struct backoff_limits *l,
    const struct backoff_seen *seen, int64_t now_us)
{
	double use = between(0, seen->use, 1);
	int64_t us = now_us - b->looked_us;
	double s = (double)(us > LOOK_MAX_US ? LOOK_MAX_US : us) / 1e6;

	if (us <= 0) {
		return;
	}
	b->looked_us = now_us;
	b->use += (use - b->use) * step(s, use > b->use ? USE_RISES_S : USE_FALLS_S);
	guard(b, l, seen, s); /* of the share that held until now */
	refuse(b, l, seen->standing_us, s);

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
