/*
 * Answers whose body is written by a task piece by piece. A write returns when the socket has taken
 * everything, so a slow client holds its handler and no memory.
 */
#include <stdio.h>

#include "core/base/check.h"
#include "core/http/respond.h"

/* Room for the size line of a chunk. */
enum {
	CHUNK_LINE = 20
};

/* Writes all parts; waits for the socket as long as it makes progress in time. */
static enum err write_all(struct http_req *r, struct slice *parts, unsigned n)
{
	struct http_server *s = r->server;
	struct conn *c = r->conn;

	for (;;) {
		if (!respond_write(r, parts, n)) {
			return ERR_CANCELLED;
		}
		size_t left = 0;
		for (unsigned i = 0; i < n; i++) {
			left += parts[i].len;
		}
		if (left == 0) {
			return ERR_OK;
		}
		conn_want(c, UV_READABLE | UV_DISCONNECT | UV_WRITABLE);
		conn_clock(c, loop_now_us(s->loop) + s->settings.write_us);
		r->writing = true;
		enum err e = task_wait(DEADLINE_NONE);
		r->writing = false;
		conn_clock(c, INT64_MAX);
		if (e != ERR_OK) {
			/* Half a piece is out: nothing sensible can follow it. */
			conn_close(c, HTTP_CLOSE_ABORTED);
			return e;
		}
	}
}

static enum stream_state state_for(const struct http_req *r, int status, int64_t length)
{
	if (respond_is_bodyless(r, status)) {
		return STREAM_DROP;
	}
	if (length >= 0) {
		return STREAM_LENGTH;
	}
	return r->head.http_1_0 || r->conn->is_stream ? STREAM_TO_CLOSE : STREAM_CHUNKED;
}

enum err http_stream_begin(
    struct http_req *r, int status, struct slice content_type, int64_t length)
{
	CHECK(r->task != NULL && task_current() == r->task);
	struct slice head = respond_head(r, status, content_type, length);
	if (!r->head_failed) {
		r->stream = state_for(r, status, length);
		r->stream_left = length >= 0 ? (uint64_t)length : 0;
	}
	/* Waiting leaves the server's out buffer to others: what is left is copied first. */
	if (!respond_write(r, &head, 1)) {
		return ERR_CANCELLED;
	}
	if (head.len > 0 && arena_copy(&r->arena, head, &head) != ERR_OK) {
		return ERR_MEMORY;
	}
	enum err e = write_all(r, &head, 1);
	return e != ERR_OK ? e : r->head_failed ? ERR_INVALID : ERR_OK;
}

enum err http_stream_write(struct http_req *r, struct slice bytes)
{
	char line[CHUNK_LINE];
	struct slice parts[3] = { SLICE_EMPTY, bytes, SLICE_EMPTY };

	CHECK(r->stream != STREAM_NONE && r->stream != STREAM_ENDED);
	if (bytes.len == 0 || r->stream == STREAM_DROP) {
		return r->conn->state == CONN_CLOSED ? ERR_CANCELLED : ERR_OK;
	}
	if (r->stream == STREAM_LENGTH) {
		if (bytes.len > r->stream_left) {
			return ERR_LIMIT;
		}
		r->stream_left -= bytes.len;
	}
	if (r->stream == STREAM_CHUNKED) {
		int len = snprintf(line, sizeof(line), "%zx\r\n", bytes.len);
		parts[0] = SLICE_OF(line, (size_t)len);
		parts[2] = SLICE("\r\n");
	}
	return write_all(r, parts, 3);
}

enum err http_stream_end(struct http_req *r)
{
	struct slice last = r->stream == STREAM_CHUNKED ? SLICE("0\r\n\r\n") : SLICE_EMPTY;

	CHECK(r->stream != STREAM_NONE && r->stream != STREAM_ENDED);
	if (r->stream_left > 0 && r->stream == STREAM_LENGTH) {
		return ERR_INVALID;
	}
	enum err e = write_all(r, &last, 1);
	if (e == ERR_OK) {
		r->stream = STREAM_ENDED;
	}
	return e;
}
