/*
 * Looking after a room, from time to time and when there is a reason: numbers that nobody has told
 * it, sessions that are over, the leases of those who are here, and partners whose lease has ended
 * without anybody saying so. In a task.
 */
#include "core/base/clock.h"
#include "services/pairs/live_priv.h"

enum {
	LOOKS_PER_LEASE = 3,
	CALL_US = 5 * 1000 * 1000,
};

/* ---- sessions ---- */

static struct live_member *next_suspect(const struct live_room *r)
{
	list_each (node, &r->members) {
		struct live_member *m = LIST_OF(node, struct live_member, node);
		if (m->is_suspect) {
			return m;
		}
	}
	return NULL;
}

/* Reading waits, so members come and go meanwhile. False: not all could be looked at. */
static bool check_sessions(struct live *l, struct live_room *r, struct arena *arena)
{
	struct live_member *m = NULL;
	bool is_good = true;

	list_each (node, &r->members) {
		LIST_OF(node, struct live_member, node)->is_suspect = true;
	}
	while ((m = next_suspect(r)) != NULL) {
		struct pairs_session s;
		struct err_note note = { 0 };

		m->is_suspect = false;
		live_member_ref(m);
		enum err e = pairs_session_by_hash(
		    l->env->db, arena, slice_str(m->token_hash), clock_wall_ms(), &s, &note);
		if (!m->is_over && e == ERR_UNAUTHENTICATED) {
			live_expel(l, m, "signed_out");
		} else if (!m->is_over && e == ERR_OK && s.user.couple != r->couple) {
			live_expel(l, m, "parted");
		}
		is_good = is_good && (e == ERR_OK || e == ERR_UNAUTHENTICATED);
		live_member_unref(l, m);
		arena_reset(arena);
	}
	return is_good;
}

/* ---- presence ---- */

static int64_t lease_ms(const struct live *l)
{
	return conf_ms(l->env->conf, "pairs", "presence_lease");
}

/* Writes the lease that the sessions here stand for, if it is time. */
static void keep_lease(struct live *l, struct live_seat *seat, struct arena *arena)
{
	int64_t now_ms = clock_wall_ms(), now_us = loop_now_us(l->env->loop);
	bool away = seat->n_looking == 0;
	bool leaves =
	    seat->n == 0 && seat->until_ms != 0 && now_us - seat->left_us >= LIVE_LINGER_US;
	bool renews = seat->n > 0 &&
		      (seat->until_ms - now_ms < lease_ms(l) / 2 || seat->lease_is_away != away);
	struct pairs_change_req r = { .kind = PAIRS_SET_PRESENCE,
		.user = seat->user,
		.holder = l->holder,
		.until_ms = leaves ? 0 : now_ms + lease_ms(l),
		.away = away ? 1 : 0 };
	struct pairs_changed changed;
	struct err_note note = { 0 };

	if (l->draining || (!leaves && !renews)) {
		return;
	}
	if (leaves && seat->until_ms <= now_ms) {
		seat->until_ms = 0;
		return;
	}
	/* Whoever comes while this is under way finds a lease that is not theirs, and asks again.
	 */
	seat->until_ms = renews ? r.until_ms : 0;
	seat->lease_is_away = away;
	enum err e =
	    pairs_make_change(l->env, arena, clock_mono_us() + CALL_US, 0, &r, &changed, &note);
	if (e != ERR_OK) {
		seat->until_ms = now_ms + 1; /* not known: to be written again */
	}
	arena_reset(arena);
}

/* A lease that has run out is nobody's to tell. */
static void look_at_partner(
    struct live *l, struct live_room *r, struct live_seat *seat, struct arena *arena)
{
	struct pairs_user u;
	struct err_note note = { 0 };
	int8_t told = seat->told;
	int64_t now_ms = clock_wall_ms();

	if (pairs_user_get(l->env->db, arena, seat->user, &u, &note) == ERR_OK) {
		enum pairs_presence p = pairs_presence_of(&u, now_ms);
		if (told >= 0 && told != (int8_t)p && told == seat->told) {
			live_room_signal(l, r,
			    &(struct pairs_signal){ .kind = PAIRS_PRESENCE,
				.couple = r->couple,
				.user = seat->user,
				.when_ms = now_ms,
				.presence = p });
		}
		seat->told = told == seat->told ? (int8_t)p : seat->told;
	}
	arena_reset(arena);
}

/* ---- the look ---- */

/* False: it failed, and is to be repeated soon. */
static bool look_once(struct live *l, struct live_room *r, int64_t period_us)
{
	struct arena arena = arena_new(LIVE_ARENA_MAX);
	struct err_note note = { 0 };
	int64_t now_us = loop_now_us(l->env->loop);
	bool whole = now_us - r->checked_us >= period_us;
	bool is_good = live_catch_up(l, r, &note) == ERR_OK;

	if (is_good && (whole || r->recheck)) {
		r->recheck = false;
		is_good = check_sessions(l, r, &arena);
		r->recheck = r->recheck || !is_good;
	}
	for (unsigned i = 0; i < 2; i++) {
		keep_lease(l, &r->seats[i], &arena);
	}
	for (unsigned i = 0; whole && i < 2; i++) {
		look_at_partner(l, r, &r->seats[i], &arena);
	}
	if (whole && is_good) {
		r->checked_us = now_us;
	}
	arena_reset(&arena);
	return is_good;
}

bool live_look(struct live *l, struct live_work *w)
{
	struct live_room *r = LIST_OF(w, struct live_room, work);
	int64_t period_us = lease_ms(l) * 1000 / LOOKS_PER_LEASE;
	bool is_good = true;

	live_room_ref(r);
	while (r->is_wanted) {
		r->is_wanted = false;
		is_good = look_once(l, r, period_us);
	}
	r->is_busy = false;
	int64_t now_us = loop_now_us(l->env->loop);
	bool soon = !is_good || now_us < l->alert_until_us || r->seats[0].n + r->seats[1].n == 0;
	int64_t wait_us = soon && period_us > LIVE_ALERT_LOOK_US ? LIVE_ALERT_LOOK_US : period_us;
	live_room_look_at(l, r, now_us + wait_us);
	live_room_unref(l, r);
	return false;
}
