/*
 * Life of a WebSocket. Like HTTP/2 sessions they write in the check hook only: whoever has
 * something for a receiver touches it, and all messages of a round leave in one system call.
 *
 * Bytes are read into a buffer of the server and parsed there, so that nothing is kept between
 * frames. A client that does not take what it is sent is closed after write_timeout; how much may
 * wait for it until then is its owner's affair.
 */
#include "core/http/ws.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/enc.h"
#include "core/http/conn_io.h"
#include "core/http/conn_priv.h"
#include "core/http/respond.h"
#include "core/http/ws_conn.h"

enum {
	PARTS_MAX = 64,
	PONGS_MAX = 64,		   /* messages that may wait when one more is put behind them */
	CLOSE_LINGER_US = 1000000, /* for the client's close frame */
};

struct ws {
	struct list node; /* in the server's touched ones */
	struct conn *conn;
	const struct ws_ops *ops; /* NULL: the owner has let go */
	void *arg;
	struct ws_queue out;
	struct ws_reader reader;
	size_t counted; /* of the reader's buffer, in the server's body_memory */
	bool closing;	/* a close frame waits or is sent: nothing is read any more */
};

/* ---- handshake ---- */

static bool has_token(struct slice list, struct slice token)
{
	for (struct slice piece; slice_split(&list, ',', &piece);) {
		if (slice_eq_nocase(slice_trim(piece), token)) {
			return true;
		}
	}
	return false;
}

bool ws_is_asked(const struct http_req *r)
{
	return has_token(http_head_find(&r->head, SLICE("upgrade")), SLICE("websocket")) &&
	       !r->conn->is_stream;
}

static bool is_key(struct slice key)
{
	unsigned char bytes[18];
	size_t len = 0;

	return key.len == WS_KEY_BYTES && dec_base64(key, bytes, sizeof(bytes), &len) == ERR_OK &&
	       len == 16;
}

int ws_handshake_fault(struct http_req *r)
{
	struct slice version = http_head_find(&r->head, SLICE("sec-websocket-version"));

	if (!slice_eq(version, SLICE("13"))) {
		http_add_header(r, SLICE("Sec-WebSocket-Version"), SLICE("13"));
		return 400;
	}
	bool good = r->head.method == HTTP_GET && !r->head.http_1_0 &&
		    has_token(http_head_find(&r->head, SLICE("connection")), SLICE("upgrade")) &&
		    is_key(http_head_find(&r->head, SLICE("sec-websocket-key")));
	return good ? 0 : 400;
}

/* The answer goes out like any other; what follows it is conn_request_done()'s affair. */
static bool answer_101(struct http_req *r)
{
	char accept[WS_ACCEPT_BYTES + 1];

	if (!ws_accept_of(http_head_find(&r->head, SLICE("sec-websocket-key")), accept)) {
		return false;
	}
	const char *head = arena_printf(&r->arena,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n",
	    accept);
	if (head == NULL) {
		return false;
	}
	r->status = 101;
	r->replied = true;
	r->keep = true;
	r->out[0] = slice_str(head);
	return true;
}

enum err ws_accept(
    struct http_req *r, size_t max_message, const struct ws_ops *ops, void *arg, struct ws **ret)
{
	struct conn *c = r->conn;
	struct ws *w = calloc(1, sizeof(*w));

	CHECK(r->is_inline && !r->replied && c->ws == NULL && !c->is_stream);
	if (w == NULL || !answer_101(r)) {
		free(w);
		return ERR_MEMORY;
	}
	list_init(&w->node);
	w->conn = c;
	w->reader = ws_reader_new(true, max_message);
	respond_continue(r);
	if (c->state == CONN_CLOSED) {
		r->out[0] = SLICE_EMPTY;
		ws_reader_free(&w->reader);
		free(w);
		return ERR_PEER_GONE;
	}
	if (respond_is_pending(r)) {
		conn_want(c, UV_READABLE | UV_DISCONNECT | UV_WRITABLE);
	}
	w->ops = ops;
	w->arg = arg;
	c->ws = w;
	*ret = w;
	return ERR_OK;
}

/* ---- the owner ---- */

void ws_set_owner(struct ws *w, const struct ws_ops *ops, void *arg)
{
	w->ops = ops;
	w->arg = arg;
}

struct ws_queue *ws_queue_of(struct ws *w)
{
	return &w->out;
}

void ws_touch(struct ws *w)
{
	struct http_server *s = w->conn->server;

	if (!list_is_empty(&w->node)) {
		return;
	}
	list_push(&s->ws_touched, &w->node);
	if (!s->in_hook) {
		loop_again(s->loop);
	}
}

/* A client that reads nothing gets no further pongs; without memory a close goes without its frame.
 */
static void push_control(struct ws *w, enum ws_opcode opcode, struct slice payload)
{
	struct ws_out *o =
	    opcode == WS_PONG && w->out.n >= PONGS_MAX ? NULL : ws_out_new(opcode, &payload, 1);

	if (o != NULL) {
		(void)!ws_queue_push(&w->out, o, opcode == WS_PONG);
	}
	ws_out_unref(&o);
	ws_touch(w);
}

void ws_close(struct ws *w, enum ws_close_code code, struct slice reason)
{
	char payload[WS_CONTROL_BYTES];

	w->ops = NULL;
	if (!w->closing) {
		w->closing = true;
		push_control(w, WS_CLOSE, ws_close_payload(payload, code, reason));
	}
}

/* The owner hears of the end once. */
static void tell_end(struct ws *w, enum ws_end why)
{
	const struct ws_ops *ops = w->ops;

	w->ops = NULL;
	if (ops != NULL) {
		ops->gone(w->arg, why);
	}
}

/* ---- the connection ---- */

static void count_memory(struct ws *w)
{
	struct http_server *s = w->conn->server;

	s->body_memory = s->body_memory - w->counted + w->reader.message.cap;
	w->counted = w->reader.message.cap;
}

void ws_gone(struct conn *c, enum http_close_why why)
{
	struct ws *w = c->ws;

	c->ws = NULL;
	list_remove(&w->node);
	tell_end(w, why == HTTP_CLOSE_DRAINED ? WS_END_DRAINED : WS_END_GONE);
	ws_queue_clear(&w->out);
	ws_reader_free(&w->reader);
	count_memory(w);
	free(w);
}

static void take_message(struct ws *w, enum ws_opcode opcode, struct slice payload)
{
	switch (opcode) {
	case WS_TEXT:
	case WS_BINARY:
		w->ops->message(w->arg, opcode, payload);
		return;
	case WS_PING:
		push_control(w, WS_PONG, payload);
		return;
	case WS_CLOSE:
		tell_end(w, WS_END_CLOSED);
		ws_close(w, (enum ws_close_code)ws_close_code_of(payload), SLICE_EMPTY);
		return;
	case WS_PONG:
	case WS_CONTINUATION:
		return;
	}
}

/* c may be without w, or closed, behind this. */
static void take_bytes(struct conn *c, struct slice bytes)
{
	struct http_server *s = c->server;
	struct ws *w = c->ws;
	enum ws_opcode opcode = WS_TEXT;
	struct slice payload = SLICE_EMPTY;
	enum ws_result found = WS_MORE;

	ws_feed(&w->reader, bytes);
	while (w->ops != NULL && (found = ws_next(&w->reader, &opcode, &payload)) == WS_TAKEN) {
		take_message(w, opcode, payload);
		if (c->ws != w) {
			return;
		}
	}
	count_memory(w);
	if (found == WS_MORE && w->ops != NULL && s->body_memory > s->settings.body_memory &&
	    w->counted > 0) {
		metric_add(s->cells.body_memory_full, 1);
		w->reader.close_code = WS_CLOSE_TRY_LATER;
		found = WS_WRONG;
	}
	if (found == WS_WRONG) {
		tell_end(w, WS_END_WRONG);
		ws_close(w, (enum ws_close_code)w->reader.close_code, SLICE_EMPTY);
	}
}

void ws_readable(struct conn *c)
{
	struct http_server *s = c->server;
	size_t n = 0;

	if (c->ws->closing) {
		conn_want(c, c->events & UV_WRITABLE);
		return;
	}
	CHECK(!s->ws_reading);
	enum err e = conn_recv(c, s->ws_in, sizeof(s->ws_in), &n);
	if (e == ERR_AGAIN) {
		return;
	}
	if (e != ERR_OK) {
		conn_close(c, HTTP_CLOSE_GONE);
		return;
	}
	s->ws_reading = true;
	take_bytes(c, SLICE_OF(s->ws_in, n));
	s->ws_reading = false;
}

void ws_drink(struct ws *w)
{
	struct conn *c = w->conn;

	if (c->state == CONN_WS && !w->closing && !c->server->ws_reading) {
		ws_readable(c);
	}
}

void ws_begin(struct conn *c)
{
	struct http_server *s = c->server;
	struct http_req *r = c->req;
	size_t n = r->buf_len - r->buf_at;

	/* A stock client waits for the answer; one that does not has at most a head's worth here.
	 */
	n = n < sizeof(s->ws_in) ? n : sizeof(s->ws_in);
	memcpy(s->ws_in, r->buf + r->buf_at, n);
	bool is_all = r->buf_at + n == r->buf_len;
	conn_release_request(c);
	c->state = CONN_WS;
	conn_clock(c, INT64_MAX);
	conn_want(c, UV_READABLE);
	if (!is_all) {
		conn_close(c, HTTP_CLOSE_ABORTED);
		return;
	}
	ws_touch(c->ws);
	if (n > 0) {
		s->ws_reading = true;
		take_bytes(c, SLICE_OF(s->ws_in, n));
		s->ws_reading = false;
	}
}

/* ---- writing ---- */

/* Everything has left, the close frame last. */
static void finish(struct conn *c)
{
	struct ws *w = c->ws;

	tell_end(w, WS_END_GONE);
	ws_gone(c, HTTP_CLOSE_DONE);
	conn_linger(c, CLOSE_LINGER_US);
}

static void flush(struct ws *w)
{
	struct conn *c = w->conn;
	struct iovec parts[PARTS_MAX];
	enum err e = ERR_OK;
	bool moved = false;

	while (w->out.n > 0) {
		unsigned n = ws_queue_parts(&w->out, parts, PARTS_MAX);
		size_t sent = 0;
		e = conn_send(c, parts, n, &sent);
		if (e != ERR_OK) {
			break;
		}
		moved = true;
		ws_queue_wrote(&w->out, sent);
	}
	if (e == ERR_PEER_GONE) {
		conn_close(c, HTTP_CLOSE_GONE);
	} else if (w->out.n > 0) {
		bool waits = (c->events & UV_WRITABLE) != 0;
		if (moved || !waits) {
			conn_clock(c, loop_now_us(c->server->loop) + c->server->settings.write_us);
		}
		conn_want(c, c->events | UV_WRITABLE);
	} else if (w->closing) {
		finish(c);
	} else {
		conn_clock(c, INT64_MAX);
		conn_want(c, UV_READABLE);
	}
}

void ws_writable(struct conn *c)
{
	ws_touch(c->ws);
}

void ws_round(struct http_server *s)
{
	struct list now;

	/* Whoever is touched meanwhile has its turn in the next round. */
	list_init(&now);
	for (struct list *node; (node = list_pop(&s->ws_touched)) != NULL;) {
		list_push(&now, node);
	}
	for (struct list *node; (node = list_pop(&now)) != NULL;) {
		struct ws *w = LIST_OF(node, struct ws, node);
		if (w->conn->state == CONN_WS) {
			flush(w);
		}
	}
	if (!list_is_empty(&s->ws_touched)) {
		loop_again(s->loop);
	}
}
