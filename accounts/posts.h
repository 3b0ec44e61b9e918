/*
 * Posts: durable notices to the one server that the operator has named for them ("webhooks"). A
 * transaction function puts one; the courier leases what is due, posts it signed, and says how it
 * went. There is one post for each key: a newer one takes the place of an older one that has not
 * gone out, and counts how many it stands for. So however long that server is away, no more waits
 * than there are keys, and it is told the latest.
 *
 * A post with an address of its own, its target, is a push to a browser (push.h), and not signed
 * so.
 *
 * The signature is of the courier, which alone knows the secret:
 *	Plimsoll-Timestamp: <seconds since 1970>
 *	Plimsoll-Signature: sha256=<hex of HMAC-SHA256(secret, timestamp "." body)>
 */
#ifndef PLIMSOLL_ACCOUNTS_POSTS_H
#define PLIMSOLL_ACCOUNTS_POSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"
#include "core/service.h"
#include "core/store/store.h"

enum {
	POST_BODY_MAX = 16 * 1024,
	POST_TARGET_MAX = 1536,
	POST_LEASE_MAX = 16, /* rows of one lease */
	POST_REPLY_MAX = POST_LEASE_MAX * (POST_BODY_MAX + POST_TARGET_MAX + 256),
	POST_TRIES_MAX = 14, /* then it is given up: after about five hours with this back-off */
	POST_RETRY_FIRST_MS = 5 * 1000, /* doubles with each try up to */
	POST_RETRY_LAST_MS = 3600 * 1000,
	POST_PAUSE_MAX_MS = 24 * 3600 * 1000, /* whatever the other side asks for */
	POST_WAIT_MAX_MS = 30 * 1000,	      /* the courier looks that often, woken or not */
};

/* Text is borrowed. seq is another one for each newer post of a key. */
struct post {
	struct slice key; /* "pairs:17" */
	int64_t seq;
	struct slice body;   /* JSON object */
	struct slice target; /* empty: the server of posts */
	int64_t n;	     /* how many this one stands for; set by the database */
};

/* In a transaction; wakes the courier after it. ERR_LIMIT: the body is too long. */
NODISCARD enum err post_put(struct txn *t, const struct post *p, struct err_note *note);

/* Forgets what waits under a key, if there is anything. */
NODISCARD enum err post_drop(struct txn *t, struct slice key, struct err_note *note);

/* ---- accounts.post_lease: courier -> store ---- */

extern const struct rpc_def accounts_post_lease;

/* most: 1..POST_LEASE_MAX. */
void post_put_lease_req(struct buf *out, int64_t lease_ms, uint32_t most);

struct posts_leased {
	uint32_t n;
	int64_t wait_ms; /* until there is more to lease, at most POST_WAIT_MAX_MS */
	struct post posts[POST_LEASE_MAX];
};
NODISCARD bool posts_take_leased(struct slice message, struct posts_leased *ret);

/* ---- accounts.post_done: courier -> store; reply empty ---- */

extern const struct rpc_def accounts_post_done;

enum post_outcome {
	POST_TAKEN,
	POST_RETRY,
	POST_REFUSED, /* for good */
	POST_GONE,    /* and there is nobody any more: a push subscription ends */
	POST_PUT_OFF, /* not tried, because others are; does not count as a try */
	POST_OUTCOMES
};
struct post_result {
	enum post_outcome outcome;
	int64_t pause_ms; /* POST_RETRY: at least; POST_PUT_OFF: exactly */
};
void post_put_done(struct buf *out, const struct post *p, const struct post_result *r);

/* Courier: counts how one went. */
void posts_count(const struct svc_env *env, const struct post *p, enum post_outcome outcome);

/* ---- the courier's process learns where to; texts must live until it is told others ---- */

void posts_set_target(struct svc_env *env, const char *url, const char *secret);
/* Empty: nowhere. */
const char *posts_url(const struct svc_env *env);
const char *posts_secret(const struct svc_env *env);

#endif
