/*
 * Frames that go out. nghttp2 says which is next; they are gathered in the server's scratch buffer
 * and written by one call. DATA is copied there straight from what the streams offer, and only what
 * the socket does not take is kept in memory of the connection's own.
 */
#include "core/base/check.h"
#include "core/http/conn_io.h"
#include "core/http/h2_priv.h"
#include "core/http/request.h"

/* DATA stops at H2_OUT_BYTES; one other frame may then still be on its way out of nghttp2. */
_Static_assert(H2_OUT_BYTES + H2_FRAME_ROOM <= HTTP_SCRATCH_BYTES,
    "frames are gathered in the scratch buffer");

static void put(struct h2 *h, const void *bytes, size_t len)
{
	CHECK(len <= H2_OUT_BYTES + H2_FRAME_ROOM - h->out_len);
	memcpy(h->out + h->out_len, bytes, len);
	h->out_len += len;
}

static size_t offered(const struct h2_stream *st)
{
	size_t left = 0;

	for (unsigned i = 0; i < st->n_parts; i++) {
		left += st->parts[i].len;
	}
	return left;
}

/* Does nothing come behind what is offered? A stream without a length is ended by letting go. */
static bool is_last_offer(const struct http_req *r)
{
	return r->stream == STREAM_NONE || (r->stream == STREAM_LENGTH && r->stream_left == 0);
}

ssize_t h2_on_data_wanted(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *st = h2_stream_find(h, id);

	(void)session;
	(void)buf;
	(void)source;
	if (st == NULL) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		return 0;
	}
	size_t left = offered(st);
	if (left == 0) {
		st->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (h->out_len + H2_FRAME_ROOM > H2_OUT_BYTES) {
		h->out_full = true;
		return NGHTTP2_ERR_PAUSE;
	}
	if (length < left && length < H2_TINY_BYTES) {
		(void)h2_take_noise(h);
	}
	size_t n = length < left ? length : left;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n == left && is_last_offer(st->conn.req)) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	}
	return (ssize_t)n;
}

/* Copies the next bytes of the parts and cuts them off. */
static void put_offered(struct h2 *h, struct h2_stream *st, size_t len)
{
	for (unsigned i = 0; i < st->n_parts && len > 0; i++) {
		struct slice *part = &st->parts[i];
		size_t n = len < part->len ? len : part->len;
		put(h, part->ptr, n);
		*part = slice_sub(*part, n, part->len);
		len -= n;
	}
}

/* H2_FRAME_ROOM was there when h2_on_data_wanted() was asked, and nothing has been put since. */
static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd,
    size_t length, nghttp2_data_source *source, void *arg)
{
	struct h2 *h = arg;
	struct http_server *s = h->server;
	struct h2_stream *st = h2_stream_find(h, frame->hd.stream_id);

	(void)session;
	(void)source;
	if (st == NULL || offered(st) < length) {
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	put(h, framehd, H2_FRAME_HEAD_BYTES);
	put_offered(h, st, length);
	st->conn.req->sent_bytes += length;
	st->ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	if (length >= H2_TINY_BYTES || st->ended) {
		h2_budget_give(&h->noise, H2_NOISE_PER_DATA);
	}
	if (offered(st) == 0) {
		list_push(&h->taken, &st->told);
	} else {
		conn_clock(&st->conn, loop_now_us(s->loop) + s->settings.write_us);
	}
	return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;

	(void)session;
	switch (frame->hd.type) {
	case NGHTTP2_DATA:
	case NGHTTP2_HEADERS:
		if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
			h2_stop_body(h, frame->hd.stream_id);
		}
		break;
	case NGHTTP2_GOAWAY:
		h2_goaway_sent(h, frame->goaway.error_code);
		break;
	default:
		break;
	}
	return 0;
}

void h2_send_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
}

/* Gathers frames until there are no more or no room. False: the session has failed. */
static bool gather(struct h2 *h)
{
	const uint8_t *bytes;
	ssize_t n = 0;

	h->out = h->server->scratch;
	h->out_len = 0;
	h->out_full = false;
	h->in_nghttp2 = true;
	while (h->out_len + H2_FRAME_ROOM <= H2_OUT_BYTES &&
	       (n = nghttp2_session_mem_send(h->session, &bytes)) > 0) {
		put(h, bytes, (size_t)n);
	}
	h->in_nghttp2 = false;
	h->out_full = h->out_full || n > 0;
	return n >= 0;
}

/*
 * Writes bytes and keeps what the socket does not take, which it must within write_timeout since it
 * took something last. False: the connection has been closed.
 */
static bool write_or_keep(struct h2 *h, struct slice bytes, bool was_kept)
{
	const struct iovec iov = { (void *)(uintptr_t)bytes.ptr, bytes.len };
	size_t sent = 0;
	enum err e = conn_send(h->conn, &iov, 1, &sent);

	if (e != ERR_OK && e != ERR_AGAIN) {
		conn_close(h->conn, h->n_streams == 0 ? HTTP_CLOSE_CLIENT : HTTP_CLOSE_GONE);
		return false;
	}
	if (sent < bytes.len) {
		buf_append_slice(&h->rest, slice_sub(bytes, sent, bytes.len));
	}
	if (sent > 0 || !was_kept) {
		h->write_due_us = loop_now_us(h->server->loop) + h->server->settings.write_us;
	}
	if (h->rest.failed) {
		conn_close(h->conn, HTTP_CLOSE_ABORTED);
		return false;
	}
	return true;
}

/* What was kept goes first. */
static bool write_rest(struct h2 *h)
{
	struct buf rest = h->rest;

	h->rest = buf_new(H2_OUT_BYTES + H2_FRAME_ROOM);
	bool is_open = write_or_keep(h, buf_slice(&rest), true);
	buf_free(&rest);
	return is_open;
}

bool h2_flush(struct h2 *h)
{
	if (h->rest.len > 0 && !write_rest(h)) {
		return false;
	}
	while (h->rest.len == 0) {
		if (!gather(h)) {
			conn_close(h->conn, HTTP_CLOSE_ABORTED);
			return false;
		}
		if (h->out_len > 0 && !write_or_keep(h, SLICE_OF(h->out, h->out_len), false)) {
			return false;
		}
		if (!h->out_full) {
			break;
		}
	}
	return true;
}
