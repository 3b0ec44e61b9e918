/*
 * Connections of simulated devices: HTTP/1.1 over TCP, or TLS over it, on our loop, one request at
 * a time on each. Every answer is stamped right behind the read that completed it.
 */
#ifndef PLIMSOLL_LAB_CLIENT_H
#define PLIMSOLL_LAB_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/ev/deadline.h"
#include "core/ev/loop.h"
#include "lab/answer.h"

enum {
	CLIENT_READ_BYTES = 65536
};

struct client_tls;
struct from;

struct client {
	struct loop *loop;
	struct client_tls *tls; /* borrowed; NULL: plain */
	struct sockaddr_storage address;
	socklen_t address_len;
	struct from *from;		/* borrowed; NULL: the machine chooses source addresses */
	struct deadline_heap deadlines; /* of requests in flight */
	uint64_t opened, bytes_in, bytes_out;
	uint64_t events;		 /* of its connections */
	uint64_t no_descriptor, no_port; /* how often one was missing */
	unsigned open;
	char read_buffer[CLIENT_READ_BYTES];
};

struct client_conn;

/*
 * The answer is complete (ERR_OK), or why there is none: ERR_PEER_GONE (refused, reset, closed),
 * ERR_DEADLINE, ERR_SYNTAX; what says it in words. The connection is idle or dead, see
 * client_conn_is_usable(); the callee may close it or send again.
 */
typedef void client_fn(void *arg, enum err e, const char *what);

/* Starts to watch for deadlines, of at most that many requests at once. ERR_MEMORY. */
NODISCARD enum err client_open(struct client *c, struct loop *loop, const struct sockaddr *address,
    socklen_t address_len, unsigned max_requests);

/* Its connections must be closed. */
void client_close(struct client *c);

/* From now on connections speak TLS; tls stays the caller's and must outlive them. */
void client_use_tls(struct client *c, struct client_tls *tls);

/* From now on connections come from those addresses in turn; from stays the caller's. */
void client_use_sources(struct client *c, struct from *from);

/*
 * A new connection, which begins to connect. ERR_LIMIT: this process has no descriptor or port left
 * (a fault of the generator); others are the target's. *ret is closed by client_conn_close().
 */
NODISCARD enum err client_conn_open(
    struct client *c, struct client_conn **ret, struct err_note *note);

/* Frees it, whatever it does, without a call back; sets *conn to NULL. */
void client_conn_close(struct client_conn **conn);

/*
 * Sends text, which must stay until done is called, on a connection without a request. deadline_us:
 * of the whole answer, monotonic.
 */
void client_conn_send(
    struct client_conn *conn, struct slice text, int64_t deadline_us, client_fn *done, void *arg);

/*
 * The same for a request with Upgrade: 101 is an answer then, and its done may call
 * client_conn_stream().
 */
void client_conn_upgrade(
    struct client_conn *conn, struct slice text, int64_t deadline_us, client_fn *done, void *arg);

/*
 * Bytes that came on a connection that is no HTTP any more; at its end once with what not NULL,
 * which says why, and no bytes. The callee may close the connection.
 */
typedef void client_stream_fn(void *arg, struct slice bytes, const char *what);
void client_conn_stream(struct client_conn *conn, client_stream_fn *fn, void *arg);

/* Sends a copy of bytes on such a connection, behind what waits already. ERR_LIMIT: 1 MiB waits. */
NODISCARD enum err client_conn_write(struct client_conn *conn, struct slice bytes);

/* Calls fn(arg) when it dies without a request; fn may close it. NULL: no longer. */
void client_conn_when_gone(struct client_conn *conn, void (*fn)(void *arg), void *arg);

/* Gives back what a large answer took, before it is kept unused for a while. */
void client_conn_shrink(struct client_conn *conn);

/* True while another request may be sent on it. */
bool client_conn_is_usable(const struct client_conn *conn);

/* True if an answer came on it before the current request. */
bool client_conn_was_used(const struct client_conn *conn);

/* The answer of the last request; valid until the next one or the close. */
const struct answer *client_conn_answer(const struct client_conn *conn);

/* When the last answer was complete, monotonic. */
int64_t client_conn_answered_us(const struct client_conn *conn);

#endif
