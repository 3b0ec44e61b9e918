/*
 * Back-off: how many of the clients that come again by themselves are asked to stay away longer,
 * and how many of those that want to begin something are refused. Both are shares of users that
 * move slowly between 0 and 1, so that load beyond the line becomes less service for some and never
 * none for all. Pure functions over a clock.
 *
 *	use        smoothed use of what is fullest: asking begins while all is well
 *	standing   the longest standing wait anywhere: refusing begins where use cannot say more
 *	done       what was served: refusing that only costs work, and shortens nothing, ends
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

/* What was measured since the last look. */
struct backoff_seen {
	double use;	     /* of what is fullest, 0..1 */
	int64_t standing_us; /* the longest standing wait */
	unsigned done;	     /* requests that were served */
};

/* A trial of seconds: how many were let in, what was done, and the wait that stood all the time. */
struct backoff_trial {
	double seconds;
	double let, done; /* of users, 0..1; a second */
	double wait_us;
};

struct backoff {
	int64_t looked_us;
	double use;	       /* smoothed, 0..1 */
	double asked, refused; /* shares, 0..1 */
	double integral;       /* of the pressure: the part of refused that lasts */
	double most;	       /* no larger share is refused */
	unsigned helped;       /* trials in a row that cost no work */
	unsigned hardly;       /* trials in a row with nearly nobody, and a wait */
	struct backoff_trial now;
	struct backoff_trial before; /* the last since which only more were refused */
};

void backoff_init(struct backoff *b, int64_t now_us);

/*
 * Moves the shares on to now_us, by what was measured since the last look. Looks may come at any
 * distance; one that is longer than a second counts as a second.
 */
void backoff_look(struct backoff *b, const struct backoff_limits *l,
    const struct backoff_seen *seen, int64_t now_us);

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
