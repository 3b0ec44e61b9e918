/*
 * The HTTP server of a process (1.1 and 2, see h2.h): listeners, connections, class queues,
 * dispatch. Loop callbacks only read, parse the head, stamp and enqueue by cost class; a check hook
 * drains the class queues in slices of 1 ms, asks admission and starts handlers. See
 * http-foundation.md 7 for the lessons.
 */
#ifndef PLIMSOLL_HTTP_SERVER_H
#define PLIMSOLL_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/conf/conf.h"
#include "core/ev/loop.h"
#include "core/grace/admit.h"
#include "core/http/address.h"
#include "core/http/http.h"
#include "core/http/parse.h"
#include "core/obs/metric.h"

struct http_server;
struct tls_context;

/* How the process measures its surroundings for admission; called at most once per loop round. */
typedef void http_load_fn(void *arg, struct grace_load *load);

struct http_server_options {
	const struct http_site *const *sites;
	unsigned n_sites;
	const struct conf *conf; /* section [http]: limits and clocks, see http_conf_keys */
	struct metrics *metrics; /* own slot and the http families; other web slots for balancing */
	http_load_fn *load;	 /* may be NULL */
	void *load_arg;
	/*
	 * Admission of the process, where it has more than one server: they share what they ask of
	 * others. NULL: its own.
	 */
	struct grace *grace;
	bool access_log;
	bool proxied; /* [http] proxy_protocol counts here */
	/*
	 * "https://host[:port]": where requests that come without TLS are sent, rows with
	 * OP_ANY_SCHEME excepted. NULL: nowhere.
	 */
	const char *https_origin;
	bool http1_only; /* HTTP/2 is not spoken, whatever [http] http2 says */
	/* The database makes its readers wait: OP_INLINE rows of COST_READ get a task after all. */
	bool reads_wait;
	/*
	 * on: handlers run now, one after the other without a wait between, for requests that are
	 * all here; off: that is over. For what can be shared by their reads. May be NULL.
	 */
	void (*turn)(void *arg, bool on);
	void *turn_arg;
};

/* Names of the cost classes, as labels of metrics. */
extern const char *const http_class_names[COST_CLASSES];

/* Keys of section [http]; part of the configuration of every process that has a server. */
extern const struct conf_table http_conf;

/* Metric families of a server: per op requests, refusals, latency; connections, accept queue. */
void http_metric_schema(
    struct metric_schema *schema, const struct http_site *const *sites, unsigned n_sites);

/*
 * A server for the sites. ERR_CONFIG with text in note when the routes are ambiguous or a row is
 * wrong. The options' pointers are kept.
 */
NODISCARD enum err http_server_new(struct loop *l, const struct http_server_options *o,
    struct http_server **ret, struct err_note *note);

/*
 * Serves a bound, listening, non-blocking socket; takes fd. Sockets are shared by the web
 * processes: each accepts only while its connection count is at most two above the smallest count
 * of the serving siblings (metric slots of the same role that were alive in the last 200 ms).
 */
NODISCARD enum err http_server_listen(struct http_server *s, int fd);

/* How a server ends; times are monotonic. */
struct http_drain {
	int64_t deadline_us;   /* nobody is served beyond it */
	int64_t idle_until_us; /* so long idle connections stay open for one more request */
	bool accepts;	       /* new connections are taken meanwhile: nobody else would */
	void (*done)(void *arg);
	void *arg;
};
/* The same for a socket whose connections begin with TLS. */
NODISCARD enum err http_server_listen_tls(struct http_server *s, int fd);

/*
 * What TLS connections that are accepted from now on get (a reference is taken); before the first
 * call they are closed. handshake_us: time for a whole handshake; at most max_handshakes at once.
 */
void http_server_set_tls(struct http_server *s, struct tls_context *context, int64_t handshake_us,
    unsigned max_handshakes);

/*
 * Starts draining: stops accepting, goes on serving the connections that are there and says
 * Connection: close with each answer, so that those who are at work leave by themselves; what is
 * idle at idle_until_us is closed. done(arg) runs when the last connection has ended or the
 * deadline has passed.
 */
void http_server_drain(struct http_server *s, const struct http_drain *d);

/* New limits after a reload of the configuration. */
void http_server_reload(struct http_server *s, const struct conf *conf);

void http_server_free(struct http_server **s);

/*
 * A connection on its way to another process of the same role that serves the same listener: with
 * the request that has come, which nobody has answered or read the body of.
 */
struct http_handover {
	int fd;
	struct http_address peer;
	bool trusted, proxied_tls; /* see http_client_address() and http_is_https() */
	struct slice bytes;	   /* the request's head and what came behind it */
};

enum {
	HTTP_HANDOVER_BYTES = HTTP_MAX_HEAD_BYTES + 16384, /* longest bytes of one */
};

/*
 * Sends h to the process of that instance; fd stays the caller's. ERR_NOT_FOUND: there is no such
 * process; ERR_TOO_BUSY: it does not take it now.
 */
typedef enum err http_hand_fn(void *arg, unsigned instance, const struct http_handover *h);

/* How http_hand_over() reaches the other processes. */
void http_server_set_siblings(struct http_server *s, http_hand_fn *hand, void *arg);

/* Goes on with a connection that another process had; takes h->fd. */
void http_server_adopt(struct http_server *s, const struct http_handover *h);

/*
 * A listening TCP socket for "host:port" text as CONF_ADDRESS gives it (backlog somaxconn,
 * TCP_NODELAY, close-on-exec, non-blocking). ERR_EXISTS: in use; text in note.
 */
NODISCARD enum err http_listen_socket(const char *address, int *ret_fd, struct err_note *note);

/* Whether a TCP socket is bound to the address that the same text names. */
bool http_listens_on(int fd, const char *address);

#endif
