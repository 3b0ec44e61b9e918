/*
 * Streams of a session as connections without a socket. A stream lives from its HEADERS to the end
 * of its request; then its session lets go of it, and what is still to be sent or read over is
 * nghttp2's affair.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/http/conn_priv.h"
#include "core/http/h2_priv.h"
#include "core/http/request.h"

struct h2_stream *h2_stream_find(struct h2 *h, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h->session, id);
}

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id)
{
	struct http_server *s = h->server;
	struct h2_stream *st = calloc(1, sizeof(*st));

	if (st == NULL) {
		return NULL;
	}
	struct conn *c = &st->conn;
	c->server = s;
	c->h2 = h;
	c->is_stream = true;
	c->peer = h->conn->peer;
	c->trusted = h->conn->trusted;
	c->proxied_tls = h->conn->proxied_tls;
	c->secure = h->conn->secure;
	c->state = CONN_HEAD;
	c->fd = -1;
	list_init(&c->node);
	wheel_timer_init(&c->clock);
	c->req = request_take(s, c);
	if (c->req == NULL) {
		free(st);
		return NULL;
	}
	c->req->head.content_length = -1;
	list_init(&st->told);
	st->id = id;
	st->in = buf_new(s->settings.h2_window);
	list_push(&h->streams, &st->node);
	h->n_streams++;
	s->h2->n_streams++;
	nghttp2_session_set_stream_user_data(h->session, id, st);
	return st;
}

static size_t unread(const struct h2_stream *st)
{
	return st->in.len - st->in_at;
}

/* Nothing of the session refers to the stream any more. */
static void leave(struct h2_stream *st)
{
	struct h2 *h = st->conn.h2;
	struct http_server *s = h->server;

	nghttp2_session_set_stream_user_data(h->session, st->id, NULL);
	if (unread(st) > 0) {
		(void)nghttp2_session_consume_connection(h->session, unread(st));
	}
	s->body_memory -= st->in.cap;
	buf_free(&st->in);
	st->in_at = 0;
	st->parts = NULL;
	st->n_parts = 0;
	list_remove(&st->told);
	list_remove(&st->node);
	h->heading = h->heading == st ? NULL : h->heading;
	s->h2->n_streams--;
	if (--h->n_streams == 0) {
		h->idle_due_us = h2_idle_due_us(h);
	}
	st->conn.h2 = NULL;
	h2_touch(h);
}

void h2_stream_done(struct conn *c)
{
	struct h2_stream *st = h2_stream_of(c);
	struct h2 *h = c->h2;
	bool deferred = st->deferred;
	int32_t id = st->id;

	leave(st);
	if (deferred) {
		/* Ends the stream, now that nothing more is offered. */
		(void)nghttp2_session_resume_data(h->session, id);
	}
	c->state = CONN_CLOSED;
	wheel_disarm(&c->clock);
	conn_release_request(c);
}

void h2_stream_cut(struct conn *c, enum http_close_why why)
{
	struct h2_stream *st = h2_stream_of(c);
	struct h2 *h = c->h2;
	uint32_t error = why == HTTP_CLOSE_ABORTED ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL;

	if (!st->gone && !st->ended) {
		metric_add(c->server->cells.h2_reset, 1);
		(void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, st->id, error);
	}
	leave(st);
}

/* ---- the body ---- */

/* The windows bound what is unread; what has been read leaves the buffer when room is needed. */
static void keep(struct h2_stream *st, struct slice bytes)
{
	size_t before = st->in.cap;

	if (st->in.len + bytes.len > st->in.cap) {
		buf_consume(&st->in, st->in_at);
		st->in_at = 0;
	}
	buf_append_slice(&st->in, bytes);
	st->conn.server->body_memory += st->in.cap - before;
	st->body_lost = st->in.failed;
}

void h2_stream_data(struct h2_stream *st, struct slice bytes)
{
	struct conn *c = &st->conn;
	struct http_server *s = c->server;
	bool is_wanted = !c->req->replied && !st->body_lost;

	if (is_wanted && s->body_memory + bytes.len > s->settings.body_memory) {
		metric_add(s->cells.body_memory_full, 1);
		st->body_lost = true;
	} else if (is_wanted) {
		keep(st, bytes);
	}
	if (!is_wanted || st->body_lost) {
		(void)nghttp2_session_consume_connection(c->h2->session, bytes.len);
	}
	conn_readable(c, UV_READABLE);
}

void h2_stream_end(struct h2_stream *st)
{
	st->remote_done = true;
	conn_readable(&st->conn, UV_READABLE);
}

enum err h2_body_read(struct conn *c, char *out, size_t size, size_t *ret_len)
{
	struct h2_stream *st = h2_stream_of(c);
	size_t n = unread(st) < size ? unread(st) : size;

	if (st->body_lost) {
		return ERR_MEMORY;
	}
	if (n == 0) {
		return st->remote_done ? ERR_END : ERR_AGAIN;
	}
	memcpy(out, st->in.data + st->in_at, n);
	st->in_at += n;
	if (unread(st) == 0) {
		buf_clear(&st->in);
		st->in_at = 0;
	}
	(void)nghttp2_session_consume(c->h2->session, st->id, n);
	h2_touch(c->h2);
	*ret_len = n;
	return ERR_OK;
}

bool h2_body_is_here(const struct conn *c)
{
	return ((const struct h2_stream *)c)->remote_done;
}

bool h2_body_is_read(const struct conn *c)
{
	const struct h2_stream *st = (const struct h2_stream *)c;

	return st->remote_done && unread(st) == 0;
}

/* ---- the answer ---- */

void h2_offer(struct conn *c, struct slice *parts, unsigned n)
{
	struct h2_stream *st = h2_stream_of(c);

	st->parts = parts;
	st->n_parts = n;
	for (unsigned i = 0; i < n; i++) {
		if (parts[i].len > 0) {
			if (st->deferred) {
				st->deferred = false;
				(void)nghttp2_session_resume_data(c->h2->session, st->id);
			}
			h2_touch(c->h2);
			return;
		}
	}
	st->parts = NULL;
	st->n_parts = 0;
}
