/*
 * The applications that the public conformance suites test a server with: bare Engine.IO that sends
 * every message back, and Socket.IO that sends events back as others. JSON goes back as it came.
 */
#include "services/pairs/pairs_priv.h"

/* ---- Engine.IO ---- */

static void on_opened(void *arg, struct engineio_session *s)
{
	(void)arg;
	(void)s;
}

static void on_message(void *arg, struct engineio_session *s, bool binary, struct slice data)
{
	struct ws_out *o = binary ? engineio_bytes(data) : engineio_text(&data, 1);

	(void)arg;
	if (o == NULL) {
		engineio_close(s, "memory");
		return;
	}
	engineio_send(s, o, 0);
	ws_out_unref(&o);
}

static void on_closed(void *arg, struct engineio_session *s, const char *why)
{
	(void)arg;
	(void)s;
	(void)why;
}

const struct engineio_app conformance_engine = {
	.opened = on_opened,
	.message = on_message,
	.closed = on_closed,
};

/* ---- Socket.IO ---- */

/* An array of head and, behind it, rest. */
static void send_array(struct socketio_socket *s, const struct socketio_event *ev,
    struct slice head, struct socketio_message *m)
{
	struct buf json = buf_new(head.len + ev->rest.len + 3);

	buf_append_char(&json, '[');
	buf_append_slice(&json, head);
	if (head.len > 0 && ev->rest.len > 0) {
		buf_append_char(&json, ',');
	}
	buf_append_slice(&json, ev->rest);
	buf_append_char(&json, ']');
	m->nsp = socketio_nsp(s);
	m->json = buf_slice(&json);
	m->attachments = ev->attachments;
	m->n_attachments = ev->n_attachments;
	struct socketio_out *o = json.failed ? NULL : socketio_encode(m);
	if (o != NULL) {
		socketio_send(s, o, 0);
	}
	socketio_out_unref(&o);
	buf_free(&json);
}

static void on_connect(
    void *arg, struct socketio_socket *s, struct slice auth, const struct json *json)
{
	const struct socketio_event ev = { .rest = auth };

	(void)arg;
	(void)json;
	socketio_ref(s);
	socketio_accept(s);
	send_array(s, &ev, SLICE("\"auth\""), &(struct socketio_message){ .has_id = false });
	socketio_unref(s);
}

static void on_event(void *arg, struct socketio_socket *s, const struct socketio_event *ev)
{
	(void)arg;
	if (slice_eq(ev->name, SLICE("message"))) {
		send_array(s, ev, SLICE("\"message-back\""),
		    &(struct socketio_message){ .has_id = false });
	} else if (slice_eq(ev->name, SLICE("message-with-ack")) && ev->wants_ack) {
		send_array(s, ev, SLICE_EMPTY,
		    &(struct socketio_message){ .has_id = true, .is_ack = true, .id = ev->id });
	}
}

const struct socketio_namespace conformance_namespaces[] = {
	{ .name = "/", .connect = on_connect, .event = on_event, .draining = live_say_bye },
	{ .name = "/custom", .connect = on_connect, .event = on_event, .draining = live_say_bye },
};
const unsigned conformance_n_namespaces = 2;
