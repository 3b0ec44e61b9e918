/*
 * Joining: whose token it is, the greeting, and what the client has missed. The room is entered
 * before anything is read from the stream, and what is told to it meanwhile is not sent to a member
 * who is not live: so a number comes by the one way or by the other, and by none twice.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "services/pairs/live_priv.h"

/* The event hello, which must be the first: {user, couple, head, server_time}. */
static enum err say_hello(
    struct live *l, struct live_member *m, struct arena *arena, const struct pairs_session *s)
{
	struct op_call c = live_op_call(l, arena, &pairs_ops[PAIRS_SOCKET_OPS + API_GET_ME]);
	struct api_call *a = arena_alloc(arena, sizeof(*a));

	if (a == NULL) {
		return ERR_MEMORY;
	}
	*a = (struct api_call){ .c = &c,
		.env = l->env,
		.state = c.state,
		.row = &api_rows[API_GET_ME],
		.now_ms = clock_wall_ms() };
	api_set_session(a, s);
	/* By being here. */
	a->user.present_ms = a->now_ms + 1;
	a->user.away = false;
	enum err e = api_begin(a);
	if (e != ERR_OK) {
		return e;
	}
	json_begin_array(&a->out);
	json_put_string(&a->out, SLICE("hello"));
	json_begin_object(&a->out);
	e = api_put_me(a);
	json_put_name(&a->out, SLICE("head"));
	json_put_i64(&a->out, s->head);
	json_put_name(&a->out, SLICE("server_time"));
	json_put_i64(&a->out, a->now_ms);
	json_end_object(&a->out);
	json_end_array(&a->out);
	struct slice text = SLICE_EMPTY;
	if (e == ERR_OK) {
		e = buf_finish(a->body, &text);
	}
	if (e == ERR_OK && !m->is_over) {
		socketio_accept(m->socket);
		socketio_emit(m->socket, text, 0);
	}
	return e;
}

static void refuse(struct live_member *m, const char *why)
{
	if (!m->is_over) {
		socketio_refuse(m->socket, why, SLICE_EMPTY);
	}
}

/* It may try again. */
static void refuse_for_now(struct live_member *m)
{
	if (!m->is_over) {
		live_refuse_for_now(m->socket);
	}
}

static void enter(
    struct live *l, struct live_member *m, struct arena *arena, const struct pairs_session *s)
{
	struct err_note note = { 0 };

	m->room = live_room_get(l, s->user.couple, s->head, s->user.id, s->partner);
	if (m->room == NULL) {
		refuse_for_now(m);
		return;
	}
	m->user = s->user.id;
	memcpy(m->token_hash, s->token_hash, sizeof(m->token_hash));
	enum err e = say_hello(l, m, arena, s);
	if (e != ERR_OK) {
		refuse_for_now(m);
		return;
	}
	if (m->is_over) {
		return;
	}
	/* From here on it is found by whoever looks for sessions that are over. */
	live_room_enter(l, m);
	m->seq = m->seq < 0 ? s->head : m->seq;
	e = live_replay(l, m, s->head, &note);
	if (e != ERR_OK && !m->is_over) {
		socketio_close(m->socket, "cannot read");
		return;
	}
	live_room_look(l, m->room);
}

void live_join(struct live *l, struct live_member *m, struct slice token)
{
	struct arena arena = arena_new(LIVE_ARENA_MAX);
	struct pairs_session s;
	struct err_note note = { 0 };
	enum err e = pairs_session_find(l->env, &arena, token, clock_wall_ms(), &s, &note);

	if (e == ERR_UNAUTHENTICATED) {
		refuse(m, "unauthorized");
	} else if (e != ERR_OK) {
		refuse_for_now(m);
	} else if (s.partner == 0) {
		refuse(m, "unpaired");
	} else if (!m->is_over) {
		enter(l, m, &arena, &s);
	}
	arena_reset(&arena);
}
