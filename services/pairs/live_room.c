/*
 * Rooms: the couples that have sessions in this process, and who of the two is here how often.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "services/pairs/live_priv.h"

/* Numbers of couples are random. */
static struct live_room **bucket_of(const struct live *l, int64_t couple)
{
	return &l->buckets[(uint64_t)couple % LIVE_BUCKETS];
}

struct live_room *live_room_find(const struct live *l, int64_t couple)
{
	struct live_room *r = *bucket_of(l, couple);

	while (r != NULL && r->couple != couple) {
		r = r->next;
	}
	return r;
}

void live_room_ref(struct live_room *r)
{
	r->refs++;
}

struct live_room *live_room_get(
    struct live *l, int64_t couple, int64_t seq, int64_t user, int64_t partner)
{
	struct live_room *r = live_room_find(l, couple);

	if (r == NULL) {
		struct live_room **bucket = bucket_of(l, couple);
		r = calloc(1, sizeof(*r));
		if (r == NULL) {
			return NULL;
		}
		r->work.run = live_look;
		list_init(&r->work.node);
		list_init(&r->members);
		r->couple = couple;
		r->seq = seq;
		r->seats[0] = (struct live_seat){ .user = user, .told = -1 };
		r->seats[1] = (struct live_seat){ .user = partner, .told = -1 };
		r->next = *bucket;
		*bucket = r;
		l->n_rooms++;
		live_count(l, LIVE_ROOMS, 1);
		live_wind(l);
	}
	live_room_ref(r);
	return r;
}

void live_room_unref(struct live *l, struct live_room *r)
{
	struct live_room **link = bucket_of(l, r->couple);
	bool holds = !l->draining && (r->seats[0].until_ms != 0 || r->seats[1].until_ms != 0);

	CHECK(r->refs > 0);
	r->refs--;
	if (r->refs > 0 || r->is_busy || holds) {
		return; /* a lease that is held has to be ended first */
	}
	while (*link != r) {
		link = &(*link)->next;
	}
	*link = r->next;
	deadline_remove(&l->heap, &r->deadline);
	l->n_rooms--;
	live_count(l, LIVE_ROOMS, -1);
	free(r);
}

/* ---- looking after it ---- */

void live_room_look(struct live *l, struct live_room *r)
{
	r->is_wanted = true;
	if (!r->is_busy) {
		r->is_busy = true;
		live_begin(l, &r->work);
	}
}

void live_room_recheck(struct live *l, struct live_room *r)
{
	list_each (node, &r->members) {
		LIST_OF(node, struct live_member, node)->checked_us = 0;
	}
	r->recheck = true;
	live_room_look(l, r);
}

void live_room_look_at(struct live *l, struct live_room *r, int64_t due_us)
{
	deadline_remove(&l->heap, &r->deadline);
	deadline_add(&l->heap, &r->deadline, due_us);
}

/* ---- members ---- */

struct live_seat *live_room_seat(struct live_room *r, int64_t user)
{
	return &r->seats[r->seats[0].user == user ? 0 : 1];
}

/* Of a member who has too many; most likely nobody is behind the oldest any more. */
static void close_oldest(const struct live_room *r, int64_t user)
{
	list_each (node, &r->members) {
		const struct live_member *m = LIST_OF(node, struct live_member, node);
		if (m->user == user) {
			socketio_close(m->socket, "too many sessions");
			return;
		}
	}
}

void live_room_enter(struct live *l, struct live_member *m)
{
	struct live_room *r = m->room;
	struct live_seat *seat = live_room_seat(r, m->user);

	if (seat->n >= LIVE_SEAT_MAX) {
		close_oldest(r, m->user);
	}
	list_push(&r->members, &m->node);
	seat->n++;
	seat->n_looking += m->is_away ? 0 : 1;
	live_count(l, LIVE_MEMBERS, 1);
}

void live_room_leave(struct live *l, struct live_member *m)
{
	struct live_seat *seat = NULL;

	if (list_is_empty(&m->node)) {
		return;
	}
	list_remove(&m->node);
	m->is_live = false;
	seat = live_room_seat(m->room, m->user);
	seat->n--;
	seat->n_looking -= m->is_away ? 0 : 1;
	live_count(l, LIVE_MEMBERS, -1);
	if (seat->n == 0) {
		seat->left_us = loop_now_us(l->env->loop);
		live_room_look_at(l, m->room, seat->left_us + LIVE_LINGER_US);
	} else if (seat->n_looking == 0 && !seat->lease_is_away) {
		live_room_look(l, m->room);
	}
}

void live_room_set_away(struct live *l, struct live_member *m, bool away)
{
	if (list_is_empty(&m->node) || m->is_away == away) {
		return;
	}
	struct live_seat *seat = live_room_seat(m->room, m->user);
	m->is_away = away;
	if (away) {
		seat->n_looking--;
	} else {
		seat->n_looking++;
	}
	if ((seat->n_looking == 0) != seat->lease_is_away) {
		live_room_look(l, m->room);
	}
}
