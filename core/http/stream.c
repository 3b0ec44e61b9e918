/*
 * Answers whose body is written by a task piece by piece. A write returns when the socket has taken
 * everything, so a slow client holds its handler and no memory. Files go from the page cache to the
 * socket by sendfile, which may wait for the disk where a file is not there yet: pieces are
 * bounded.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/http/respond.h"

enum {
	CHUNK_LINE = 20,	/* room for the size line of a chunk */
	FILE_PIECE = 64 * 1024, /* of a file that goes through memory */
	/* What the kernel is asked to take at once: whoever else waits for the loop comes soon. */
	FILE_AT_ONCE = 512 * 1024,
};

/* Until it can be written again. */
static enum err wait_for_socket(struct http_req *r)
{
	struct http_server *s = r->server;
	struct conn *c = r->conn;

	conn_want(c, UV_READABLE | UV_DISCONNECT | UV_WRITABLE);
	conn_clock(c, loop_now_us(s->loop) + s->settings.write_us);
	r->writing = true;
	enum err e = task_wait(DEADLINE_NONE);
	r->writing = false;
	conn_clock(c, INT64_MAX);
	return e;
}

/* Writes all parts; waits for the socket as long as it makes progress in time. */
static enum err write_all(struct http_req *r, struct slice *parts, unsigned n)
{
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
		enum err e = wait_for_socket(r);
		if (e != ERR_OK) {
			/* Half a piece is out: nothing sensible can follow it. */
			conn_close(r->conn, HTTP_CLOSE_ABORTED);
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

/* The next piece, through memory. */
static enum err send_piece(struct http_req *r, int fd, uint64_t offset, size_t len, size_t *ret_len)
{
	char *piece = malloc(len);
	ssize_t n = piece == NULL ? -1 : pread(fd, piece, len, (off_t)offset);
	enum err e = piece == NULL ? ERR_MEMORY : n <= 0 ? ERR_IO : ERR_OK;

	if (e == ERR_OK) {
		e = http_stream_write(r, SLICE_OF(piece, (size_t)n));
		*ret_len = (size_t)n;
	}
	free(piece);
	return e;
}

/* The next piece by the kernel, or a wait for the socket. */
static enum err send_by_kernel(
    struct http_req *r, int fd, uint64_t offset, size_t len, size_t *ret_len)
{
	off_t at = (off_t)offset;
	ssize_t n = sendfile(r->conn->fd, fd, &at, len);

	*ret_len = 0;
	if (n > 0) {
		metric_add(r->server->cells.sent_bytes, n);
		r->sent_bytes += (uint64_t)n;
		r->stream_left -= (uint64_t)n;
		*ret_len = (size_t)n;
		return ERR_OK;
	}
	if (n == 0) {
		return ERR_IO;
	}
	if (errno != EAGAIN && errno != EINTR) {
		bool is_gone = errno == EPIPE || errno == ECONNRESET;
		return is_gone ? ERR_CANCELLED : ERR_IO;
	}
	return wait_for_socket(r);
}

static bool goes_by_kernel(const struct http_req *r)
{
	return r->conn->tls == NULL && !r->conn->is_stream;
}

enum err http_stream_file(struct http_req *r, int fd, uint64_t offset, uint64_t len)
{
	bool by_kernel = goes_by_kernel(r);
	enum err e = ERR_OK;

	CHECK(r->stream == STREAM_LENGTH || r->stream == STREAM_DROP);
	if (r->stream == STREAM_DROP) {
		return ERR_OK;
	}
	if (len > r->stream_left) {
		return ERR_LIMIT;
	}
	while (e == ERR_OK && len > 0) {
		size_t n = 0, most = by_kernel ? FILE_AT_ONCE : FILE_PIECE;
		most = len < most ? (size_t)len : most;
		if (r->conn->state == CONN_CLOSED) {
			return ERR_CANCELLED;
		}
		e = by_kernel ? send_by_kernel(r, fd, offset, most, &n)
			      : send_piece(r, fd, offset, most, &n);
		offset += n;
		len -= n;
		if (e == ERR_OK && by_kernel && n > 0 && len > 0) {
			e = wait_for_socket(r); /* also where it takes more: others are next */
		}
	}
	if (e != ERR_OK && r->conn->state != CONN_CLOSED) {
		conn_close(r->conn, HTTP_CLOSE_ABORTED);
	}
	return e;
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

enum err http_answer_file(struct http_req *r, int status, struct slice content_type, int fd,
    uint64_t offset, uint64_t len)
{
	r->conn->more_follows = goes_by_kernel(r) && len > 0 && !respond_is_bodyless(r, status);
	enum err e = http_stream_begin(r, status, content_type, (int64_t)len);

	r->conn->more_follows = false;
	if (e == ERR_OK && len > 0) {
		e = http_stream_file(r, fd, offset, len);
	}
	return e == ERR_OK ? http_stream_end(r) : e;
}
