/*
 * Web push (RFC 8030, 8291, 8292): who wants to be told, and the posts that tell. A subscription is
 * one browser's, and belongs to the session by which it was given: when that is over, so is it. It
 * is kept for an owner, whom the service names ("pairs:17").
 *
 * A push is a post (posts.h) with an address: at most one waits for each subscription, the newest,
 * which says how many it stands for. The courier encrypts it; the signer says who we are
 * (vapid.h).
 */
#ifndef PLIMSOLL_ACCOUNTS_PUSH_H
#define PLIMSOLL_ACCOUNTS_PUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/posts.h"
#include "accounts/push_endpoint.h"
#include "core/service.h"
#include "core/store/store.h"

enum {
	PUSH_SUBSCRIPTIONS_MAX = 20, /* of one owner; an older one gives way */
	PUSH_OWNER_MAX = 40,
	PUSH_SESSION_MAX = 64,
	PUSH_KEY_TEXT_MAX = 100, /* of p256dh or auth */
	PUSH_BODY_MAX = 3800,	 /* so that the message is never too long, with its count */
};

/* Texts are borrowed, or in the arena that they were read into. */
struct push_subscription {
	int64_t id;
	struct slice session; /* what the service calls it */
	struct slice endpoint, p256dh, auth;
	bool text; /* pushes may have the words of what happened */
	int64_t created_ms;
};

/* ---- store ---- */

/*
 * Puts one; *ret_id is its number, s->id unless the session has one already, which is replaced. One
 * of the same endpoint goes, whoever's it was, with what waits for it: it is the same browser.
 */
NODISCARD enum err push_subscribe(struct txn *t, struct slice owner,
    const struct push_subscription *s, int64_t *ret_id, struct err_note *note);

/* With what waits for it. ERR_NOT_FOUND. */
NODISCARD enum err push_unsubscribe(
    struct txn *t, struct slice owner, int64_t id, struct err_note *note);

/* All of an owner, oldest first: *ret_n of them. Also of web's connection. */
NODISCARD enum err push_list(struct sql_db *db, struct arena *arena, struct slice owner,
    struct push_subscription ret[PUSH_SUBSCRIPTIONS_MAX], unsigned *ret_n, struct err_note *note);

/* How soon a push has to arrive (RFC 8030 5.3). */
enum push_urgency {
	PUSH_NORMAL,
	PUSH_HIGH, /* a phone wakes up for it */
};

struct push {
	int64_t seq;	   /* another one for each newer push of a subscription */
	struct slice body; /* JSON object of at most PUSH_BODY_MAX bytes */
	enum push_urgency urgency;
	int64_t ttl_s; /* how long the push service keeps it for a browser that is away */
};
NODISCARD enum err push_put(struct txn *t, struct slice owner, const struct push_subscription *s,
    const struct push *p, struct err_note *note);

/* ---- a push's address, as its post has it ---- */

struct push_target {
	struct slice endpoint, p256dh, auth, urgency, ttl;
};

/* False: it is damaged. */
bool push_target_take(struct slice text, struct push_target *ret);

/* Whose it is, out of the post's key. False: it is no push. */
bool push_key_take(struct slice key, struct slice *ret_owner, int64_t *ret_id);

/* ---- web and courier learn where pushes may go; the texts must live until they are told ---- */

void push_set_policy(struct svc_env *env, const struct push_policy *policy, bool is_on);
const struct push_policy *push_policy(const struct svc_env *env);
bool push_is_on(const struct svc_env *env);

#endif
