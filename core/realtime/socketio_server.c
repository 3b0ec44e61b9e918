/*
 * Clients and their packets. A client that breaks a rule loses its whole session, as with the
 * reference server: it cannot be known what it takes the rest for.
 */
#include "core/realtime/socketio_server.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/realtime/socketio_priv.h"

enum {
	ARENA_FACTOR = 12, /* of a packet's bytes: json_parse() takes ten at worst */
	ARENA_MORE = 65536,
};

static void abort_client(struct socketio_client *c, const char *why)
{
	if (c->session != NULL) {
		engineio_abort(c->session, why);
	}
}

/* ---- packets ---- */

static const struct socketio_namespace *find_namespace(const struct socketio *io, struct slice name)
{
	for (unsigned i = 0; i < io->n_namespaces; i++) {
		if (slice_eq(slice_str(io->namespaces[i].name), name)) {
			return &io->namespaces[i];
		}
	}
	return NULL;
}

static void take_connect(struct socketio_client *c, const struct socketio_packet *p)
{
	struct socketio *io = c->io;
	const struct socketio_namespace *nsp = find_namespace(io, p->nsp);
	unsigned n = 0;

	if (socketio_socket_find(c, p->nsp, &n) != NULL || n >= SOCKETIO_SOCKETS_MAX) {
		abort_client(c, "connected twice");
		return;
	}
	if (nsp == NULL) {
		socketio_put(c, SOCKETIO_CONNECT_ERROR, p->nsp,
		    SLICE("{\"message\":\"Invalid namespace\"}"));
		return;
	}
	struct socketio_socket *s = socketio_socket_new(c, nsp);
	if (s == NULL) {
		abort_client(c, "memory");
		return;
	}
	nsp->connect(io->arg, s, p->args == NULL ? SLICE("{}") : p->json, p->args);
}

static struct slice without_brackets(struct slice json)
{
	size_t from = slice_find(json, '[', 0) + 1, to = json.len;

	while (to > from && json.ptr[to - 1] != ']') {
		to--;
	}
	return to > from ? slice_sub(json, from, to - 1) : SLICE_EMPTY;
}

static void take_event(struct socketio_socket *s, const struct socketio_packet *p,
    const struct slice *attachments, unsigned n_attachments)
{
	struct socketio *io = s->client->io;
	bool is_ack = p->kind == SOCKETIO_ACK || p->kind == SOCKETIO_BINARY_ACK;
	struct socketio_event ev = { .name = SLICE_EMPTY,
		.args = p->args,
		.rest = SLICE_EMPTY,
		.attachments = attachments,
		.n_attachments = n_attachments,
		.wants_ack = p->has_id && !is_ack,
		.id = p->id };

	if (is_ack) {
		ev.rest = p->args == NULL ? SLICE_EMPTY : without_brackets(p->json);
		if (s->nsp->ack != NULL) {
			s->nsp->ack(io->arg, s, &ev);
		}
		return;
	}
	if (p->args == NULL) {
		return; /* an event without a name is nobody's */
	}
	(void)json_get_string(json_element(p->args, 0), &ev.name);
	ev.rest = socketio_rest(p->json);
	s->nsp->event(io->arg, s, &ev);
}

/* What is for a socket that stands. */
static void take_for_socket(struct socketio_client *c, const struct socketio_packet *p,
    const struct slice *attachments, unsigned n_attachments)
{
	struct socketio_socket *s = socketio_socket_find(c, p->nsp, NULL);

	if (s == NULL || s->state != SOCKETIO_JOINED) {
		abort_client(c, "not in the namespace");
		return;
	}
	if (p->kind == SOCKETIO_DISCONNECT) {
		socketio_socket_end(s, "client disconnect");
		return;
	}
	take_event(s, p, attachments, n_attachments);
}

static void take_checked(struct socketio_client *c, const struct socketio_packet *p,
    const struct slice *attachments, unsigned n_attachments)
{
	switch (p->kind) {
	case SOCKETIO_CONNECT:
		take_connect(c, p);
		return;
	case SOCKETIO_CONNECT_ERROR:
		abort_client(c, "connect error of a client");
		return;
	case SOCKETIO_DISCONNECT:
	case SOCKETIO_EVENT:
	case SOCKETIO_ACK:
	case SOCKETIO_BINARY_EVENT:
	case SOCKETIO_BINARY_ACK:
		take_for_socket(c, p, attachments, n_attachments);
		return;
	}
}

void socketio_take(struct socketio_client *c, struct slice text, const struct slice *attachments,
    unsigned n_attachments)
{
	struct socketio *io = c->io;
	struct socketio_packet p;
	enum err e = socketio_parse(text, &p);

	io->arena.max = text.len * ARENA_FACTOR + ARENA_MORE;
	if (e == ERR_OK) {
		e = socketio_check(&io->arena, &p);
	}
	if (e != ERR_OK) {
		abort_client(c, "malformed packet");
	} else if (p.attachments > n_attachments) {
		socketio_begin_partial(c, text, p.attachments);
	} else {
		take_checked(c, &p, attachments, n_attachments);
	}
	arena_reset(&io->arena);
}

/* ---- the application that Engine.IO sees ---- */

static void on_opened(void *arg, struct engineio_session *session)
{
	struct socketio *io = arg;
	struct socketio_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		engineio_close(session, "memory");
		return;
	}
	c->io = io;
	c->session = session;
	engineio_set_data(session, c);
	engineio_set_timer(session, loop_now_us(io->loop) + io->set.connect_timeout_us);
}

static void on_message(void *arg, struct engineio_session *session, bool binary, struct slice data)
{
	struct socketio_client *c = engineio_data(session);

	(void)arg;
	if (binary && c->partial != NULL) {
		socketio_take_attachment(c, data);
	} else if (binary || c->partial != NULL) {
		abort_client(c, binary ? "bytes that nothing waits for" : "attachments missing");
	} else {
		socketio_take(c, data, NULL, 0);
	}
}

static void on_closed(void *arg, struct engineio_session *session, const char *why)
{
	struct socketio_client *c = engineio_data(session);

	(void)arg;
	if (c == NULL) {
		return;
	}
	c->session = NULL;
	engineio_set_data(session, NULL);
	while (c->sockets != NULL) {
		socketio_socket_end(c->sockets, why);
	}
	socketio_drop_partial(c);
	free(c);
}

static void on_timer(void *arg, struct engineio_session *session)
{
	const struct socketio_client *c = engineio_data(session);

	(void)arg;
	if (c->sockets == NULL) {
		engineio_close(session, "no namespace");
	}
}

static void on_draining(void *arg, struct engineio_session *session, int64_t retry_ms)
{
	struct socketio *io = arg;
	struct socketio_client *c = engineio_data(session);

	for (struct socketio_socket *s = c->sockets, *next; s != NULL && !engineio_is_over(session);
	     s = next) {
		next = s->next;
		if (s->state == SOCKETIO_JOINED && s->nsp->draining != NULL) {
			s->nsp->draining(io->arg, s, retry_ms);
		}
	}
}

static const struct engineio_app app = {
	.opened = on_opened,
	.message = on_message,
	.closed = on_closed,
	.timer = on_timer,
	.draining = on_draining,
	.record_bytes = sizeof(struct socketio_client) + sizeof(struct socketio_socket),
};

/* ---- the server ---- */

enum err socketio_new(struct loop *l, struct metrics *metrics, unsigned worker,
    const struct socketio_settings *settings, const struct socketio_namespace *namespaces,
    unsigned n_namespaces, void *arg, struct socketio **ret)
{
	struct socketio *io = calloc(1, sizeof(*io));

	if (io == NULL) {
		return ERR_MEMORY;
	}
	io->loop = l;
	io->set = *settings;
	io->namespaces = namespaces;
	io->n_namespaces = n_namespaces;
	io->arg = arg;
	io->arena = arena_new(ARENA_MORE);
	enum err e = engineio_new(l, metrics, worker, &settings->engine, &app, io, &io->engine);
	if (e != ERR_OK) {
		free(io);
		return e;
	}
	*ret = io;
	return ERR_OK;
}

void socketio_free(struct socketio **iop)
{
	struct socketio *io = *iop;

	*iop = NULL;
	if (io != NULL) {
		engineio_free(&io->engine);
		arena_reset(&io->arena);
		free(io);
	}
}

void socketio_set(struct socketio *io, const struct socketio_settings *settings)
{
	io->set = *settings;
	engineio_set(io->engine, &settings->engine);
}

struct engineio *socketio_engine(struct socketio *io)
{
	return io->engine;
}
