/*
 * Life of an HTTP/2 session: how a connection gets one, when it reads, writes and ends.
 *
 * Nothing is written while frames are taken or handlers answer; whoever has something to write
 * touches the session, and the check hook writes for all streams at once. While the socket is full
 * nothing is read either, so what a client can make us keep for it is bounded by its streams.
 */
#include "core/http/h2.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/http/conn_io.h"
#include "core/http/conn_priv.h"
#include "core/http/h2_priv.h"
#include "core/http/request.h"

enum {
	DRAIN_US = 1000000, /* to the second GOAWAY, if the client does not answer the ping */
	SETTINGS_PER_FRAME = 32,
	ACKS_MOST = 256, /* answers to PING and SETTINGS that wait to be written */
};

static const uint8_t drain_ping[8] = { 'd', 'r', 'a', 'i', 'n', 'i', 'n', 'g' };

/* ---- what sessions share ---- */

enum err h2_server_init(struct http_server *s)
{
	struct h2_shared *shared = calloc(1, sizeof(*shared));

	if (shared == NULL) {
		return ERR_MEMORY;
	}
	list_init(&shared->touched);
	s->h2 = shared;
	if (nghttp2_session_callbacks_new(&shared->callbacks) != 0 ||
	    nghttp2_option_new(&shared->option) != 0) {
		h2_server_fini(s);
		return ERR_MEMORY;
	}
	h2_recv_callbacks(shared->callbacks);
	h2_send_callbacks(shared->callbacks);
	/* Windows grow when handlers read, not when bytes come. */
	nghttp2_option_set_no_auto_window_update(shared->option, 1);
	nghttp2_option_set_no_closed_streams(shared->option, 1);
	nghttp2_option_set_max_settings(shared->option, SETTINGS_PER_FRAME);
	nghttp2_option_set_max_outbound_ack(shared->option, ACKS_MOST);
	return ERR_OK;
}

void h2_server_fini(struct http_server *s)
{
	if (s->h2 == NULL) {
		return;
	}
	nghttp2_session_callbacks_del(s->h2->callbacks);
	nghttp2_option_del(s->h2->option);
	free(s->h2);
	s->h2 = NULL;
}

void h2_touch(struct h2 *h)
{
	if (!list_is_empty(&h->node)) {
		return;
	}
	list_push(&h->server->h2->touched, &h->node);
	if (!h->server->in_hook) {
		loop_again(h->server->loop);
	}
}

/* ---- clocks ---- */

int64_t h2_idle_due_us(const struct h2 *h)
{
	int64_t longest_us = h->drained ? HTTP_LINGER_US : h->server->settings.idle_us;

	return loop_now_us(h->server->loop) + longest_us;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * When the connection is late: with its next stream, with the header block it has begun, with
 * taking what it asked for, with noticing that we drain. Streams have clocks of their own beside
 * this one.
 */
static int64_t next_due_us(const struct h2 *h)
{
	int64_t due_us = h->drain_due_us;

	if (h->rest.len > 0) {
		return earlier(due_us, h->write_due_us);
	}
	if (h->n_streams == 0) {
		return earlier(due_us, h->idle_due_us);
	}
	return h->heading != NULL ? earlier(due_us, h->head_due_us) : due_us;
}

void h2_on_clock(struct conn *c, int64_t now_us)
{
	struct h2 *h = c->h2;

	if (h->rest.len > 0 && now_us >= h->write_due_us) {
		conn_close(c, HTTP_CLOSE_WRITE_TIMEOUT);
		return;
	}
	if (h->rest.len > 0) {
		/* Whatever else is due cannot be told now. */
	} else if (h->heading != NULL && now_us >= h->head_due_us) {
		metric_add(h->server->cells.slow_heads, 1);
		h2_cut(h, NGHTTP2_ENHANCE_YOUR_CALM, HTTP_H2_CUT_SLOW_HEAD);
	} else if (h->n_streams == 0 && now_us >= h->idle_due_us) {
		h->end = h->drained ? HTTP_CLOSE_DRAINED : HTTP_CLOSE_IDLE;
		(void)nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
	}
	if (now_us >= h->drain_due_us) {
		h2_drain_on(h);
	}
	conn_clock(c, next_due_us(h));
	h2_touch(h);
}

/* ---- budgets ---- */

void h2_cut(struct h2 *h, uint32_t error, enum http_h2_cut why)
{
	if (h->is_cut) {
		return;
	}
	h->is_cut = true;
	metric_add(h->server->cells.h2_cut[why], 1);
	(void)nghttp2_session_terminate_session(h->session, error);
	h2_touch(h);
}

static bool take(struct h2 *h, struct h2_budget *budget, enum http_h2_cut why)
{
	if (h2_budget_take(budget, loop_now_us(h->server->loop))) {
		return true;
	}
	h2_cut(h, NGHTTP2_ENHANCE_YOUR_CALM, why);
	return false;
}

bool h2_take_noise(struct h2 *h)
{
	return take(h, &h->noise, HTTP_H2_CUT_NOISE);
}

bool h2_take_reset(struct h2 *h)
{
	return take(h, &h->resets, HTTP_H2_CUT_RESETS);
}

/* ---- beginning ---- */

bool h2_is_preface(const struct conn *c)
{
	const struct http_req *r = c->req;

	return c->server->settings.http2 && c->fresh && r->head.status == 505 &&
	       slice_starts(SLICE_OF(r->buf, r->buf_len), SLICE("PRI * HTTP/2.0\r\n"));
}

static bool send_settings(struct h2 *h)
{
	const struct http_settings *set = &h->server->settings;
	const nghttp2_settings_entry entries[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, set->h2_streams },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, set->h2_window / 2 },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, set->head.head_bytes },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};

	return nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries,
		   sizeof(entries) / sizeof(entries[0])) == 0 &&
	       nghttp2_session_set_local_window_size(
		   h->session, NGHTTP2_FLAG_NONE, 0, (int32_t)set->h2_window) == 0;
}

static bool begin(struct conn *c)
{
	struct http_server *s = c->server;
	int64_t now_us = loop_now_us(s->loop);
	struct h2 *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		return false;
	}
	h->conn = c;
	h->server = s;
	list_init(&h->node);
	list_init(&h->streams);
	list_init(&h->taken);
	h->resets = h2_budget_new(H2_RESETS_MOST, H2_RESETS_PER_SECOND, now_us);
	h->noise = h2_budget_new(H2_NOISE_MOST, H2_NOISE_PER_SECOND, now_us);
	h->rest = buf_new(H2_OUT_BYTES + H2_FRAME_ROOM);
	h->idle_due_us = now_us + s->settings.head_us;
	h->drain_due_us = INT64_MAX;
	h->end = HTTP_CLOSE_DONE;
	c->h2 = h;
	return nghttp2_session_server_new2(&h->session, s->h2->callbacks, h, s->h2->option) == 0 &&
	       send_settings(h);
}

void h2_open(struct conn *c)
{
	struct http_server *s = c->server;
	struct http_req *r = c->req;

	if (!begin(c)) {
		conn_close(c, HTTP_CLOSE_ABORTED);
		return;
	}
	metric_add(s->cells.h2_sessions, 1);
	c->state = CONN_H2;
	c->fresh = false;
	h2_touch(c->h2);
	if (r != NULL) {
		h2_feed(c->h2, r->buf, r->buf_len);
		conn_release_request(c);
	}
	if (s->draining) {
		h2_drain(c);
	}
	conn_clock(c, next_due_us(c->h2));
	conn_want(c, UV_READABLE | UV_DISCONNECT);
}

/* ---- reading and writing ---- */

void h2_read(struct conn *c)
{
	struct http_server *s = c->server;
	struct h2 *h = c->h2;
	size_t n = 0;

	/* The check hook of this round is still to come: h2_touch() need not ask for one. */
	if (list_is_empty(&h->node)) {
		list_push(&s->h2->touched, &h->node);
	}
	enum err e = conn_recv(c, s->scratch, sizeof(s->scratch), &n);

	if (e == ERR_AGAIN) {
		return;
	}
	if (e != ERR_OK) {
		conn_close(c, h->n_streams == 0 ? HTTP_CLOSE_CLIENT : HTTP_CLOSE_GONE);
		return;
	}
	h2_feed(h, s->scratch, n);
	conn_clock(c, next_due_us(h));
}

void h2_write(struct conn *c)
{
	/* In the check hook, with whatever else has been touched. */
	h2_touch(c->h2);
}

/* Tells the streams whose parts are used up; their requests may end and leave the session. */
static void tell_taken(struct h2 *h)
{
	struct list *node;

	while ((node = list_pop(&h->taken)) != NULL) {
		struct conn *c = &LIST_OF(node, struct h2_stream, told)->conn;
		struct http_req *r = c->req;
		conn_clock(c, INT64_MAX);
		if (r->writing) {
			task_wake(r->task);
		} else if (r->handled) {
			conn_request_done(c);
		}
	}
}

static void look_at(struct h2 *h)
{
	struct conn *c = h->conn;

	if (!h2_flush(h)) {
		return;
	}
	tell_taken(h);
	if (h->rest.len == 0 && !nghttp2_session_want_read(h->session) &&
	    !nghttp2_session_want_write(h->session)) {
		enum http_close_why why = h->end;
		if (why != HTTP_CLOSE_DONE) {
			conn_close(c, why);
			return;
		}
		h2_close(c, HTTP_CLOSE_DRAINED);
		conn_linger(c, HTTP_LINGER_US);
		return;
	}
	conn_want(c, h->rest.len > 0 ? UV_WRITABLE | UV_DISCONNECT : UV_READABLE | UV_DISCONNECT);
	conn_clock(c, next_due_us(h));
}

void h2_round(struct http_server *s)
{
	struct list *node;

	while ((node = list_pop(&s->h2->touched)) != NULL) {
		look_at(LIST_OF(node, struct h2, node));
	}
}

/* ---- the end ---- */

void h2_drain(struct conn *c)
{
	struct h2 *h = c->h2;

	if (c->state != CONN_H2 || h->drain_told) {
		return;
	}
	h->drain_told = true;
	h->drain_due_us = loop_now_us(h->server->loop) + DRAIN_US;
	/* What the client sends until it has read this is still served (RFC 9113 6.8). */
	(void)nghttp2_submit_shutdown_notice(h->session);
	conn_clock(c, next_due_us(h));
	h2_touch(h);
}

void h2_goaway_sent(struct h2 *h, uint32_t error)
{
	if (error != NGHTTP2_NO_ERROR && !h->is_cut) {
		h->is_cut = true;
		metric_add(h->server->cells.h2_cut[HTTP_H2_CUT_PROTOCOL], 1);
	}
	if (h->drain_told && !h->drained) {
		/* Whoever answers this has read the GOAWAY before it. */
		(void)nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, drain_ping);
	}
}

void h2_drain_on(struct h2 *h)
{
	h->drain_due_us = INT64_MAX;
	if (h->drained || !h->drain_told) {
		return;
	}
	h->drained = true;
	/* Streams that are answered but not ended by the client are not waited for longer. */
	h->idle_due_us = h2_idle_due_us(h);
	(void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR, NULL, 0);
	conn_clock(h->conn, next_due_us(h));
	h2_touch(h);
}

void h2_close(struct conn *c, enum http_close_why why)
{
	struct h2 *h = c->h2;

	CHECK(!h->in_nghttp2);
	while (!list_is_empty(&h->streams)) {
		struct h2_stream *st = LIST_OF(h->streams.next, struct h2_stream, node);
		st->gone = true;
		conn_close(&st->conn, why);
	}
	nghttp2_session_del(h->session);
	list_remove(&h->node);
	buf_free(&h->rest);
	free(h);
	c->h2 = NULL;
}
