/*
 * Inside of an Engine.IO server: engineio.c (table, clocks, beginning and end of sessions),
 * engineio_send.c (packets out), engineio_recv.c (packets in), engineio_http.c (what requests have
 * in common), engineio_poll.c (long polling) and engineio_ws.c (WebSocket and the way to it).
 */
#ifndef PLIMSOLL_REALTIME_ENGINEIO_PRIV_H
#define PLIMSOLL_REALTIME_ENGINEIO_PRIV_H

#include "core/base/list.h"
#include "core/ev/deadline.h"
#include "core/http/ws.h"
#include "core/realtime/engineio.h"
#include "core/realtime/sid.h"

enum {
	/* A closed session's last words wait so long for the next poll. */
	ENGINEIO_LAST_POLL_US = 30000000,
	/* A poll while the client probes its WebSocket is released after this. */
	ENGINEIO_PROBE_POLL_US = 100000,
};

enum engineio_state {
	ENGINEIO_STANDS,
	ENGINEIO_LEAVING, /* polling: the application has closed it, the next poll gets the rest */
	ENGINEIO_OVER,	  /* in nobody's table; freed at the end of the round */
};

enum engineio_cell {
	ENGINEIO_POLLING_SESSIONS,
	ENGINEIO_WS_SESSIONS,
	ENGINEIO_OPENED,
	ENGINEIO_REFUSED,
	ENGINEIO_UPGRADED,
	ENGINEIO_HANDED,
	ENGINEIO_PACKETS_IN,
	ENGINEIO_PACKETS_OUT,
	ENGINEIO_DROPPED,
	ENGINEIO_CLOSED_SLOW,
	ENGINEIO_CLOSED_PING,
	ENGINEIO_CLOSED_RULE,
	ENGINEIO_RECORD_BYTES,
	ENGINEIO_QUEUED_BYTES,
	ENGINEIO_CELLS
};

struct engineio_session {
	struct engineio *server;
	void *data;		  /* the application's */
	struct list node;	  /* in dirty or over */
	struct deadline deadline; /* in the server's heap: the earliest of the times below */
	int64_t deadline_us;	  /* its key there */
	int64_t beat_us;	  /* the next ping, or the end of the wait for a pong */
	int64_t probe_us;	  /* the end of the wait for an upgrade; INT64_MAX: none */
	int64_t release_us;	  /* a poll that is released while the client probes; likewise */
	int64_t app_us;		  /* engineio_set_timer() */
	int64_t leave_us;	  /* closed then: drain, or last words; INT64_MAX: not yet known */
	int64_t tokens_us;     /* inbound rate: the time up to which its packets have been paid */
	struct http_req *poll; /* held; NULL: none */
	struct ws *ws;	       /* the transport, once it is WebSocket */
	struct ws *probe;      /* a WebSocket that wants to become it */
	struct ws_queue out;   /* while polling */
	uint8_t state;	       /* enum engineio_state */
	bool waits_pong, prolonged;
	bool posting;  /* the body of a POST is being read */
	bool probed;   /* 2probe has come */
	bool is_dirty; /* in dirty */
	struct sid id;
};

struct engineio {
	struct loop *loop;
	struct engineio_settings set;
	const struct engineio_app *app;
	void *arg;
	bool (*may_open)(void *arg); /* NULL: nobody is asked */
	void *may_open_arg;
	unsigned worker;
	unsigned home_first, home_n, home_next; /* see engineio_set_homes() */
	struct engineio_session **slots;	/* owned; by number; NULL: free */
	uint8_t *generations;			/* owned; of slots */
	uint32_t *free_slots;			/* owned; a stack */
	unsigned n_free, n_slots;
	struct deadline_heap heap;
	uv_timer_t timer;
	uv_prepare_t flush; /* active while something is dirty or over */
	unsigned open_handles;
	struct list dirty; /* polling sessions with something to send, or to be released */
	struct list over;
	int64_t opens_us;  /* rate of new sessions, as tokens_us */
	int64_t drain_us;  /* 0: not draining */
	unsigned measured; /* slots of this pass over all sessions */
	int64_t measured_bytes, measured_sessions;
	_Atomic int64_t *cells[ENGINEIO_CELLS];
};

/* ---- engineio.c ---- */

static inline void engineio_count(struct engineio *e, enum engineio_cell cell, int64_t n)
{
	metric_add(e->cells[cell], n);
}

/* A session with a fresh id; beats from now on. ERR_TOO_BUSY: see refusals in engineio_http.c. */
NODISCARD enum err engineio_session_open(struct engineio *e, struct engineio_session **ret);

/* The session of that id, if it stands and no deadline of it has passed; else NULL. */
struct engineio_session *engineio_session_find(struct engineio *e, const struct sid *id);

/* Tells the application, closes transports as how says, and takes it out of everything. */
enum engineio_how {
	ENGINEIO_BY_SERVER, /* what waits is sent first; a poll gets 1 at its end */
	ENGINEIO_BY_RULE,   /* at once; a poll gets 1 */
	ENGINEIO_BY_CLIENT, /* a poll gets 6 */
	ENGINEIO_BY_LOSS,   /* the transport is gone */
};
void engineio_session_end(
    struct engineio_session *s, enum engineio_how how, const char *why, enum ws_close_code code);

/* One of its times has changed. */
void engineio_clock(struct engineio_session *s);

/* At the end of this round: a poll is answered, what is over is freed. */
void engineio_dirty(struct engineio_session *s);

/* A token bucket as a time: true if one more may pass now. */
bool engineio_rate(int64_t *paid_us, unsigned per_s, unsigned burst, int64_t now_us);

/* ---- engineio_send.c ---- */

/* A packet of the server's own. */
void engineio_put(struct engineio_session *s, enum ws_opcode opcode, struct slice text);

/* Looks at some sessions for what they hold; the gauges are set when all have been looked at. */
void engineio_measure(struct engineio *e);

/* Where its packets wait. */
struct ws_queue *engineio_queue(struct engineio_session *s);

/* ---- engineio_recv.c ---- */

/* A packet from the client over the present transport. False: the session is over by it. */
NODISCARD bool engineio_take(struct engineio_session *s, bool binary, struct slice text);

/* All packets of a polling body, up to one that ends the session. False: one was malformed. */
NODISCARD bool engineio_take_body(struct engineio_session *s, struct slice body);

/* ---- engineio_poll.c ---- */

/* Answers or holds the GET of a session. */
void engineio_poll(struct engineio_session *s, struct http_req *r);

/* Answers the held GET with what waits and, if last is not empty, that packet behind it. */
void engineio_poll_release(struct engineio_session *s, struct slice last);

/* Reads the body of a POST in its task and takes its packets. */
NODISCARD enum err engineio_poll_post(struct engineio *e, const struct sid *id, struct op_call *c);

/* The answer to a first GET. */
void engineio_poll_open(struct engineio_session *s, struct http_req *r);

/* ---- engineio_ws.c ---- */

/* Answers the handshake: a session of its own, or a probe of the one that is there. */
void engineio_ws_open(struct engineio *e, struct op_call *c);
void engineio_ws_join(struct engineio_session *s, struct op_call *c);

/* Gives up the WebSocket that wants to become the transport; polling goes on. */
void engineio_probe_end(struct engineio_session *s);

/* Appends the first packet of a session. */
void engineio_put_open(const struct engineio_session *s, bool upgrades, struct buf *out);

/* ---- engineio_http.c ---- */

enum engineio_refusal {
	ENGINEIO_NO_TRANSPORT,
	ENGINEIO_NO_SESSION,
	ENGINEIO_BAD_METHOD,
	ENGINEIO_BAD_REQUEST,
	ENGINEIO_FORBIDDEN,
	ENGINEIO_BAD_VERSION,
};
void engineio_refuse(struct op_call *c, enum engineio_refusal why);

/* No room for one more session: 503 with a time to come again. */
void engineio_refuse_busy(struct engineio *e, struct op_call *c);

#endif
