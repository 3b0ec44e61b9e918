/*
 * How the clients of a model behave beside what they ask for: what they do about a refusal or a
 * failure, how long a person waits, and how long a device keeps its connection. Real clients differ
 * here, and it decides how a target comes back from overload. Pure: no clocks, no sockets.
 */
#ifndef PLIMSOLL_LAB_BEHAVIOUR_H
#define PLIMSOLL_LAB_BEHAVIOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "lab/arrivals.h"
#include "lab/chance.h"

enum behaviour_connection {
	CONNECTION_ACTIVITY, /* kept within an activity, as a browser that comes and goes */
	CONNECTION_REQUEST,  /* a new one for each request */
	CONNECTION_SESSION,  /* a device keeps it from activity to activity, see keep_s */
};

enum behaviour_retry {
	RETRY_NONE,
	RETRY_BLIND,   /* at once, as an impatient person or a careless script */
	RETRY_BACKOFF, /* behind a random wait up to pause_s, doubled each time */
	RETRY_AFTER,   /* a 503 only, when its Retry-After says; without one as RETRY_BACKOFF */
	RETRY_WEAVE,   /* never in the same activity; stays away as Firefox Sync does */
	RETRY_HALF,    /* every other user as RETRY_BLIND, the rest as RETRY_AFTER */
};

struct behaviour {
	enum behaviour_connection connection;
	enum behaviour_retry retry;
	unsigned retries; /* of a request, at most */
	double pause_s, pause_max_s;
	double patience_s;    /* then the user gives a request up; 0: only the timeout ends it */
	bool patience_random; /* exponential around patience_s, else the same for all */
	double resume;	      /* share of new connections that resume a TLS session, 0 to 1 */
	double keep_s;	      /* how long a connection of CONNECTION_SESSION stays unused */
	bool has_hours;
	double hours[ARRIVALS_HOURS]; /* shares of the day, mean 1; if has_hours */
};

#define BEHAVIOUR_DEFAULT                                                                          \
	((struct behaviour){                                                                       \
	    .retries = 3, .pause_s = 1, .pause_max_s = 60, .keep_s = 115 /* as Firefox */ })

/* The same for one user, whose retry is never RETRY_HALF. */
struct behaviour behaviour_of_user(const struct behaviour *b, uint64_t user);

/* What a request came to, as far as trying again is concerned. */
enum behaviour_trouble {
	TROUBLE_REFUSED,   /* 503 */
	TROUBLE_OVERLOAD,  /* 429, 500, 502, 504 */
	TROUBLE_NO_ANSWER, /* no connection, no answer in time, or cut off */
	TROUBLE_WRONG,	   /* another status: trying again would not help */
};

enum behaviour_trouble behaviour_trouble_of(int status);

/*
 * Whether the request is tried again after so many tries before (0: the first try failed), and in
 * how many seconds. asked_s: what the answer's Retry-After says, or < 0.
 */
bool behaviour_tries_again(const struct behaviour *b, enum behaviour_trouble trouble,
    unsigned tries, double asked_s, struct chance *c, double *ret_wait_s);

/*
 * RETRY_WEAVE: seconds to stay away (sync.md 5.3). asked_s: of Retry-After or X-Weave-Backoff, or
 * < 0; then errors in a row, this one counted, make it.
 */
double behaviour_away_s(double asked_s, unsigned errors, struct chance *c);

/* How long this user waits for this request; INFINITY without patience_s. */
double behaviour_patience_s(const struct behaviour *b, struct chance *c);

/* "none", "blind", "backoff", "retry-after", "weave", "half"; "activity", "request", "session".
 * ERR_INVALID. */
NODISCARD enum err behaviour_retry_parse(struct slice name, enum behaviour_retry *ret);
NODISCARD enum err behaviour_connection_parse(struct slice name, enum behaviour_connection *ret);

#endif
