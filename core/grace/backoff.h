/*
 * Back-off: how many of the clients that come again by themselves are asked to stay away longer,
 * and how many of those that want to begin something are refused. Both are shares of users that
 * move slowly between 0 and 1, so that load beyond the line becomes less service for some and never
 * none for all. Pure functions over a clock.
 *
 *	use        smoothed use of what is fullest: asking begins while all is well
 *	standing   the longest standing wait anywhere: refusing begins where use cannot say more
 */
#ifndef PLIMSOLL_GRACE_BACKOFF_H
#define PLIMSOLL_GRACE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff_limits {
	double ask_from, ask_all;      /* use at which the first one is asked, and the last; 0..1 */
	int64_t wait_us;	       /* a standing wait that is too long */
	unsigned ask_min_s, ask_max_s; /* how long those who are asked stay away */
	unsigned retry_min_s, retry_max_s; /* and those who are refused */
};

struct backoff {
	int64_t looked_us;
	double use;	       /* smoothed, 0..1 */
	double asked, refused; /* shares, 0..1 */
	double integral;       /* of the pressure: the part of refused that lasts */
};

void backoff_init(struct backoff *b, int64_t now_us);

/*
 * Moves the shares on to now_us, by what was measured since the last look: use (0..1) and the
 * longest standing wait. Looks may come at any distance; one that is longer than a second counts as
 * a second.
 */
void backoff_look(struct backoff *b, const struct backoff_limits *l, double use,
    int64_t standing_us, int64_t now_us);

/*
 * Is this user among that share? The same answer for all requests of a user within an hour, so that
 * a user is not hit at random by each; the hours of users do not end together. user: any number
 * that names one.
 */
bool backoff_hits(double share, uint64_t user, int64_t now_s);

/* Is a user asked to stay away? And is one refused who wants to begin something? */
bool backoff_asks(const struct backoff *b, uint64_t user, int64_t now_s);
bool backoff_refuses(const struct backoff *b, uint64_t user, int64_t now_s);
/* Is one refused who goes on, but whose beginning nobody knows of? Those are the later half. */
bool backoff_refuses_late(const struct backoff *b, uint64_t user, int64_t now_s);

/*
 * Seconds to say, between the limits: longer the larger the share is, and spread by random (any
 * bits), so that those who went together do not come together.
 */
unsigned backoff_ask_s(const struct backoff *b, const struct backoff_limits *l, uint64_t random);
unsigned backoff_retry_s(const struct backoff *b, const struct backoff_limits *l, uint64_t random);

#endif
