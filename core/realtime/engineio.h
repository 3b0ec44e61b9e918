/*
 * A server of Engine.IO v4 behind rows of struct op: sessions over long polling and WebSocket, the
 * way from the one to the other, heartbeats, limits, and what each violation leads to
 * (doc/PROTOCOLS.md). What the messages mean is the affair of an application, such as Socket.IO
 * (socketio_server.h); who the users are is nobody's here.
 *
 * A session belongs to the process that opened it. Requests for it that come to another process are
 * handed over with their connection (http_hand_over()), so that no balancer has to keep clients to
 * one process. One loop, one thread; sessions are small and keep no buffer while they are idle.
 */
#ifndef PLIMSOLL_REALTIME_ENGINEIO_H
#define PLIMSOLL_REALTIME_ENGINEIO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ev/loop.h"
#include "core/http/http.h"
#include "core/http/ws_out.h"
#include "core/obs/metric.h"

struct engineio;
struct engineio_session;

enum {
	/* Rows that post messages take bodies up to this; settings.max_payload is at most as much.
	 */
	ENGINEIO_BODY_MAX = 1000000,
	ENGINEIO_SESSIONS_MAX = 1000000,
};

struct engineio_settings {
	int64_t ping_interval_us, ping_timeout_us, upgrade_timeout_us;
	uint32_t max_payload; /* bytes of a message, and of the body of a POST */
	size_t queue_soft,
	    queue_hard; /* bytes that wait for one receiver: droppable ones go, it is closed */
	unsigned max_sessions;		       /* of this process; more are answered 503 */
	unsigned packets_per_s, packets_burst; /* from one session; 0: any number */
	unsigned opens_per_s; /* sessions, in this process; beyond them 503; 0: any number */
	struct slice origins; /* CORS: "*", or origins with commas, or empty: off; borrowed */
};

/* Called from loop callbacks and from tasks; must not wait. */
struct engineio_app {
	/* A session stands; its data is NULL. */
	void (*opened)(void *arg, struct engineio_session *s);
	/* A message; data is valid during the call. */
	void (*message)(void *arg, struct engineio_session *s, bool binary, struct slice data);
	/* s is over and must not be used behind this. why: one word, for logs. */
	void (*closed)(void *arg, struct engineio_session *s, const char *why);
	/* The time that engineio_set_timer() asked for has come; may be NULL. */
	void (*timer)(void *arg, struct engineio_session *s);
	/* The process goes down: s is closed after retry_ms. May be NULL. */
	void (*draining)(void *arg, struct engineio_session *s, int64_t retry_ms);
	size_t record_bytes; /* of its own for each session; counted */
};

/* Families of one row each, for struct service; all servers of a process count in them. */
enum {
	ENGINEIO_METRICS = 14
};
extern const struct metric_def engineio_metrics[ENGINEIO_METRICS];

/* worker: the instance of this process. The settings are copied, app is kept. ERR_MEMORY. */
NODISCARD enum err engineio_new(struct loop *l, struct metrics *metrics, unsigned worker,
    const struct engineio_settings *settings, const struct engineio_app *app, void *arg,
    struct engineio **ret);

/* Ends all sessions. The loop must run once more to close the handles. */
void engineio_free(struct engineio **e);

/*
 * Who is asked before each new session, beside the settings' limits: false refuses it with 503.
 * NULL: nobody.
 */
void engineio_set_gate(struct engineio *e, bool (*may_open)(void *arg), void *arg);

/*
 * Sessions begin in the n processes from that one on; requests for new ones that come to others are
 * handed over to them in turn. n 0: wherever they come.
 */
void engineio_set_homes(struct engineio *e, unsigned first, unsigned n);

/* For what comes from now on, after a reload. */
void engineio_set(struct engineio *e, const struct engineio_settings *settings);

/*
 * The process goes down at deadline_us (monotonic): no more sessions are opened; each that stands
 * is told when it will be closed, spread over the time that is left, and then is.
 */
void engineio_drain(struct engineio *e, int64_t deadline_us);

/* ---- requests: the rows of a service call these with the server that its state holds ---- */

/*
 * GET (OP_INLINE), POST (OP_STREAM, max_body at least ENGINEIO_BODY_MAX), and every other method
 * (OP_INLINE, or OP_STREAM so that bodies are not waited for).
 */
NODISCARD enum err engineio_get(struct engineio *e, struct op_call *c);
NODISCARD enum err engineio_post(struct engineio *e, struct op_call *c);
NODISCARD enum err engineio_other(struct engineio *e, struct op_call *c);

/* The answer to a request on these paths that failed before its handler ran. */
void engineio_error(struct engineio *e, struct op_call *c, enum err err);

/* ---- sessions ---- */

enum {
	ENGINEIO_DROPPABLE = 1, /* dropped when the receiver does not keep up */
};

/* Messages, for any number of receivers; the caller has a reference. NULL: no memory. */
struct ws_out *engineio_text(const struct slice *parts, unsigned n); /* the digit comes before */
struct ws_out *engineio_bytes(struct slice bytes);

/*
 * Puts a message of these functions last in what waits for the session. It may be closed by it
 * ("slow"), but is not freed before the application hears of that.
 */
void engineio_send(struct engineio_session *s, struct ws_out *o, unsigned flags);

/* True if droppable messages would be dropped now. */
bool engineio_is_full(const struct engineio_session *s);

/* Sends what waits and closes; the application hears of it at once. */
void engineio_close(struct engineio_session *s, const char *why);

/* The client broke a rule: closes without sending what waits. */
void engineio_abort(struct engineio_session *s, const char *why);

/* Over already: nothing that is sent arrives. */
bool engineio_is_over(const struct engineio_session *s);

void engineio_set_data(struct engineio_session *s, void *data);
void *engineio_data(const struct engineio_session *s);

/* app->timer at that time; INT64_MAX: never. One per session. */
void engineio_set_timer(struct engineio_session *s, int64_t due_us);

#endif
