/*
 * Live sessions of couples over Socket.IO (realtime.md 1.5, doc/PAIRS.md): who may join, what
 * clients may send, what is told to whom and in which order. Role: web.
 *
 * The sessions of a couple may live in several web processes. Each process that has some keeps a
 * room for the couple, which knows the last number of the stream that they have been told. What is
 * done to the couple is told from process to process at once; a room that sees a number missing
 * reads it from the database, and every room looks there from time to time, often while a process
 * has just gone or come. So whatever dies, nobody who stays connected misses a number.
 */
#ifndef PLIMSOLL_PAIRS_LIVE_SESSIONS_H
#define PLIMSOLL_PAIRS_LIVE_SESSIONS_H

#include "core/obs/metric.h"
#include "core/realtime/socketio_server.h"
#include "core/service.h"
#include "services/pairs/pairs_fanout.h"

struct live;

enum {
	LIVE_NAMESPACES = 1,
	LIVE_METRICS = 7,
};

/* The argument of their functions must be a struct pairs_state. */
extern const struct socketio_namespace live_namespaces[LIVE_NAMESPACES];
extern const struct metric_def live_metrics[LIVE_METRICS];

/* *fanout becomes what the process tells its sessions by. ERR_MEMORY. */
NODISCARD enum err live_new(struct svc_env *env, struct pairs_fanout *fanout, struct live **ret);

/* struct socketio_namespace.draining: tells when to come back. */
void live_say_bye(void *arg, struct socketio_socket *s, int64_t retry_ms);

/* Behind the end of all sessions. */
void live_free(struct live **l);

/* The process goes down: members are not said to have left, they come back elsewhere. */
void live_drain(struct live *l);

/* What the service in another process has told; see struct service. */
void live_told(struct live *l, struct slice message);

#endif
