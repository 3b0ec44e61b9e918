/*
 * Requests: which session they are for and where it is, what is refused and how. The order of the
 * checks is that of the reference server, because clients tell by the code what was wrong.
 */
#include "core/base/check.h"
#include "core/http/ws.h"
#include "core/realtime/engineio_priv.h"

static const struct {
	int status;
	const char *message, *body;
} refusals[] = {
	[ENGINEIO_NO_TRANSPORT] = { 400, "Transport unknown",
	    "{\"code\":0,\"message\":\"Transport unknown\"}" },
	[ENGINEIO_NO_SESSION] = { 400, "Session ID unknown",
	    "{\"code\":1,\"message\":\"Session ID unknown\"}" },
	[ENGINEIO_BAD_METHOD] = { 400, "Bad handshake method",
	    "{\"code\":2,\"message\":\"Bad handshake method\"}" },
	[ENGINEIO_BAD_REQUEST] = { 400, "Bad request", "{\"code\":3,\"message\":\"Bad request\"}" },
	[ENGINEIO_FORBIDDEN] = { 403, "Forbidden", "{\"code\":4,\"message\":\"Forbidden\"}" },
	[ENGINEIO_BAD_VERSION] = { 400, "Unsupported protocol version",
	    "{\"code\":5,\"message\":\"Unsupported protocol version\"}" },
};

enum {
	RETRY_S = 2 /* a client's own longest delay is 5 s, with which it spreads this */
};

/* A client that asked for a WebSocket reads text, and its connection is not used again. */
void engineio_refuse(struct op_call *c, enum engineio_refusal why)
{
	if (ws_is_asked(c->req)) {
		http_close_after(c->req);
		http_reply(c->req, 400, SLICE("text/html"), slice_str(refusals[why].message));
		return;
	}
	http_reply(
	    c->req, refusals[why].status, SLICE("application/json"), slice_str(refusals[why].body));
}

void engineio_refuse_busy(struct engineio *e, struct op_call *c)
{
	engineio_count(e, ENGINEIO_REFUSED, 1);
	http_reply_busy(c->req, RETRY_S);
}

/* ---- CORS ---- */

static bool is_origin_of(struct slice list, struct slice origin)
{
	for (struct slice piece; slice_split(&list, ',', &piece);) {
		if (slice_eq_nocase(slice_trim(piece), origin)) {
			return true;
		}
	}
	return false;
}

/* True if the page of another origin may read the answer. */
static bool add_cors(const struct engineio *e, struct op_call *c)
{
	struct slice origin = http_header_get(c->req, SLICE("origin"));

	if (e->set.origins.len == 0) {
		return false;
	}
	if (slice_eq(e->set.origins, SLICE("*"))) {
		http_add_header(c->req, SLICE("Access-Control-Allow-Origin"), SLICE("*"));
		return true;
	}
	http_add_header(c->req, SLICE("Vary"), SLICE("Origin"));
	if (origin.ptr == NULL || !is_origin_of(e->set.origins, origin)) {
		return false;
	}
	http_add_header(c->req, SLICE("Access-Control-Allow-Origin"), origin);
	http_add_header(c->req, SLICE("Access-Control-Allow-Credentials"), SLICE("true"));
	return true;
}

static void answer_preflight(struct op_call *c)
{
	struct slice asked = http_header_get(c->req, SLICE("access-control-request-headers"));

	http_add_header(c->req, SLICE("Access-Control-Allow-Methods"), SLICE("GET, POST"));
	if (asked.ptr != NULL) {
		http_add_header(c->req, SLICE("Access-Control-Allow-Headers"), asked);
	}
	http_reply(c->req, 204, SLICE_EMPTY, SLICE_EMPTY);
}

/* ---- whose request it is ---- */

struct query {
	bool is_ws; /* transport=websocket */
	bool has_sid;
	struct slice sid, version;
};

/* False: answered. */
static bool read_query(struct op_call *c, struct query *q)
{
	struct slice transport = SLICE_EMPTY;

	*q = (struct query){ .sid = SLICE_EMPTY, .version = SLICE_EMPTY };
	(void)http_query_get(c->req, SLICE("transport"), &transport);
	(void)http_query_get(c->req, SLICE("EIO"), &q->version);
	q->has_sid = http_query_get(c->req, SLICE("sid"), &q->sid);
	q->is_ws = slice_eq(transport, SLICE("websocket"));
	if (!q->is_ws && !slice_eq(transport, SLICE("polling"))) {
		engineio_refuse(c, ENGINEIO_NO_TRANSPORT);
		return false;
	}
	return true;
}

/* Another process has the session, if there is one: it gets the request. */
static void hand_over(struct engineio *e, struct op_call *c, unsigned worker)
{
	enum err err = http_hand_over(c->req, worker);

	if (err == ERR_OK) {
		engineio_count(e, ENGINEIO_HANDED, 1);
	} else if (err == ERR_TOO_BUSY) {
		http_reply_busy(c->req, RETRY_S);
	} else if (err != ERR_CANCELLED) {
		engineio_refuse(c, ENGINEIO_NO_SESSION);
	}
}

/* The session that the request is for; NULL: answered, or on its way to another process. */
static struct engineio_session *find(
    struct engineio *e, struct op_call *c, const struct query *q, struct sid *ret_id)
{
	if (!sid_parse(q->sid, ret_id) || ret_id->node != 0) {
		engineio_refuse(c, ENGINEIO_NO_SESSION);
		return NULL;
	}
	if (ret_id->worker != e->worker) {
		hand_over(e, c, ret_id->worker);
		return NULL;
	}
	struct engineio_session *s = engineio_session_find(e, ret_id);
	if (s != NULL && s->probe != NULL) {
		/* What it has sent before this request counts before it. */
		ws_drink(s->probe);
		s = engineio_session_find(e, ret_id);
	}
	if (s == NULL) {
		engineio_refuse(c, ENGINEIO_NO_SESSION);
	}
	return s;
}

/* ---- GET ---- */

/* Another process is for sessions. False: the session begins here. */
static bool is_sent_home(struct engineio *e, struct op_call *c)
{
	enum err err = ERR_NOT_FOUND;

	if (e->home_n == 0 || e->worker - e->home_first < e->home_n) {
		return false;
	}
	/* One that has just died is passed over. */
	for (unsigned i = 0; i < e->home_n && err != ERR_OK && err != ERR_CANCELLED; i++) {
		err = http_hand_over(c->req, e->home_first + e->home_next++ % e->home_n);
	}
	if (err == ERR_OK) {
		engineio_count(e, ENGINEIO_HANDED, 1);
	} else if (err != ERR_CANCELLED) {
		engineio_refuse_busy(e, c);
	}
	return true;
}

static void open_session(struct engineio *e, struct op_call *c, const struct query *q)
{
	struct engineio_session *s = NULL;

	if (q->is_ws != ws_is_asked(c->req)) {
		engineio_refuse(c, ENGINEIO_BAD_REQUEST);
	} else if (!slice_eq(q->version, SLICE("4"))) {
		engineio_refuse(c, ENGINEIO_BAD_VERSION);
	} else if (is_sent_home(e, c)) {
		return;
	} else if (!http_admits(c->req, SHED_LATE)) {
		/* The row has no rank: what stands must not be refused. */
		engineio_refuse_busy(e, c);
	} else if (q->is_ws) {
		engineio_ws_open(e, c);
	} else if (engineio_session_open(e, &s) != ERR_OK) {
		engineio_refuse_busy(e, c);
	} else {
		engineio_poll_open(s, c->req);
		e->app->opened(e->arg, s);
	}
}

static void poll_session(struct engineio_session *s, struct op_call *c)
{
	if (s->ws != NULL) {
		engineio_refuse(c, ENGINEIO_BAD_REQUEST);
	} else if (s->poll != NULL) {
		engineio_abort(s, "two polls at once");
		http_reply(c->req, 400, SLICE_EMPTY, SLICE_EMPTY);
	} else {
		engineio_poll(s, c->req);
	}
}

enum err engineio_get(struct engineio *e, struct op_call *c)
{
	struct sid id;
	struct query q;

	(void)add_cors(e, c);
	if (http_method(c->req) == HTTP_HEAD) {
		engineio_refuse(c, ENGINEIO_BAD_METHOD);
		return ERR_OK;
	}
	if (!read_query(c, &q)) {
		return ERR_OK;
	}
	if (!q.has_sid) {
		open_session(e, c, &q);
		return ERR_OK;
	}
	struct engineio_session *s = find(e, c, &q, &id);
	if (s == NULL) {
		return ERR_OK;
	}
	if (q.is_ws != ws_is_asked(c->req)) {
		engineio_refuse(c, ENGINEIO_BAD_REQUEST);
	} else if (q.is_ws) {
		engineio_ws_join(s, c);
	} else {
		poll_session(s, c);
	}
	return ERR_OK;
}

/* ---- POST and the others ---- */

enum err engineio_post(struct engineio *e, struct op_call *c)
{
	struct sid id;
	struct query q;

	(void)add_cors(e, c);
	if (!read_query(c, &q)) {
		return ERR_OK;
	}
	if (!q.has_sid) {
		engineio_refuse(c, ENGINEIO_BAD_METHOD);
		return ERR_OK;
	}
	struct engineio_session *s = find(e, c, &q, &id);
	if (s == NULL) {
		return ERR_OK;
	}
	if (q.is_ws || s->ws != NULL || s->state != ENGINEIO_STANDS) {
		engineio_refuse(c, ENGINEIO_BAD_REQUEST);
		return ERR_OK;
	}
	return engineio_poll_post(e, &id, c);
}

enum err engineio_other(struct engineio *e, struct op_call *c)
{
	struct query q;
	bool may_read = add_cors(e, c);

	if (http_method(c->req) == HTTP_OPTIONS && may_read) {
		answer_preflight(c);
	} else if (read_query(c, &q) && !q.has_sid) {
		engineio_refuse(c, ENGINEIO_BAD_METHOD);
	} else if (!http_has_replied(c->req)) {
		http_add_header(c->req, SLICE("Allow"), SLICE("GET, POST"));
		http_reply(c->req, 405, SLICE_EMPTY, SLICE_EMPTY);
	}
	return ERR_OK;
}

void engineio_error(struct engineio *e, struct op_call *c, enum err err)
{
	(void)add_cors(e, c);
	http_reply(c->req, err_http_status(err), SLICE_EMPTY, SLICE_EMPTY);
}
