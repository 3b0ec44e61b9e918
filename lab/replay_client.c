/*
 * The clients of a replay: what is due waits in the queue of its client until one of the client's
 * connections is free, and until this process may run one more request.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "lab/replay_priv.h"

enum {
	TEXT_BYTES = 2 << 20
};

static void pull(struct replay *r, uint32_t client);

/* ---- connections ---- */

void replay_drop_slot(struct replay_slot *s)
{
	struct replay_client *c = &s->replay->clients[s->client];
	unsigned i = 0;

	while (c->slots[i] != s) {
		i++;
	}
	c->slots[i] = c->slots[--c->n_slots];
	client_conn_close(&s->conn);
	list_remove(&s->node);
	buf_free(&s->text);
	free(s);
}

void replay_drop_idle(struct replay *r, int64_t before_us, unsigned need)
{
	while (!list_is_empty(&r->idle)) {
		struct replay_slot *s = LIST_OF(r->idle.next, struct replay_slot, node);
		if (s->idle_us >= before_us && need == 0) {
			return;
		}
		need -= need > 0 ? 1 : 0;
		replay_drop_slot(s);
	}
}

static struct replay_slot *take_slot(struct replay *r, uint32_t client)
{
	struct replay_client *c = &r->clients[client];

	for (unsigned i = 0; i < c->n_slots; i++) {
		if (!list_is_empty(&c->slots[i]->node)) {
			list_remove(&c->slots[i]->node);
			return c->slots[i];
		}
	}
	if (c->n_slots == r->plan->parallel) {
		return NULL;
	}
	struct replay_slot *s = calloc(1, sizeof(*s));
	CHECK(s != NULL); /* a hundred bytes */
	s->replay = r;
	s->client = client;
	s->text = buf_new(TEXT_BYTES);
	list_init(&s->node);
	c->slots[c->n_slots++] = s;
	return s;
}

/* ---- room ---- */

/* The client cannot begin what is due: this process runs as many requests as it may. */
static void wait_for_room(struct replay *r, uint32_t client)
{
	struct replay_client *c = &r->clients[client];

	if (c->waits) {
		return;
	}
	c->waits = true;
	c->next_waiting = REPLAY_NOBODY;
	if (r->waiting == REPLAY_NOBODY) {
		r->waiting = client;
	} else {
		r->clients[r->last_waiting].next_waiting = client;
	}
	r->last_waiting = client;
}

/* One that gets it may be over at once, which gives room again: a loop, not a recursion. */
static void give_room(struct replay *r)
{
	r->rooms++;
	if (r->giving) {
		return;
	}
	r->giving = true;
	for (; r->rooms > 0 && r->waiting != REPLAY_NOBODY; r->rooms--) {
		uint32_t client = r->waiting;
		r->waiting = r->clients[client].next_waiting;
		r->clients[client].waits = false;
		pull(r, client);
	}
	r->rooms = 0;
	r->giving = false;
}

void replay_over(struct replay_slot *s)
{
	struct replay *r = s->replay;
	struct replay_client *c = &r->clients[s->client];

	r->over++;
	r->l.n_running--;
	c->n_busy--;
	s->idle_us = clock_mono_us();
	list_push(&r->idle, &s->node);
	pull(r, s->client);
	give_room(r);
	loop_again(r->l.loop);
}

/* ---- what is due ---- */

static void begin_first(struct replay *r, struct replay_slot *s)
{
	struct replay_client *c = &r->clients[s->client];
	uint32_t place = c->first;
	int64_t due_us = r->l.start_us + r->schedule->due_us[place];
	bool waited = c->n_busy > 0 || s->idle_us > due_us;

	c->first = r->next[place];
	if (!waited && r->plan->times != REPLAY_FAST) {
		/* The generator's own: the client was free when it was due. */
		int64_t late_us = clock_mono_us() - due_us;
		hdr_record(&r->l.result->lateness, late_us);
		hdr_record(&r->l.result->first_lateness, late_us);
	}
	replay_begin(s, place);
}

/*
 * Begins what of a client is due, as far as it has connections. A request may be over before it is
 * sent, and wants to pull then: the loop goes on with that.
 */
static void pull(struct replay *r, uint32_t client)
{
	struct replay_client *c = &r->clients[client];

	if (c->pulls) {
		return;
	}
	c->pulls = true;
	while (c->first != REPLAY_NOBODY && !r->l.ending) {
		if (r->l.n_running >= r->l.max_running) {
			wait_for_room(r, client);
			break;
		}
		struct replay_slot *s = take_slot(r, client);
		if (s == NULL) {
			break;
		}
		begin_first(r, s);
	}
	c->pulls = false;
}

void replay_push(struct replay *r, size_t place)
{
	uint32_t client = r->schedule->clients[place];
	struct replay_client *c = &r->clients[client];

	c->asked = true;
	r->next[place] = REPLAY_NOBODY;
	if (c->first == REPLAY_NOBODY) {
		c->first = c->last = (uint32_t)place;
	} else {
		r->next[c->last] = (uint32_t)place;
		c->last = (uint32_t)place;
	}
	replay_figures(r)->due++;
	pull(r, client);
}
