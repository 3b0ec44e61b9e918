/*
 * Long polling: a GET waits without a task until there is something to say; a POST is read in a
 * task and its packets are taken before it is answered.
 */
#include "core/http/hold.h"
#include "core/realtime/engineio_packet.h"
#include "core/realtime/engineio_priv.h"

enum {
	OPEN_BYTES = 1000, /* of the first packet */
	READ_BYTES = 4096, /* of a body at once */
};

static const struct slice text_type = { "text/plain; charset=UTF-8", 25 };

/* What waits for the client as one body, at most all that the hard bound allows, and last. */
static struct buf body_of(struct engineio_session *s, struct slice last)
{
	struct buf body = buf_new(s->server->set.queue_hard * 2 + ENGINEIO_BODY_MAX);
	struct ws_out *o;

	while ((o = ws_queue_first(&s->out)) != NULL) {
		engineio_join(&body, ws_out_is_binary(o), ws_out_payload(o));
		ws_queue_pop(&s->out);
	}
	if (last.len > 0) {
		engineio_join(&body, false, last);
	}
	return body;
}

static void add_headers(struct http_req *r)
{
	http_add_header(r, SLICE("Cache-Control"), SLICE("no-store"));
}

void engineio_poll_release(struct engineio_session *s, struct slice last)
{
	struct http_req *r = s->poll;
	struct buf body = body_of(s, last);

	s->poll = NULL;
	s->release_us = INT64_MAX;
	if (body.failed) {
		buf_free(&body);
		http_release(r, 503, SLICE_EMPTY, &body);
		engineio_session_end(s, ENGINEIO_BY_LOSS, "memory", WS_CLOSE_TRY_LATER);
		return;
	}
	http_release(r, 200, text_type, &body);
}

/* The client gave up its poll: it may come with another one, until a ping is overdue. */
static void on_gone(void *arg)
{
	struct engineio_session *s = arg;

	s->poll = NULL;
}

static void answer_now(struct engineio_session *s, struct http_req *r, struct slice last)
{
	struct buf body = body_of(s, last);

	http_reply_take(r, body.failed ? 503 : 200, text_type, &body);
}

void engineio_poll(struct engineio_session *s, struct http_req *r)
{
	add_headers(r);
	if (s->state == ENGINEIO_LEAVING) {
		answer_now(s, r, SLICE("1"));
		engineio_session_end(s, ENGINEIO_BY_LOSS, "left", WS_CLOSE_NO_CODE);
		return;
	}
	if (!ws_queue_is_empty(&s->out)) {
		answer_now(s, r, SLICE_EMPTY);
		return;
	}
	if (!http_hold(r, on_gone, s)) {
		return;
	}
	s->poll = r;
	if (s->probed) {
		/* The client waits for its polls to end before it goes on with the WebSocket. */
		s->release_us = loop_now_us(s->server->loop) + ENGINEIO_PROBE_POLL_US;
		engineio_clock(s);
	}
}

void engineio_poll_open(struct engineio_session *s, struct http_req *r)
{
	struct buf body = buf_new(OPEN_BYTES);

	add_headers(r);
	engineio_put_open(s, true, &body);
	http_reply_take(r, body.failed ? 503 : 200, text_type, &body);
}

/* ---- POST ---- */

/* The body, in the arena. ERR_LIMIT: longer than messages may be; others as http_body_read(). */
static enum err read_body(struct engineio *e, struct op_call *c, struct slice *ret)
{
	struct buf *body = arena_buf(c->arena, e->set.max_payload);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	for (;;) {
		char piece[READ_BYTES];
		size_t n = 0;
		enum err err = http_body_read(c->req, piece, sizeof(piece), &n);
		if (err == ERR_END) {
			*ret = buf_slice(body);
			return ERR_OK;
		}
		if (err != ERR_OK) {
			return err;
		}
		buf_append(body, piece, n);
		if (body->failed) {
			return ERR_LIMIT;
		}
	}
}

static void reply_empty(struct op_call *c, int status)
{
	http_reply(c->req, status, SLICE_EMPTY, SLICE_EMPTY);
}

static bool is_octets(const struct op_call *c)
{
	struct slice type = http_header_get(c->req, SLICE("content-type"));

	type = slice_sub(type, 0, slice_find(type, ';', 0));
	return slice_eq_nocase(slice_trim(type), SLICE("application/octet-stream"));
}

enum err engineio_poll_post(struct engineio *e, const struct sid *id, struct op_call *c)
{
	struct engineio_session *s = engineio_session_find(e, id);
	struct slice body = SLICE_EMPTY;

	if (s == NULL) {
		engineio_refuse(c, ENGINEIO_NO_SESSION);
		return ERR_OK;
	}
	if (s->posting || is_octets(c)) {
		engineio_abort(s, s->posting ? "two posts at once" : "bytes in a post");
		http_close_after(c->req);
		reply_empty(c, 400);
		return ERR_OK;
	}
	s->posting = true;
	enum err err = read_body(e, c, &body);
	/* Waiting may have been long. */
	s = engineio_session_find(e, id);
	if (s == NULL) {
		if (err == ERR_OK) {
			engineio_refuse(c, ENGINEIO_NO_SESSION);
		}
		return err;
	}
	s->posting = false;
	if (err == ERR_LIMIT) {
		http_close_after(c->req);
		reply_empty(c, 413);
		return ERR_OK;
	}
	if (err != ERR_OK) {
		engineio_session_end(s, ENGINEIO_BY_RULE, "broken post", WS_CLOSE_NO_CODE);
		return err;
	}
	if (!engineio_take_body(s, body)) {
		reply_empty(c, 400);
		return ERR_OK;
	}
	http_reply(c->req, 200, SLICE("text/html"), SLICE("ok"));
	return ERR_OK;
}
