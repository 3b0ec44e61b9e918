/*
 * What nghttp2 calls for frames that come in. It has checked their form and the header lists
 * (RFC 9113 8.2 and 8.3) already; what we add are bounds on how often a client may make us work for
 * nothing. Streams are found by the session's user data: NULL means that the request is over and
 * only nghttp2 still knows the stream.
 */
#include "core/http/dispatch.h"
#include "core/http/h2_priv.h"
#include "core/http/request.h"

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *arg)
{
	struct h2 *h = arg;
	bool is_late = hd->stream_id <= h->last_id && h2_stream_find(h, hd->stream_id) == NULL;
	bool is_noise = is_late || hd->length == 0;

	(void)session;
	if (h->is_cut) {
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	switch (hd->type) {
	case NGHTTP2_DATA:
		/* The last frame of a body may be empty; any other may not. */
		is_noise = is_noise && (hd->flags & NGHTTP2_FLAG_END_STREAM) == 0;
		if (!is_noise) {
			h2_budget_give(&h->noise, 1);
		}
		break;
	case NGHTTP2_HEADERS:
		/*
		 * One of an older stream is ignored by nghttp2: it may be the trailer of a request
		 * that we have reset, and nobody remembers which those were.
		 */
		break;
	case NGHTTP2_PRIORITY:
		is_noise = true;
		if (hd->stream_id == 0) {
			/* nghttp2 does not look, as we have no priorities (RFC 9113 6.3). */
			h2_cut(h, NGHTTP2_PROTOCOL_ERROR, HTTP_H2_CUT_PROTOCOL);
			return NGHTTP2_ERR_CALLBACK_FAILURE;
		}
		break;
	default:
		is_noise = true;
		break;
	}
	return is_noise && !h2_take_noise(h) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;
	struct http_server *s = h->server;
	int32_t id = frame->hd.stream_id;

	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
		return 0; /* trailer fields */
	}
	metric_add(s->cells.h2_streams, 1);
	h->last_id = id;
	h2_budget_give(&h->noise, H2_NOISE_PER_REQUEST);
	struct h2_stream *st =
	    s->h2->n_streams < s->settings.h2_streams_total ? h2_stream_new(h, id) : NULL;
	if (st == NULL) {
		metric_add(s->cells.h2_refused, 1);
		(void)nghttp2_submit_rst_stream(
		    session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	h->heading = st;
	h->head_due_us = loop_now_us(s->loop) + s->settings.head_us;
	return 0;
}

static struct slice text_of(nghttp2_rcbuf *rcbuf)
{
	nghttp2_vec vec = nghttp2_rcbuf_get_buf(rcbuf);

	return SLICE_OF((const char *)vec.base, vec.len);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
    nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *st = h2_stream_find(h, frame->hd.stream_id);
	enum {
		FIELD_OVERHEAD = 32
	}; /* RFC 9113 6.5.2 */

	(void)session;
	(void)flags;
	if (st == NULL) {
		return 0;
	}
	struct slice n = text_of(name), v = text_of(value);
	st->list_bytes += (uint32_t)(n.len + v.len + FIELD_OVERHEAD);
	if (st->list_bytes / H2_LIST_TIMES > h->server->settings.head.head_bytes) {
		/* A few bytes of HPACK may stand for much: it is not even read over. */
		h2_cut(h, NGHTTP2_ENHANCE_YOUR_CALM, HTTP_H2_CUT_HEADER_LIST);
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		h2_head_field(st, n, v);
	}
	return 0;
}

static void take_head(struct h2 *h, struct h2_stream *st, bool is_last)
{
	struct http_req *r = st->conn.req;

	h->heading = NULL;
	st->remote_done = is_last;
	uint16_t status = h2_head_finish(st);
	st->conn.state = CONN_ACTIVE;
	if (status != 0) {
		r->body_done = is_last;
		dispatch_malformed(r, status);
		return;
	}
	dispatch_head(r);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;
	bool is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;

	(void)session;
	if (frame->hd.type == NGHTTP2_PING && is_ack) {
		h2_drain_on(h); /* we ping for nothing else */
		return 0;
	}
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
		return 0;
	}
	struct h2_stream *st = h2_stream_find(h, frame->hd.stream_id);
	if (st == NULL) {
		return 0;
	}
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		take_head(h, st, is_last);
	} else if (is_last) {
		h2_stream_end(st);
	}
	return 0;
}

void h2_stop_body(struct h2 *h, int32_t id)
{
	bool is_open = nghttp2_session_get_stream_remote_close(h->session, id) == 0;

	if (is_open && nghttp2_session_get_stream_effective_recv_data_length(h->session, id) >
			   HTTP_DISCARD_BYTES) {
		(void)nghttp2_submit_rst_stream(
		    h->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
	}
}

static int on_data(
    nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *arg)
{
	struct h2_stream *st = h2_stream_find(arg, id);

	(void)flags;
	if (st == NULL) {
		/* Other streams get their window back, this one does not. */
		(void)nghttp2_session_consume_connection(session, len);
		h2_stop_body(arg, id);
		return 0;
	}
	h2_stream_data(st, SLICE_OF((const char *)data, len));
	return 0;
}

/* A stream that ends while its request is worked on: reset by the client, or for its fault. */
static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *st = h2_stream_find(h, id);

	(void)session;
	(void)error;
	if (st == NULL) {
		return 0;
	}
	st->gone = true;
	if (st->ended) {
		return 0; /* answered; the request will notice */
	}
	metric_add(h->server->cells.h2_cancelled, 1);
	conn_close(&st->conn, HTTP_CLOSE_GONE);
	(void)h2_take_reset(h);
	return 0;
}

void h2_recv_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}

/* What nghttp2 gives up for, as an error of the connection. */
static void cut_for(struct h2 *h, ssize_t failure)
{
	switch (failure) {
	case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
		h2_cut(h, NGHTTP2_PROTOCOL_ERROR, HTTP_H2_CUT_PROTOCOL);
		return;
	case NGHTTP2_ERR_NOMEM:
		h2_cut(h, NGHTTP2_INTERNAL_ERROR, HTTP_H2_CUT_PROTOCOL);
		return;
	default: /* too many CONTINUATION frames, or unsent acknowledgements */
		h2_cut(h, NGHTTP2_ENHANCE_YOUR_CALM, HTTP_H2_CUT_FLOODED);
		return;
	}
}

void h2_feed(struct h2 *h, const char *bytes, size_t len)
{
	if (h->is_cut) {
		return;
	}
	h->in_nghttp2 = true;
	ssize_t used = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes, len);
	h->in_nghttp2 = false;
	if (used < 0) {
		cut_for(h, used);
	}
}
