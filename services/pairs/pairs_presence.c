/*
 * Role: store. Who is there. Being there is a lease: whoever has a member's device on the line (the
 * device itself over REST, a web process over its sessions) renews one of its own and may end it
 * early; all others end by themselves, whatever process dies. A member is there as long as one of
 * the leases runs, and looking if one of those does. What comes of it stands with the member, so
 * that readers need not look at leases.
 */
#include "services/pairs/pairs_change_priv.h"

static enum err put_lease(struct pairs_write *w)
{
	const struct pairs_change_req *r = w->r;
	enum err e = pairs_run(w->t->db, PAIRS_LEASE_END,
	    PAIRS_VALUES(PAIRS_N("user_id", r->user), PAIRS_N("holder", r->holder),
		PAIRS_N("now_ms", w->t->now_ms)),
	    w->note);

	if (e != ERR_OK || r->until_ms <= w->t->now_ms) {
		return e;
	}
	return pairs_run(w->t->db, PAIRS_LEASE_PUT,
	    PAIRS_VALUES(PAIRS_N("user_id", r->user), PAIRS_N("holder", r->holder),
		PAIRS_N("until_ms", r->until_ms), PAIRS_N("away", r->away)),
	    w->note);
}

/* The longest lease of those that look, or else of the others. */
static enum err find_longest(struct pairs_write *w, struct pairs_user *u)
{
	struct sql_query *q;
	enum err e = pairs_find(w->t->db, PAIRS_LEASE_LONGEST,
	    PAIRS_VALUES(PAIRS_N("user_id", u->id), PAIRS_N("most", 1)), &q, w->note);

	u->present_ms = 0;
	u->away = false;
	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	u->present_ms = sql_col_i64(q, 0);
	u->away = sql_col_i64(q, 1) != 0;
	sql_end(q);
	return ERR_OK;
}

enum err pairs_set_presence(struct pairs_write *w)
{
	struct pairs_user u;
	enum err e = pairs_user_get(w->t->db, w->t->arena, w->r->user, &u, w->note);

	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? pairs_refuse(w, PAIRS_NOT_FOUND) : e;
	}
	enum pairs_presence before = pairs_presence_of(&u, w->t->now_ms);
	e = put_lease(w);
	if (e == ERR_OK) {
		e = find_longest(w, &u);
	}
	if (e == ERR_OK) {
		e = pairs_run(w->t->db, PAIRS_USER_PRESENT,
		    PAIRS_VALUES(PAIRS_N("present_ms", u.present_ms),
			PAIRS_N("away", u.away ? 1 : 0), PAIRS_N("id", u.id)),
		    w->note);
	}
	enum pairs_presence after = pairs_presence_of(&u, w->t->now_ms);
	w->c.user = u.id;
	w->c.couple = u.couple;
	w->c.at_ms = w->t->now_ms;
	w->c.presence = after == before ? 0 : 1 + (int64_t)after;
	return e;
}
