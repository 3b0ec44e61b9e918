/*
 * The head is gathered until its empty line has come and then read at once: answers of servers
 * under test arrive in one or two pieces.
 */
#include "lab/answer.h"

#include "core/http/chars.h"

void answer_init(struct answer *a)
{
	*a = (struct answer){ .head = buf_new(ANSWER_HEAD_BYTES),
		.body = buf_new(ANSWER_KEEP_BYTES) };
}

void answer_fini(struct answer *a)
{
	buf_free(&a->head);
	buf_free(&a->body);
}

void answer_reset(struct answer *a)
{
	struct buf head = a->head, body = a->body;

	buf_clear(&head);
	buf_clear(&body);
	*a = (struct answer){ .head = head, .body = body };
}

bool answer_has_begun(const struct answer *a)
{
	return a->state != ANSWER_IN_HEAD || a->head.len > 0;
}

static enum answer_result fail(struct answer *a, const char *error)
{
	a->error = error;
	return ANSWER_ERROR;
}

/* The line that begins at *at, without CRLF; *at goes behind it. ptr NULL: not ended by CRLF. */
static struct slice next_line(struct slice head, size_t *at)
{
	size_t end = slice_find(head, '\r', *at);
	struct slice line = slice_sub(head, *at, end);

	if (end + 1 >= head.len || head.ptr[end + 1] != '\n' ||
	    memchr(line.ptr, '\n', line.len) != NULL) {
		return (struct slice){ NULL, 0 };
	}
	*at = end + 2;
	return line;
}

bool answer_head_next(
    struct slice head, size_t *at, struct slice *ret_name, struct slice *ret_value)
{
	if (*at == 0) {
		(void)next_line(head, at); /* the status */
	}
	struct slice line = next_line(head, at);
	if (line.ptr == NULL || line.len == 0) {
		return false;
	}
	size_t colon = slice_find(line, ':', 0);
	*ret_name = slice_sub(line, 0, colon);
	*ret_value = slice_trim(slice_sub(line, colon + 1, line.len));
	return true;
}

bool answer_next_field(
    const struct answer *a, size_t *at, struct slice *ret_name, struct slice *ret_value)
{
	return answer_head_next(buf_slice(&a->head), at, ret_name, ret_value);
}

struct slice answer_find(const struct answer *a, struct slice name)
{
	struct slice found, value;

	for (size_t at = 0; answer_next_field(a, &at, &found, &value);) {
		if (slice_eq_nocase(found, name)) {
			return value;
		}
	}
	return (struct slice){ NULL, 0 };
}

/* As http_chars_are(text, HTTP_CHAR_FIELD), eight bytes at a time while none may be a control. */
static bool is_field_text(struct slice text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;

	while (text.len >= sizeof(uint64_t)) {
		uint64_t w = 0, del = 0;
		memcpy(&w, text.ptr, sizeof(w));
		del = w ^ (ones * 0x7f);
		/* Bytes below 0x20, and bytes that are 0x7f; and perhaps some that are neither. */
		if ((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & tops) {
			break;
		}
		text = slice_sub(text, sizeof(w), text.len);
	}
	return http_chars_are(text, HTTP_CHAR_FIELD);
}

/* "HTTP/1.1 200 OK"; the phrase may be missing, its space not always is. */
static bool read_status(struct answer *a, struct slice line)
{
	uint64_t status = 0;

	bool http_1_1 = slice_starts(line, SLICE("HTTP/1.1 "));
	if ((!http_1_1 && !slice_starts(line, SLICE("HTTP/1.0 "))) ||
	    slice_to_u64(slice_sub(line, 9, 12), 999, &status) != ERR_OK || line.len < 12 ||
	    status < 100 || (line.len > 12 && line.ptr[12] != ' ') ||
	    !http_chars_are(slice_sub(line, 12, line.len), HTTP_CHAR_FIELD)) {
		return false;
	}
	a->status = (int)status;
	a->keep_alive = http_1_1;
	return true;
}

static bool list_has(struct slice list, struct slice word)
{
	for (struct slice piece; slice_split(&list, ',', &piece);) {
		if (slice_eq_nocase(slice_trim(piece), word)) {
			return true;
		}
	}
	return false;
}

/* What the few fields say that matter here; most are none of them, by their length already. */
static const char *judge_field(struct answer *a, struct slice name, struct slice value)
{
	struct answer_framing *f = &a->framing;
	uint64_t length = 0;

	if (name.len == 14 && slice_eq_nocase(name, SLICE("content-length"))) {
		if (slice_to_u64(value, INT64_MAX, &length) != ERR_OK ||
		    (f->length_known && f->length != length)) {
			return "a wrong Content-Length";
		}
		f->length_known = true;
		f->length = length;
	} else if (name.len == 17 && slice_eq_nocase(name, SLICE("transfer-encoding"))) {
		if (f->chunked || !slice_eq_nocase(value, SLICE("chunked"))) {
			return "a Transfer-Encoding other than chunked";
		}
		f->chunked = true;
	} else if (name.len == 10 && slice_eq_nocase(name, SLICE("set-cookie"))) {
		a->has_cookies = true;
	} else if (name.len == 10 && slice_eq_nocase(name, SLICE("connection"))) {
		if (list_has(value, SLICE("close"))) {
			a->keep_alive = false;
		} else if (list_has(value, SLICE("keep-alive"))) {
			a->keep_alive = true;
		}
	}
	return NULL;
}

static const char *read_field(struct answer *a, struct slice name, struct slice value)
{
	if (name.len == 0 || !http_chars_are(name, HTTP_CHAR_TOKEN) || !is_field_text(value)) {
		return "a malformed header field";
	}
	return judge_field(a, name, value);
}

static void start_body(struct answer *a, const struct answer_framing *f)
{
	if (a->bodiless || a->status == 204 || a->status == 304) {
		a->state = ANSWER_COMPLETE;
	} else if (f->chunked) {
		a->state = ANSWER_IN_CHUNKS;
	} else if (f->length_known) {
		a->left = f->length;
		a->state = f->length == 0 ? ANSWER_COMPLETE : ANSWER_IN_LENGTH;
	} else {
		a->keep_alive = false;
		a->state = ANSWER_TO_CLOSE;
	}
}

/* Behind the empty line. */
static enum answer_result end_head(struct answer *a)
{
	const struct answer_framing f = a->framing;

	if (f.chunked && f.length_known) {
		return fail(a, "Content-Length beside Transfer-Encoding");
	}
	if (a->status == 101 && a->may_switch) {
		a->state = ANSWER_COMPLETE;
		return ANSWER_MORE;
	}
	if (a->status == 101) {
		return fail(a, "101, which nobody asked for");
	}
	if (a->status < 200) {
		buf_clear(&a->head);
		a->line_at = 0;
		a->framing = (struct answer_framing){ 0 };
		return ANSWER_MORE;
	}
	start_body(a, &f);
	return ANSWER_MORE;
}

/* A line of the head that is not the empty one; NULL: it is good. */
static const char *read_line(struct answer *a, struct slice line, bool first)
{
	if (first) {
		return read_status(a, line) ? NULL : "no status line of HTTP/1";
	}
	size_t colon = slice_find(line, ':', 0);
	return colon == line.len ? "a header field without a colon"
				 : read_field(a, slice_sub(line, 0, colon),
				       slice_trim(slice_sub(line, colon + 1, line.len)));
}

/* Lines are read as they become whole; a->line_at is where the next one begins. */
static enum answer_result take_head(struct answer *a, struct slice *in)
{
	size_t before = a->head.len, want = in->len;

	if (want > ANSWER_HEAD_BYTES - before) {
		want = ANSWER_HEAD_BYTES - before;
	}
	buf_append(&a->head, in->ptr, want);
	if (a->head.failed) {
		return fail(a, "no memory for the head");
	}
	for (;;) {
		const char *begin = a->head.data + a->line_at;
		const char *end = memchr(begin, '\n', a->head.len - a->line_at);
		if (end == NULL) {
			break;
		}
		if (end == begin || end[-1] != '\r') {
			return fail(a, "a line that does not end with CR LF");
		}
		struct slice line = { begin, (size_t)(end - begin) - 1 };
		bool first = a->line_at == 0;
		a->line_at += line.len + 2;
		if (line.len == 0 && !first) {
			a->head.len = a->line_at;
			*in = slice_sub(*in, a->line_at - before, in->len);
			return end_head(a);
		}
		const char *error = read_line(a, line, first);
		if (error != NULL) {
			return fail(a, error);
		}
	}
	*in = slice_sub(*in, want, in->len);
	return a->head.len == ANSWER_HEAD_BYTES ? fail(a, "a head of more than 64 KiB")
						: ANSWER_MORE;
}

static void keep_body(struct answer *a, struct slice data)
{
	size_t room = ANSWER_KEEP_BYTES - a->body.len;

	a->body_bytes += data.len;
	buf_append(&a->body, data.ptr, data.len < room ? data.len : room);
}

static enum answer_result take_chunks(struct answer *a, struct slice *in)
{
	struct slice data;
	enum http_chunked_result r;

	while ((r = http_chunked_next(&a->chunked, in, &data)) == HTTP_CHUNKED_DATA) {
		keep_body(a, data);
	}
	if (r == HTTP_CHUNKED_ERROR) {
		return fail(a, "a malformed chunk");
	}
	if (r == HTTP_CHUNKED_END) {
		a->state = ANSWER_COMPLETE;
	}
	return ANSWER_MORE;
}

enum answer_result answer_take(struct answer *a, struct slice *in)
{
	enum answer_result r = ANSWER_MORE;

	while (r == ANSWER_MORE && a->state != ANSWER_COMPLETE && in->len > 0) {
		size_t n = in->len;
		switch (a->state) {
		case ANSWER_IN_HEAD:
			r = take_head(a, in);
			break;
		case ANSWER_IN_CHUNKS:
			r = take_chunks(a, in);
			break;
		case ANSWER_IN_LENGTH:
			n = n < a->left ? n : (size_t)a->left;
			a->left -= n;
			a->state = a->left == 0 ? ANSWER_COMPLETE : ANSWER_IN_LENGTH;
			keep_body(a, slice_sub(*in, 0, n));
			*in = slice_sub(*in, n, in->len);
			break;
		case ANSWER_TO_CLOSE:
			keep_body(a, *in);
			*in = SLICE_EMPTY;
			break;
		case ANSWER_COMPLETE:
			break;
		}
	}
	return r == ANSWER_MORE && a->state == ANSWER_COMPLETE ? ANSWER_DONE : r;
}

enum answer_result answer_closed(struct answer *a)
{
	if (a->state == ANSWER_TO_CLOSE) {
		a->state = ANSWER_COMPLETE;
		return ANSWER_DONE;
	}
	return fail(a, answer_has_begun(a) ? "the connection ended in the middle of an answer"
					   : "the connection ended before an answer");
}
