/*
 * Role: web. How Sync behaves as the load grows (sync.md 5.3, core/grace/backoff.h). Browsers sync
 * by the clock, so most of the load is not urgent, and they obey:
 *
 * X-Weave-Backoff goes on answers to a rising share of users, while all are served: this sync goes
 * on, the next one comes later. 503 with Retry-After goes to a share of those that begin (the
 * token, GET info/collections), then of the rest; the path alone decides, before the signature is
 * looked at and the body is read. Whom the share lets in is let in by admission only where the
 * store has room for all of his sync (core/grace/admit.h).
 *
 * A sync that has begun, and an upload that has, are served to their end. The request that begins
 * one is a beginning each time it comes, but for a few seconds: with a token, or because much was
 * new, a browser asks for it again in the same sync. 429 is never sent: Firefox does not heed
 * Retry-After on it.
 */
#ifndef PLIMSOLL_SYNC_SYNC_BACKOFF_H
#define PLIMSOLL_SYNC_SYNC_BACKOFF_H

#include "core/base/shared_words.h"
#include "core/grace/admit.h"
#include "core/grace/backoff.h"
#include "core/http/http.h"
#include "core/obs/metric.h"
#include "services/sync/sync_use.h"

struct svc_env;

struct sync_backoff {
	const struct svc_env *env;
	struct backoff shares;
	struct backoff_limits limits;
	struct shared_words begun;
	struct delay_meter loop_wait;
	int64_t store_wait_us; /* sum of what requests met since the last look, and how many */
	int64_t store_waits;
	unsigned done; /* requests of syncs that were served since the last look */
	struct sync_use before;
	double use;	  /* in the last second, see sync_use.h */
	bool refuses_now; /* the answer that is being made is a refusal of admission */
	_Atomic int64_t *asked, *refused;
	_Atomic int64_t *use_now, *asked_now, *refused_now;
};

enum {
	SYNC_METRICS = 5
};
extern const struct metric_def sync_metrics[SYNC_METRICS];

/* Opens what is shared. Errors as shared_words_open(). */
NODISCARD enum err sync_backoff_open(
    const struct svc_env *env, struct sync_backoff *ret, struct err_note *note);
/* Begins to look at the load; b stays where it is. */
void sync_backoff_start(struct sync_backoff *b);
void sync_backoff_close(struct sync_backoff *b);
/* Takes the limits from the configuration, which is checked. */
void sync_backoff_configure(struct sync_backoff *b);

/* What a request meets; at each that is decided about. */
void sync_backoff_note(struct sync_backoff *b, const struct grace_load *load, int64_t now_us);

/* ---- sync_backoff_call.c ---- */

/* A request is served that the user of its path has proved to have sent: his sync has begun. */
void sync_backoff_serves(struct op_call *c);
/* The same of a token that is given out: the requests with it are the rest of what it began. */
void sync_backoff_gives(struct op_call *c, int64_t uid);

/* Counts what was served, and adds the header that asks to stay away, where it is due. */
void sync_backoff_decorate(struct op_call *c);

/*
 * Seconds to say with a 503: so many and up to as many more, or, while syncs are refused, those of
 * the configuration, if they are more.
 */
unsigned sync_backoff_retry_s(const struct op_call *c, unsigned few_s);

/* The service's slots of that name; see struct http_site. */
enum shed_rank sync_rank(struct op_call *c, const struct grace_load *load);
uint64_t sync_user(struct op_call *c);
void sync_busy(struct op_call *c);

#endif
