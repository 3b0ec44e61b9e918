/*
 * What is told to a room. Events are told in the order of their numbers and without gaps: one that
 * is not the next has the room looked after, which finds what is missing in the database.
 */
#include "services/pairs/live_priv.h"

enum {
	SIGNAL_BYTES = 256
};

struct socketio_out *live_encode(const struct pairs_told *t)
{
	const struct pairs_changed event = { .seq = t->seq,
		.user = t->user,
		.couple = t->couple,
		.at_ms = t->at_ms,
		.event = t->event,
		.body = t->body };
	struct buf text = buf_new(t->body.len + 512);
	struct json_writer w = json_writer_new(&text);
	struct socketio_out *o = NULL;

	json_begin_array(&w);
	json_put_string(&w, t->event);
	api_put_event(&w, &event);
	json_end_array(&w);
	if (!text.failed) {
		o = socketio_encode(
		    &(struct socketio_message){ .nsp = "/", .json = buf_slice(&text) });
	}
	buf_free(&text);
	return o;
}

/* Calls fn for each member, which may leave by it. */
static void each_member(struct live *l, struct live_room *r,
    void (*fn)(struct live *l, struct live_member *m, void *arg), void *arg)
{
	live_room_ref(r);
	for (struct list *node = r->members.next, *next; node != &r->members; node = next) {
		next = node->next;
		fn(l, LIST_OF(node, struct live_member, node), arg);
	}
	live_room_unref(l, r);
}

struct telling {
	const struct pairs_told *told;
	struct socketio_out *out; /* made for the first who gets it */
	bool failed;
};

static void tell_one(struct live *l, struct live_member *m, void *arg)
{
	struct telling *t = arg;

	if (!m->is_live || m->is_held || m->seq >= t->told->seq) {
		return;
	}
	m->seq = t->told->seq;
	if (t->out == NULL && !t->failed) {
		t->out = live_encode(t->told);
		t->failed = t->out == NULL;
	}
	if (t->failed) {
		/* It comes back and asks for what it has not got. */
		socketio_close(m->socket, "memory");
		return;
	}
	socketio_send(m->socket, t->out, 0);
	live_count(l, LIVE_TOLD, 1);
}

static void expel_one(struct live *l, struct live_member *m, void *arg)
{
	live_expel(l, m, arg);
}

static bool is_end(const struct pairs_told *t)
{
	return slice_eq(t->event, SLICE("couple")) && slice_ends(t->body, SLICE("\"ended\":true}"));
}

void live_room_tell(struct live *l, struct live_room *r, const struct pairs_told *t)
{
	struct telling telling = { .told = t };

	if (t->seq <= r->seq) {
		return;
	}
	if (t->seq != r->seq + 1) {
		live_room_look(l, r);
		return;
	}
	r->seq = t->seq;
	live_room_ref(r);
	each_member(l, r, tell_one, &telling);
	socketio_out_unref(&telling.out);
	if (is_end(t)) {
		each_member(l, r, expel_one, (void *)(uintptr_t) "parted");
	}
	live_room_unref(l, r);
}

/* ---- signals ---- */

static struct slice signal_text(const struct pairs_signal *s, struct buf *text)
{
	struct json_writer w = json_writer_new(text);
	bool is_typing = s->kind == PAIRS_TYPING;

	json_begin_array(&w);
	json_put_string(&w, is_typing ? SLICE("typing") : SLICE("presence"));
	json_begin_object(&w);
	pairs_put_id(&w, "user_id", s->user);
	if (!is_typing) {
		json_put_name(&w, SLICE("state"));
		json_put_string(&w, pairs_presence_name(s->presence));
	}
	json_put_name(&w, is_typing ? SLICE("until") : SLICE("at"));
	json_put_i64(&w, s->when_ms);
	json_end_object(&w);
	json_end_array(&w);
	return buf_slice(text);
}

struct signalling {
	struct socketio_out *out;
	int64_t user;
};

static void signal_one(struct live *l, struct live_member *m, void *arg)
{
	const struct signalling *s = arg;

	(void)l;
	/* Also to those who are still told what was: it has no place in that order, and who is
	 * there has been said in their hello. */
	if (m->user != s->user) {
		socketio_send(m->socket, s->out, ENGINEIO_DROPPABLE);
	}
}

void live_room_signal(struct live *l, struct live_room *r, const struct pairs_signal *signal)
{
	struct buf text = buf_new(SIGNAL_BYTES);
	struct signalling s = { .user = signal->user };

	if (signal->kind == PAIRS_PRESENCE) {
		live_room_seat(r, signal->user)->told = (int8_t)signal->presence;
	}
	s.out = socketio_encode(
	    &(struct socketio_message){ .nsp = "/", .json = signal_text(signal, &text) });
	if (s.out != NULL) {
		each_member(l, r, signal_one, &s);
	}
	socketio_out_unref(&s.out);
	buf_free(&text);
}
