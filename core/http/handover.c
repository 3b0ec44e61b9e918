/*
 * Connections that change the process. What belongs to a session is served where the session is;
 * a request for it that came to another process goes there with its connection, which stays there:
 * the next request on it may make it travel again. Nothing has been answered or read of the body,
 * so the other process finds everything as if it had accepted the connection itself. One with TLS
 * stays, and only its requests go (conn_tunnel.h).
 */
#include "core/base/check.h"
#include "core/http/conn.h"
#include "core/http/conn_tunnel.h"
#include "core/http/request.h"

void http_server_set_siblings(struct http_server *s, http_hand_fn *hand, void *arg)
{
	s->hand = hand;
	s->hand_arg = arg;
}

void http_server_adopt(struct http_server *s, const struct http_handover *h)
{
	conn_adopt(s, h);
}

enum err http_hand_over(struct http_req *r, unsigned instance)
{
	struct conn *c = r->conn;
	struct http_server *s = r->server;

	CHECK(!r->replied && r->buf_at == r->head.head_bytes);
	if (c->state == CONN_CLOSED) {
		return ERR_CANCELLED;
	}
	if (c->handed) {
		return ERR_EXISTS;
	}
	if (c->is_stream) {
		return ERR_UNSUPPORTED;
	}
	if (c->tls != NULL) {
		return conn_tunnel_open(r, instance);
	}
	if (s->hand == NULL) {
		return ERR_NOT_FOUND;
	}
	enum err e = s->hand(s->hand_arg, instance,
	    &(struct http_handover){ .fd = c->fd,
		.peer = c->peer,
		.trusted = c->trusted,
		.proxied_tls = c->proxied_tls,
		.bytes = SLICE_OF(r->buf, r->buf_len) });
	if (e == ERR_OK) {
		/* The other process has the socket by a descriptor of its own. */
		conn_close(c, HTTP_CLOSE_HANDED);
	}
	return e;
}
