/*
 * The head of an answer.
 */
#include "core/http/respond.h"

#include "core/base/check.h"
#include "core/http/body.h"
#include "core/http/h2.h"

/* Appends within [at, end); remembers overflow. */
struct writer {
	char *at, *end;
	bool full;
};

static void put(struct writer *w, struct slice s)
{
	if (s.len > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	memcpy(w->at, s.ptr, s.len);
	w->at += s.len;
}

static void put_number(struct writer *w, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	put(w, SLICE_OF(digits + at, sizeof(digits) - at));
}

struct slice respond_date(struct http_server *s)
{
	int64_t now_us = loop_now_us(s->loop);

	if (now_us >= s->date_until_us) {
		int64_t wall_ms = clock_wall_ms();
		clock_http_date(wall_ms / 1000, s->date);
		s->date_until_us = now_us + (1000 - wall_ms % 1000) * 1000;
	}
	return SLICE_OF(s->date, CLOCK_HTTP_DATE_SIZE - 1);
}

static void put_status_and_date(struct writer *w, struct http_req *r, int status)
{
	put(w, SLICE("HTTP/1.1 "));
	put_number(w, (uint64_t)status);
	put(w, SLICE(" "));
	put(w, slice_str(http_status_phrase(status)));
	put(w, SLICE("\r\nDate: "));
	put(w, respond_date(r->server));
	put(w, SLICE("\r\n"));
}

bool respond_is_bodyless(const struct http_req *r, int status)
{
	return r->head.method == HTTP_HEAD || status == 204 || status == 304;
}

/* May another request follow on this connection? */
static bool decide_keep(const struct http_req *r, int status, int64_t length)
{
	bool framed = length >= 0 || !r->head.http_1_0 || respond_is_bodyless(r, status);

	return framed && r->head.keep_alive && !r->must_close && !r->server->draining &&
	       !r->conn->peer_done && (r->body_done || body_is_discardable(r));
}

static void put_framing(struct writer *w, const struct http_req *r, int status, int64_t length)
{
	if (status != 204 && status != 304) {
		if (length >= 0) {
			put(w, SLICE("Content-Length: "));
			put_number(w, (uint64_t)length);
			put(w, SLICE("\r\n"));
		} else if (!r->head.http_1_0) {
			put(w, SLICE("Transfer-Encoding: chunked\r\n"));
		}
	}
	if (!r->keep) {
		put(w, SLICE("Connection: close\r\n"));
	} else if (r->head.http_1_0) {
		put(w, SLICE("Connection: keep-alive\r\n"));
	}
}

bool respond_is_sendable(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0') {
			return false;
		}
	}
	return true;
}

static void put_field(struct writer *w, struct slice name, struct slice value)
{
	put(w, name);
	put(w, SLICE(": "));
	put(w, value);
	put(w, SLICE("\r\n"));
	w->full = w->full || !respond_is_sendable(value);
}

static struct slice head_of_500(struct http_req *r)
{
	struct http_server *s = r->server;
	struct writer w = { s->out, s->out + sizeof(s->out), false };

	r->head_failed = true;
	r->keep = false;
	r->status = 500;
	put_status_and_date(&w, r, 500);
	put_framing(&w, r, 500, 0);
	put(&w, SLICE("\r\n"));
	return SLICE_OF(s->out, (size_t)(w.at - s->out));
}

struct slice respond_head(struct http_req *r, int status, struct slice content_type, int64_t length)
{
	struct http_server *s = r->server;
	struct writer w = { s->out, s->out + sizeof(s->out), false };

	CHECK(!r->replied && status >= 200 && status <= 599);
	r->status = status;
	if (r->call.site != NULL && r->call.site->decorate != NULL) {
		r->call.site->decorate(&r->call);
	}
	r->replied = true;
	if (r->conn->is_stream) {
		h2_respond(r, status, content_type, length);
		return SLICE_EMPTY;
	}
	r->keep = decide_keep(r, status, length);
	put_status_and_date(&w, r, status);
	put_framing(&w, r, status, length);
	if (content_type.len > 0) {
		put_field(&w, SLICE("Content-Type"), content_type);
	}
	if ((r->call.op->flags & OP_PUBLIC_CORS) != 0) {
		put(&w, SLICE("Access-Control-Allow-Origin: *\r\n"));
	}
	if (s->settings.trace_header && r->call.trace != 0) {
		char text[TRACE_DIGITS];
		put_field(&w, SLICE("X-Request-Id"), trace_text(r->call.trace, text));
	}
	for (unsigned i = 0; i < r->n_out_headers; i++) {
		put_field(&w, r->out_headers[i].name, r->out_headers[i].value);
	}
	put(&w, SLICE("\r\n"));
	return w.full || r->head_failed ? head_of_500(r)
					: SLICE_OF(s->out, (size_t)(w.at - s->out));
}
