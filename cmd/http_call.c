/*
 * See http_call.h.
 */
#include "cmd/http_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/http_conn.h"

enum {
	HEAD_MAX = HTTP_CALL_URL_MAX + 4096,
	PIECE_BYTES = 8 * 1024
};

/* The origin of a URL, and what stands behind it. */
static enum err split(
    const char *text, struct public_url *ret, const char **ret_target, struct err_note *note)
{
	struct slice url = slice_str(text);
	const char *scheme_end = strstr(text, "://");
	size_t from = scheme_end == NULL ? url.len : (size_t)(scheme_end - text) + 3;
	size_t end = slice_find(url, '/', from);
	enum err e = public_url_parse(slice_sub(url, 0, end), ret, note);

	*ret_target = end < url.len ? text + end : "/";
	return e == ERR_OK ? ERR_OK
			   : err_note_set(note, ERR_INVALID, "%s is no http(s) address", text);
}

static bool send_file(struct http_conn *c, const struct http_call *call)
{
	char piece[PIECE_BYTES];

	for (uint64_t at = 0; at < call->body_len;) {
		uint64_t left = call->body_len - at;
		size_t len = left < sizeof(piece) ? (size_t)left : sizeof(piece);
		ssize_t n = pread(call->fd, piece, len, (off_t)(call->body_at + at));
		if (n <= 0 || !http_conn_send(c, SLICE_OF(piece, (size_t)n))) {
			return false;
		}
		at += (uint64_t)n;
	}
	return true;
}

static bool send_all(struct http_conn *c, const struct http_call *call,
    const struct public_url *url, const char *target)
{
	struct buf head = buf_new(HEAD_MAX);
	uint64_t len = call->body.len + (call->fd >= 0 ? call->body_len : 0);

	buf_printf(&head,
	    "%s %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: plimsoll-upload\r\nAccept: */*\r\n"
	    "Content-Length: %" PRIu64 "\r\n%s\r\n",
	    call->method, target, strstr(url->origin, "://") + 3, len, call->headers);
	bool good = !head.failed && http_conn_send(c, buf_slice(&head)) &&
		    http_conn_send(c, call->body) && (call->fd < 0 || send_file(c, call));
	buf_free(&head);
	return good;
}

static enum err take(struct buf *out, struct http_call_answer *ret, struct err_note *note)
{
	struct slice all = buf_slice(out);
	const char *end = all.len == 0 ? NULL : memmem(all.ptr, all.len, "\r\n\r\n", 4);
	uint64_t status = 0, length = 0;

	if (end == NULL || !slice_starts(all, SLICE("HTTP/1.")) ||
	    slice_to_u64(slice_sub(all, 9, 12), 999, &status) != ERR_OK) {
		return err_note_set(note, ERR_IO, "the connection broke before an answer came");
	}
	size_t head = (size_t)(end - all.ptr);
	ret->head =
	    (struct probe_answer){ .status = (int)status, .head = slice_sub(all, 0, head + 2) };
	ret->body = slice_sub(all, head + 4, all.len);
	struct slice said = probe_header(&ret->head, "Content-Length");
	if (said.ptr != NULL && slice_to_u64(said, UINT64_MAX, &length) == ERR_OK &&
	    length != ret->body.len) {
		return err_note_set(note, ERR_IO, "the connection broke within the answer");
	}
	return ERR_OK;
}

enum err http_call(const struct http_call *call, struct buf *out, struct http_call_answer *ret,
    struct err_note *note)
{
	struct http_conn conn = { .fd = -1 };
	struct public_url url;
	const char *target = NULL;
	enum err e = split(call->url, &url, &target, note);

	buf_clear(out);
	e = e == ERR_OK ? http_conn_open(&conn, &url, note) : e;
	if (e == ERR_OK) {
		http_conn_set_patience(&conn, HTTP_CALL_PATIENCE_S);
		/* A server that refuses need not read all: its answer counts, not the broken pipe.
		 */
		bool sent = send_all(&conn, call, &url, target);
		(void)sent;
		e = http_conn_read_all(&conn, out) == ERR_LIMIT
			? err_note_set(note, ERR_LIMIT, "the answer is too large")
			: take(out, ret, note);
	}
	http_conn_close(&conn);
	return e;
}
