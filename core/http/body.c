/*
 * Bodies. Bytes that came with the head are in the request's buffer behind it; a chunked body is
 * read raw into the room behind the head and decoded from there, so that what follows it (the next
 * request) stays in place; one with a length is read straight to where it is wanted.
 */
#include "core/http/body.h"

#include "core/base/check.h"
#include "core/http/conn_io.h"
#include "core/http/h2.h"
#include "core/http/respond.h"

/* Frames tell where a body ends: one without Content-Length is of unknown length, as in chunks. */
static void prepare_stream(struct http_req *r)
{
	bool is_here = h2_body_is_here(r->conn);

	r->head.chunked = r->head.content_length < 0 && !is_here;
	r->body_done = !http_head_has_body(&r->head);
	r->body_left = r->body_done || r->head.chunked ? 0 : (uint64_t)r->head.content_length;
	r->continue_due = r->head.expect_continue && !r->body_done && !is_here;
}

bool body_prepare(struct http_req *r)
{
	if (r->conn->is_stream) {
		prepare_stream(r);
		return true;
	}
	r->body_done = !http_head_has_body(&r->head);
	r->body_left = r->head.chunked || r->body_done ? 0 : (uint64_t)r->head.content_length;
	if (r->body_done) {
		return true;
	}
	r->continue_due = r->head.expect_continue && !r->head.http_1_0 && r->buf_len == r->buf_at;
	return !r->head.chunked ||
	       request_grow(r, (uint32_t)r->head.head_bytes + HTTP_CHUNK_WINDOW);
}

static uint64_t limit_of(const struct http_req *r)
{
	return r->call.op->max_body;
}

/* Whatever ends the connection cancels the body. */
static enum err receive(struct http_req *r, char *out, size_t size, size_t *ret_len)
{
	struct conn *c = r->conn;

	if (c->state == CONN_CLOSED || c->peer_done) {
		return ERR_CANCELLED;
	}
	enum err e = conn_recv(c, out, size, ret_len);
	c->peer_done = e == ERR_END;
	return e == ERR_OK || e == ERR_AGAIN ? e : ERR_CANCELLED;
}

static enum err take_length(struct http_req *r, char *out, size_t size, size_t *ret_len)
{
	size_t here = r->buf_len - r->buf_at;
	size_t n = size < r->body_left ? size : (size_t)r->body_left;

	if (here > 0) {
		n = n < here ? n : here;
		memcpy(out, r->buf + r->buf_at, n);
		r->buf_at += (uint32_t)n;
	} else {
		enum err e = receive(r, out, n, &n);
		if (e != ERR_OK) {
			return e;
		}
	}
	r->body_left -= n;
	r->body_done = r->body_left == 0;
	r->body_bytes += n;
	*ret_len = n;
	return ERR_OK;
}

/* More raw bytes of a chunked body into the buffer, all of which is used up. */
static enum err refill(struct http_req *r)
{
	size_t n = 0;

	r->buf_at = r->buf_len = r->head.head_bytes;
	enum err e = receive(r, r->buf + r->buf_len, r->buf_cap - r->buf_len, &n);
	if (e == ERR_OK) {
		r->buf_len += (uint32_t)n;
	}
	return e;
}

static enum err take_chunked(struct http_req *r, char *out, size_t size, size_t *ret_len)
{
	for (;;) {
		/* No more input than room for output: what is decoded always fits. */
		struct slice data, in = { r->buf + r->buf_at, r->buf_len - r->buf_at };
		in = slice_sub(in, 0, size);
		size_t before = in.len;
		enum http_chunked_result result = http_chunked_next(&r->chunked, &in, &data);
		r->buf_at += (uint32_t)(before - in.len);
		switch (result) {
		case HTTP_CHUNKED_DATA:
			r->body_bytes += data.len;
			if (r->conn->state != CONN_DISCARD && r->body_bytes > limit_of(r)) {
				return ERR_LIMIT;
			}
			memcpy(out, data.ptr, data.len);
			*ret_len = data.len;
			return ERR_OK;
		case HTTP_CHUNKED_END:
			r->body_done = true;
			return ERR_END;
		case HTTP_CHUNKED_ERROR:
			r->must_close = true;
			return ERR_SYNTAX;
		case HTTP_CHUNKED_MORE:
			break;
		}
		if (r->buf_at == r->buf_len) {
			enum err e = refill(r);
			if (e != ERR_OK) {
				return e;
			}
		}
	}
}

/* From the frames of an HTTP/2 stream, whose session checks the sum against Content-Length. */
static enum err take_frames(struct http_req *r, char *out, size_t size, size_t *ret_len)
{
	struct conn *c = r->conn;

	if (c->state == CONN_CLOSED) {
		return ERR_CANCELLED;
	}
	enum err e = h2_body_read(c, out, size, ret_len);
	if (e == ERR_OK) {
		r->body_bytes += *ret_len;
		r->body_left -= r->head.chunked ? 0 : *ret_len;
		if (r->body_bytes > limit_of(r)) {
			return ERR_LIMIT;
		}
	}
	r->body_done = h2_body_is_read(c);
	return e;
}

enum err body_take(struct http_req *r, char *out, size_t size, size_t *ret_len)
{
	CHECK(size > 0);
	if (r->body_done) {
		return ERR_END;
	}
	if (r->conn->is_stream) {
		return take_frames(r, out, size, ret_len);
	}
	return r->head.chunked ? take_chunked(r, out, size, ret_len)
			       : take_length(r, out, size, ret_len);
}

/* Grows the collected body by what may come next, within the process' bound. */
static char *collect_room(struct http_req *r, size_t *ret_size)
{
	struct http_server *s = r->server;
	struct buf *b = &r->body_buf;
	uint64_t rest = r->head.chunked ? limit_of(r) - r->body_bytes : r->body_left;
	/* As much again as has come: nobody gets memory for a Content-Length alone. */
	size_t want = b->len < HTTP_CHUNK_WINDOW ? HTTP_CHUNK_WINDOW : b->len;

	want = rest < want ? (size_t)rest : want;
	want = want == 0 ? 1 : want; /* the end of a chunked body of just the longest length */
	size_t before = b->cap;
	if (b->cap - b->len < want && s->body_memory + want > s->settings.body_memory) {
		return NULL;
	}
	char *room = buf_room(b, want);
	s->body_memory += b->cap - before;
	*ret_size = want;
	return room;
}

enum err body_collect(struct http_req *r)
{
	size_t here = r->buf_len - r->buf_at, n = 0;

	if (r->body_bytes == 0 && !r->head.chunked && here >= r->body_left && !r->conn->is_stream) {
		/* All of it came with the head and stays where it is. */
		r->body = (struct slice){ r->buf + r->buf_at, (size_t)r->body_left };
		r->buf_at += (uint32_t)r->body_left;
		r->body_bytes = r->body_left;
		r->body_left = 0;
		r->body_done = true;
		return ERR_OK;
	}
	r->body_buf.max = (size_t)limit_of(r) + HTTP_CHUNK_WINDOW;
	for (;;) {
		size_t size = 0;
		char *room = collect_room(r, &size);
		if (room == NULL) {
			metric_add(r->server->cells.body_memory_full, 1);
			return ERR_MEMORY;
		}
		enum err e = body_take(r, room, size, &n);
		if (e == ERR_OK) {
			buf_grew(&r->body_buf, n);
		} else if (e != ERR_END) {
			return e;
		}
		if (r->body_done) {
			r->body = buf_slice(&r->body_buf);
			return ERR_OK;
		}
	}
}

bool body_is_discardable(const struct http_req *r)
{
	return !r->continue_due && (r->head.chunked || r->body_left <= HTTP_DISCARD_BYTES);
}

enum err body_discard(struct http_req *r)
{
	for (;;) {
		size_t n = 0;
		enum err e = body_take(r, r->server->scratch, HTTP_SCRATCH_BYTES, &n);
		if (e != ERR_OK) {
			return e;
		}
		r->conn->read_over += (uint32_t)n;
		if (r->conn->read_over > HTTP_DISCARD_BYTES) {
			return ERR_LIMIT;
		}
	}
}

void body_send_continue(struct http_req *r)
{
	if (r->continue_due) {
		r->continue_due = false;
		respond_100(r);
	}
}

void body_wait_begin(struct http_req *r)
{
	r->body_wait_us = loop_now_us(r->server->loop);
}

void body_wait_end(struct http_req *r)
{
	r->body_waited_us += loop_now_us(r->server->loop) - r->body_wait_us;
}

int64_t body_due_us(const struct http_req *r)
{
	const struct http_settings *set = &r->server->settings;
	uint64_t bytes = r->body_bytes < INT64_MAX / 2000000 ? r->body_bytes : INT64_MAX / 2000000;
	int64_t allowed = set->body_grace_us + (int64_t)bytes * 1000000 / set->body_rate;

	int64_t due_us = r->body_wait_us - r->body_waited_us + allowed;

	return due_us < r->call.deadline_us ? due_us : r->call.deadline_us;
}

enum err http_body_read(struct http_req *r, char *out, size_t out_size, size_t *ret_len)
{
	struct conn *c = r->conn;

	CHECK(r->task != NULL && task_current() == r->task);
	body_send_continue(r);
	for (;;) {
		enum err e = body_take(r, out, out_size, ret_len);
		if (e != ERR_AGAIN) {
			return e;
		}
		body_wait_begin(r);
		conn_want(c, UV_READABLE | UV_DISCONNECT);
		conn_clock(c, body_due_us(r));
		r->reading = true;
		e = task_wait(DEADLINE_NONE);
		r->reading = false;
		body_wait_end(r);
		conn_clock(c, INT64_MAX);
		if (r->body_slow) {
			return ERR_DEADLINE;
		}
		if (e != ERR_OK) {
			return e;
		}
	}
}

void body_forget(struct http_req *r)
{
	r->server->body_memory -= r->body_buf.cap;
	buf_free(&r->body_buf);
}
