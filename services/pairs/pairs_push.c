/*
 * Role: store. Browsers that are told by web push (accounts/push.h): taking them, and telling those
 * of a member. A subscription is the session's by which it was given; whether that still stands is
 * looked at when there is something to tell, so whatever ends a session ends it.
 */
#include "services/pairs/pairs_push.h"

#include <stdio.h>

#include "accounts/push.h"
#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_session.h"

struct slice pairs_push_owner(int64_t user, char text[PAIRS_OWNER_SIZE])
{
	int n = snprintf(text, PAIRS_OWNER_SIZE, "pairs:%lld", (long long)user);

	return SLICE_OF(text, (size_t)n);
}

enum err pairs_push_add(struct pairs_write *w)
{
	const struct pairs_change_req *r = w->r;
	char owner[PAIRS_OWNER_SIZE];
	const struct push_subscription s = { .id = r->new_id,
		.session = r->hash,
		.endpoint = r->endpoint,
		.p256dh = r->p256dh,
		.auth = r->auth,
		.text = r->with_text != 0 };

	/* The number that it has goes back as the user's: no event has it. */
	return push_subscribe(w->t, pairs_push_owner(r->user, owner), &s, &w->c.user, w->note);
}

enum err pairs_push_delete(struct pairs_write *w)
{
	char owner[PAIRS_OWNER_SIZE];
	enum err e = push_unsubscribe(w->t, pairs_push_owner(w->r->user, owner), w->r->id, w->note);

	return e == ERR_NOT_FOUND ? pairs_refuse(w, PAIRS_NOT_FOUND) : e;
}

/* Does the session stand, and is it the member's? */
static enum err check_session(
    struct pairs_write *w, const struct push_subscription *s, int64_t user, bool *ret)
{
	struct pairs_session session;
	enum err e = pairs_session_by_hash(
	    w->t->db, w->t->arena, s->session, w->t->now_ms, &session, w->note);

	*ret = e == ERR_OK && session.user.id == user;
	return e == ERR_UNAUTHENTICATED ? ERR_OK : e;
}

enum err pairs_put_pushes(struct pairs_write *w, int64_t to, int64_t seq, bool is_urgent,
    struct slice full, struct slice bare)
{
	struct push_subscription *all =
	    arena_alloc(w->t->arena, PUSH_SUBSCRIPTIONS_MAX * sizeof(*all));
	char text[PAIRS_OWNER_SIZE];
	struct slice owner = pairs_push_owner(to, text);
	struct push push = { .seq = seq,
		.urgency = is_urgent ? PUSH_HIGH : PUSH_NORMAL,
		.ttl_s = w->r->push_ttl_s };
	unsigned n = 0;
	enum err e =
	    all == NULL ? ERR_MEMORY : push_list(w->t->db, w->t->arena, owner, all, &n, w->note);

	for (unsigned i = 0; e == ERR_OK && i < n; i++) {
		bool stands = false;
		e = check_session(w, &all[i], to, &stands);
		if (e != ERR_OK) {
			break;
		}
		if (!stands) {
			e = push_unsubscribe(w->t, owner, all[i].id, w->note);
			continue;
		}
		push.body = all[i].text && full.len <= PUSH_BODY_MAX ? full : bare;
		e = push_put(w->t, owner, &all[i], &push, w->note);
	}
	return e;
}
