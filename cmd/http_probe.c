/*
 * See http_probe.h.
 */
#include "cmd/http_probe.h"

#include <string.h>

#include "cmd/http_conn.h"

static enum err take_answer(struct buf *out, struct probe_answer *ret, struct err_note *note)
{
	struct slice all = buf_slice(out);
	const char *end = memmem(all.ptr, all.len, "\r\n\r\n", 4);
	uint64_t status = 0;

	if (end == NULL || !slice_starts(all, SLICE("HTTP/1.")) ||
	    slice_to_u64(slice_sub(all, 9, 12), 999, &status) != ERR_OK) {
		return err_note_set(note, ERR_SYNTAX, "what answers there is no HTTP server");
	}
	*ret = (struct probe_answer){ .status = (int)status,
		.head = slice_sub(all, 0, (size_t)(end - all.ptr) + 2) };
	return ERR_OK;
}

enum err http_probe(const struct public_url *url, const char *target, const char *authorization,
    struct buf *out, struct probe_answer *ret, struct err_note *note)
{
	struct http_conn conn = { .fd = -1 };
	struct buf request = buf_new(PROBE_TARGET_MAX);

	buf_printf(&request,
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: plimsoll-check\r\nAccept: */*\r\n"
	    "Connection: close\r\n%s%s%s\r\n",
	    target, strstr(url->origin, "://") + 3, authorization == NULL ? "" : "Authorization: ",
	    authorization == NULL ? "" : authorization, authorization == NULL ? "" : "\r\n");
	enum err e = request.failed ? ERR_LIMIT : http_conn_open(&conn, url, note);
	if (e == ERR_OK && !http_conn_send(&conn, buf_slice(&request))) {
		e = err_note_set(note, ERR_IO, "the connection broke");
	}
	buf_clear(out);
	if (e == ERR_OK && http_conn_read_all(&conn, out) != ERR_OK) {
		e = err_note_set(note, ERR_IO, "no answer came");
	}
	e = e == ERR_OK ? take_answer(out, ret, note) : e;
	http_conn_close(&conn);
	buf_free(&request);
	return e;
}

struct slice probe_header(const struct probe_answer *a, const char *name)
{
	struct slice rest = a->head, line;

	while (slice_split(&rest, '\n', &line)) {
		size_t colon = slice_find(line, ':', 0);
		if (colon < line.len &&
		    slice_eq_nocase(slice_sub(line, 0, colon), slice_str(name))) {
			struct slice value = slice_sub(line, colon + 1, line.len);
			value.len -= slice_ends(value, SLICE("\r")) ? 1 : 0;
			return slice_trim(value);
		}
	}
	return (struct slice){ NULL, 0 };
}
