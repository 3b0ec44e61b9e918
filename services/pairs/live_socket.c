/*
 * Clients of live sessions: what they send waits in a list of their own and is done one after the
 * other, so that what one client does has the order in which it was sent.
 */
#include <stdlib.h>

#include "core/base/rng.h"
#include "services/pairs/live_priv.h"

enum {
	BODY_LEAST = 4096, /* bytes that any event may have */
	TOKEN_MAX = 100,
	TEXT_BYTES = 256,
	RETRY_MS = 1000,      /* at least, and up to */
	RETRY_MORE_MS = 4000, /* this much more: those who were refused together come apart */
};

static struct live *live_of(void *arg)
{
	struct pairs_state *state = arg;

	return state->live;
}

/* ---- life of a member ---- */

void live_member_ref(struct live_member *m)
{
	m->refs++;
}

void live_member_unref(struct live *l, struct live_member *m)
{
	if (--m->refs > 0) {
		return;
	}
	for (struct list *node; (node = list_pop(&m->calls)) != NULL;) {
		free(LIST_OF(node, struct live_call, node));
	}
	if (m->room != NULL) {
		live_room_unref(l, m->room);
	}
	socketio_unref(m->socket);
	free(m);
}

/* One call, or the wish to join. */
static bool work(struct live *l, struct live_work *w)
{
	struct live_member *m = LIST_OF(w, struct live_member, work);
	struct list *node = m->is_over ? NULL : list_pop(&m->calls);

	if (node != NULL) {
		struct live_call *call = LIST_OF(node, struct live_call, node);
		m->n_calls--;
		if (call->row == API_ROWS) {
			live_join(l, m, SLICE_OF(call->text, call->len));
		} else {
			live_do(l, m, call);
		}
		free(call);
	}
	if (!m->is_over && !list_is_empty(&m->calls)) {
		return true;
	}
	m->is_busy = false;
	live_member_unref(l, m);
	return false;
}

static struct live_member *member_new(struct socketio_socket *s)
{
	struct live_member *m = calloc(1, sizeof(*m));

	if (m != NULL) {
		m->work.run = work;
		list_init(&m->work.node);
		list_init(&m->node);
		list_init(&m->calls);
		m->socket = s;
		m->seq = -1;
		m->refs = 1; /* of the socket, until it is closed */
		socketio_ref(s);
		socketio_set_data(s, m);
	}
	return m;
}

/* False: no memory. */
static bool put_call(struct live *l, struct live_member *m, enum api_number row, struct slice text,
    const struct socketio_event *ev)
{
	struct live_call *call = malloc(sizeof(*call) + text.len);

	if (call == NULL) {
		return false;
	}
	*call = (struct live_call){ .row = row, .len = text.len };
	memcpy(call->text, text.ptr, text.len);
	if (ev != NULL) {
		call->wants_ack = ev->wants_ack;
		call->ack = ev->id;
	}
	list_push(&m->calls, &call->node);
	m->n_calls++;
	if (!m->is_busy) {
		m->is_busy = true;
		live_member_ref(m);
		live_begin(l, &m->work);
	}
	return true;
}

/* ---- joining ---- */

void live_refuse_for_now(struct socketio_socket *s)
{
	struct buf data = buf_new(TEXT_BYTES);

	buf_printf(&data, "{\"retry_ms\":%u}", RETRY_MS + (unsigned)rng_below(RETRY_MORE_MS));
	socketio_refuse(s, "overloaded", buf_slice(&data));
	buf_free(&data);
}

static void on_connect(
    void *arg, struct socketio_socket *s, struct slice auth, const struct json *json)
{
	struct live *l = live_of(arg);
	struct slice token = SLICE_EMPTY;
	struct live_member *m = NULL;

	(void)auth;
	if (!json_get_string(json_member(json, "token"), &token) || token.len > TOKEN_MAX) {
		socketio_refuse(s, "unauthorized", SLICE_EMPTY);
		return;
	}
	m = l->n_ready >= LIVE_READY_MAX ? NULL : member_new(s);
	if (m != NULL) {
		(void)json_get_i64(json_member(json, "after"), &m->seq);
	}
	if (m == NULL || !put_call(l, m, API_ROWS, token, NULL)) {
		live_refuse_for_now(s);
	}
}

/* ---- events ---- */

void live_ack_error(struct socketio_socket *s, uint64_t ack, const char *code, const char *message)
{
	struct arena arena = arena_new(4 * 1024);
	struct buf text = buf_new(2 * 1024);

	buf_append_char(&text, '[');
	buf_append_slice(&text, api_refusal(&arena, code, message));
	buf_append_char(&text, ']');
	if (text.len > 2 && !text.failed) {
		socketio_ack(s, ack, buf_slice(&text));
	}
	buf_free(&text);
	arena_reset(&arena);
}

static void refuse(struct socketio_socket *s, const struct socketio_event *ev, const char *code,
    const char *message)
{
	if (ev->wants_ack) {
		live_ack_error(s, ev->id, code, message);
	}
}

/* What was sent comes back, so that a client can see how long that takes. */
static void echo(struct socketio_socket *s, const struct socketio_event *ev)
{
	struct buf text = buf_new(ev->rest.len + 16);

	buf_append_str(&text, ev->wants_ack ? "[" : "[\"ping2\"");
	if (!ev->wants_ack && ev->rest.len > 0) {
		buf_append_char(&text, ',');
	}
	buf_append_slice(&text, ev->rest);
	buf_append_char(&text, ']');
	if (!text.failed && ev->wants_ack) {
		socketio_ack(s, ev->id, buf_slice(&text));
	} else if (!text.failed) {
		socketio_emit(s, buf_slice(&text), 0);
	}
	buf_free(&text);
}

/* "away" {}, and "presence" {state}: of this session; the lease is that of all of the member's. */
static void set_away(struct live *l, struct live_member *m, const struct socketio_event *ev)
{
	struct slice state = SLICE_EMPTY;
	bool away = slice_eq(ev->name, SLICE("away"));

	if (!away) {
		(void)json_get_string(json_member(json_element(ev->args, 1), "state"), &state);
		away = slice_eq(state, SLICE("away"));
		if (!away && !slice_eq(state, SLICE("online"))) {
			refuse(m->socket, ev, "invalid", "state: online or away");
			return;
		}
	}
	live_room_set_away(l, m, away);
	if (ev->wants_ack) {
		socketio_ack(m->socket, ev->id, SLICE("[{\"ok\":true}]"));
	}
}

static size_t most_bytes(enum api_number row)
{
	size_t most = pairs_ops[PAIRS_SOCKET_OPS + row].max_body;

	return most < BODY_LEAST ? BODY_LEAST : most;
}

static void take_call(
    struct live *l, struct live_member *m, enum api_number row, const struct socketio_event *ev)
{
	const struct json *body = json_element(ev->args, 1);
	struct slice text = ev->rest.len == 0 ? SLICE("{}") : ev->rest;
	bool is_object = body == NULL || json_kind(body) == JSON_KIND_OBJECT;

	if (!is_object || json_count(ev->args) > 2 || ev->n_attachments > 0) {
		refuse(m->socket, ev, "malformed", "an event has one object, without bytes");
	} else if (text.len > most_bytes(row)) {
		refuse(m->socket, ev, "too_large", "that is too long");
	} else if (live_do_at_once(l, m, row, ev)) {
		return;
	} else if (m->n_calls >= LIVE_CALLS_MAX || !put_call(l, m, row, text, ev)) {
		refuse(m->socket, ev, "overloaded", "too many events wait");
	}
}

static void on_event(void *arg, struct socketio_socket *s, const struct socketio_event *ev)
{
	struct live_member *m = socketio_data(s);
	enum api_number row = api_event_row(ev->name);

	if (slice_eq(ev->name, SLICE("ping2"))) {
		echo(s, ev);
	} else if (slice_eq(ev->name, SLICE("away")) || slice_eq(ev->name, SLICE("presence"))) {
		set_away(live_of(arg), m, ev);
	} else if (row != API_ROWS) {
		take_call(live_of(arg), m, row, ev);
	} else {
		refuse(s, ev, "unknown_event", "there is no such event");
	}
}

/* ---- leaving ---- */

static void on_closed(void *arg, struct socketio_socket *s, const char *why)
{
	struct live *l = live_of(arg);
	struct live_member *m = socketio_data(s);

	(void)why;
	if (m == NULL) {
		return; /* there was no memory for it */
	}
	socketio_set_data(s, NULL);
	m->is_over = true;
	live_room_leave(l, m);
	live_member_unref(l, m);
}

void live_expel(struct live *l, struct live_member *m, const char *why)
{
	struct buf text = buf_new(TEXT_BYTES);

	live_count(l, LIVE_EXPELLED, 1);
	buf_printf(&text, "[\"session\",{\"ended\":true,\"reason\":\"%s\"}]", why);
	live_member_ref(m);
	socketio_emit(m->socket, buf_slice(&text), 0);
	socketio_disconnect(m->socket);
	live_member_unref(l, m);
	buf_free(&text);
}

void live_say_bye(void *arg, struct socketio_socket *s, int64_t retry_ms)
{
	struct buf text = buf_new(TEXT_BYTES);

	(void)arg;
	buf_printf(
	    &text, "[\"bye\",{\"retry_ms\":%lld,\"reason\":\"drain\"}]", (long long)retry_ms);
	socketio_emit(s, buf_slice(&text), 0);
	buf_free(&text);
}

const struct socketio_namespace live_namespaces[LIVE_NAMESPACES] = {
	{ .name = "/",
	    .connect = on_connect,
	    .event = on_event,
	    .closed = on_closed,
	    .draining = live_say_bye },
};
