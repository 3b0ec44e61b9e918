/*
 * Sockets and what is sent to them.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/realtime/socketio_priv.h"

/* ---- life ---- */

struct socketio_socket *socketio_socket_new(
    struct socketio_client *c, const struct socketio_namespace *nsp)
{
	struct socketio_socket *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->client = c;
	s->nsp = nsp;
	s->refs = 1;
	s->state = SOCKETIO_ASKING;
	rng_token(s->id, SOCKETIO_ID_CHARS);
	s->next = c->sockets;
	c->sockets = s;
	return s;
}

struct socketio_socket *socketio_socket_find(
    const struct socketio_client *c, struct slice nsp, unsigned *ret_n)
{
	struct socketio_socket *found = NULL;
	unsigned n = 0;

	for (struct socketio_socket *s = c->sockets; s != NULL; s = s->next) {
		n++;
		if (slice_eq(slice_str(s->nsp->name), nsp)) {
			found = s;
		}
	}
	if (ret_n != NULL) {
		*ret_n = n;
	}
	return found;
}

void socketio_socket_end(struct socketio_socket *s, const char *why)
{
	struct socketio_client *c = s->client;
	struct socketio_socket **link = &c->sockets;

	while (*link != s) {
		link = &(*link)->next;
	}
	*link = s->next;
	s->client = NULL;
	s->state = SOCKETIO_OVER;
	if (s->nsp->closed != NULL) {
		s->nsp->closed(c->io->arg, s, why);
	}
	socketio_unref(s);
}

void socketio_ref(struct socketio_socket *s)
{
	s->refs++;
}

void socketio_unref(struct socketio_socket *s)
{
	CHECK(s->refs > 0);
	if (--s->refs == 0) {
		free(s);
	}
}

bool socketio_is_full(const struct socketio_socket *s)
{
	return s->client == NULL || s->client->session == NULL ||
	       engineio_is_full(s->client->session);
}

const char *socketio_nsp(const struct socketio_socket *s)
{
	return s->nsp->name;
}

void socketio_set_data(struct socketio_socket *s, void *data)
{
	s->data = data;
}

void *socketio_data(const struct socketio_socket *s)
{
	return s->data;
}

/* ---- messages ---- */

struct socketio_out {
	unsigned refs, n;
	struct ws_out *part[]; /* references: the packet, then its attachments; NULL: no memory */
};

void socketio_out_unref(struct socketio_out **op)
{
	struct socketio_out *o = *op;

	*op = NULL;
	if (o == NULL || --o->refs > 0) {
		return;
	}
	for (unsigned i = 0; i < o->n; i++) {
		ws_out_unref(&o->part[i]);
	}
	free(o);
}

/* The digit of Engine.IO is a part of the head already. */
static struct ws_out *encode(const struct socketio_packet *p)
{
	struct buf head = buf_new(SOCKETIO_HEAD_MAX);
	struct ws_out *o = NULL;

	socketio_put_head(&head, p);
	if (!head.failed) {
		const struct slice parts[] = { buf_slice(&head), p->json };
		o = ws_out_new(WS_TEXT, parts, 2);
	}
	buf_free(&head);
	return o;
}

static enum socketio_kind kind_of(const struct socketio_message *m)
{
	if (m->n_attachments > 0) {
		return m->is_ack ? SOCKETIO_BINARY_ACK : SOCKETIO_BINARY_EVENT;
	}
	return m->is_ack ? SOCKETIO_ACK : SOCKETIO_EVENT;
}

struct socketio_out *socketio_encode(const struct socketio_message *m)
{
	const struct socketio_packet p = { .kind = kind_of(m),
		.attachments = m->n_attachments,
		.has_id = m->has_id,
		.id = m->id,
		.nsp = slice_str(m->nsp),
		.json = m->json };
	struct socketio_out *o =
	    calloc(1, sizeof(*o) + (1 + m->n_attachments) * sizeof(o->part[0]));

	if (o == NULL) {
		return NULL;
	}
	o->refs = 1;
	o->n = 1 + m->n_attachments;
	o->part[0] = encode(&p);
	bool good = o->part[0] != NULL;
	for (unsigned i = 0; i < m->n_attachments; i++) {
		o->part[1 + i] = engineio_bytes(m->attachments[i]);
		good = good && o->part[1 + i] != NULL;
	}
	if (!good) {
		socketio_out_unref(&o);
	}
	return o;
}

/* Attachments belong to the packet before them: none of them may be missing. */
void socketio_send(struct socketio_socket *s, struct socketio_out *o, unsigned flags)
{
	/* Sending may end the session, and with it all that hangs on it. */
	socketio_ref(s);
	for (unsigned i = 0; i < o->n && s->state == SOCKETIO_JOINED; i++) {
		if (s->client->session != NULL) {
			engineio_send(s->client->session, o->part[i], o->n > 1 ? 0 : flags);
		}
	}
	socketio_unref(s);
}

static void send_alone(struct socketio_socket *s, const struct socketio_message *m, unsigned flags)
{
	struct socketio_out *o = socketio_encode(m);

	if (o != NULL) {
		socketio_send(s, o, flags);
	} else if (s->client != NULL && (flags & ENGINEIO_DROPPABLE) == 0) {
		socketio_close(s, "memory");
	}
	socketio_out_unref(&o);
}

void socketio_emit(struct socketio_socket *s, struct slice json, unsigned flags)
{
	send_alone(s, &(struct socketio_message){ .nsp = s->nsp->name, .json = json }, flags);
}

void socketio_ack(struct socketio_socket *s, uint64_t id, struct slice json)
{
	send_alone(s,
	    &(struct socketio_message){
		.nsp = s->nsp->name, .json = json, .has_id = true, .is_ack = true, .id = id },
	    0);
}

void socketio_put(
    struct socketio_client *c, enum socketio_kind kind, struct slice nsp, struct slice json)
{
	struct ws_out *o =
	    encode(&(struct socketio_packet){ .kind = kind, .nsp = nsp, .json = json });

	if (o == NULL) {
		engineio_abort(c->session, "memory");
		return;
	}
	engineio_send(c->session, o, 0);
	ws_out_unref(&o);
}

/* ---- joining and leaving ---- */

void socketio_accept(struct socketio_socket *s)
{
	char json[SOCKETIO_ID_CHARS + sizeof("{\"sid\":\"\"}")];
	struct buf text = buf_new(sizeof(json));

	if (s->state != SOCKETIO_ASKING) {
		return;
	}
	buf_printf(&text, "{\"sid\":\"%s\"}", s->id);
	s->state = SOCKETIO_JOINED;
	socketio_put(s->client, SOCKETIO_CONNECT, slice_str(s->nsp->name), buf_slice(&text));
	buf_free(&text);
}

void socketio_refuse(struct socketio_socket *s, const char *message, struct slice data)
{
	struct buf text = buf_new(1024 + data.len);
	struct json_writer w = json_writer_new(&text);

	if (s->state != SOCKETIO_ASKING) {
		return;
	}
	json_begin_object(&w);
	json_put_name(&w, SLICE("message"));
	json_put_string(&w, slice_str(message));
	if (data.len > 0) {
		json_put_name(&w, SLICE("data"));
		json_put_raw(&w, data);
	}
	json_end_object(&w);
	socketio_ref(s);
	socketio_put(s->client, SOCKETIO_CONNECT_ERROR, slice_str(s->nsp->name), buf_slice(&text));
	buf_free(&text);
	if (s->state == SOCKETIO_ASKING) {
		socketio_socket_end(s, "refused");
	}
	socketio_unref(s);
}

void socketio_disconnect(struct socketio_socket *s)
{
	socketio_ref(s);
	if (s->state == SOCKETIO_JOINED) {
		socketio_put(s->client, SOCKETIO_DISCONNECT, slice_str(s->nsp->name), SLICE_EMPTY);
	}
	socketio_close(s, "server disconnect");
	socketio_unref(s);
}

void socketio_close(struct socketio_socket *s, const char *why)
{
	if (s->client != NULL && s->client->session != NULL) {
		engineio_close(s->client->session, why);
	}
}
