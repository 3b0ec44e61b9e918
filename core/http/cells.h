/*
 * The counters of a server, looked up once.
 */
#ifndef PLIMSOLL_HTTP_CELLS_H
#define PLIMSOLL_HTTP_CELLS_H

#include "core/grace/admit.h"
#include "core/http/builtin.h"
#include "core/http/http.h"
#include "core/obs/metric.h"

/* Why a connection ended. */
enum http_close_why {
	HTTP_CLOSE_DONE,	  /* after an answer that said so */
	HTTP_CLOSE_CLIENT,	  /* the client closed it between requests */
	HTTP_CLOSE_GONE,	  /* the client went away in the middle */
	HTTP_CLOSE_IDLE,	  /* idle_timeout */
	HTTP_CLOSE_BODY_TIMEOUT,  /* min_body_rate */
	HTTP_CLOSE_WRITE_TIMEOUT, /* write_timeout */
	HTTP_CLOSE_ABORTED,	  /* cut by us: an answer could not be completed */
	HTTP_CLOSE_ADDRESS_LIMIT, /* max_connections_per_address */
	HTTP_CLOSE_DRAINED,	  /* idle or unfinished at a drain */
	HTTP_CLOSE_PROXY_HEADER,  /* missing, wrong or late: a proxy must begin with one */
	HTTP_CLOSE_HANDED,	  /* handed to another process, which goes on with it */
	HTTP_CLOSE_WHYS
};

/* Why a TLS handshake did not come to its end. */
enum http_tls_failure {
	HTTP_TLS_TIMEOUT,     /* handshake_timeout */
	HTTP_TLS_CLIENT_GONE, /* the client closed the connection */
	HTTP_TLS_ALERT,	      /* the client said why it would not go on */
	HTTP_TLS_VERSION,     /* no version in common, or no TLS at all */
	HTTP_TLS_CIPHER,      /* no cipher, group or signature in common */
	HTTP_TLS_ALPN,	      /* no application protocol in common */
	HTTP_TLS_PLAIN_HTTP,  /* HTTP without TLS */
	HTTP_TLS_SIGNER,      /* the signer did not sign */
	HTTP_TLS_LIMIT,	      /* max_handshakes */
	HTTP_TLS_OTHER,
	HTTP_TLS_FAILURES
};

/* Why new connections are left in the kernel for a while. */
enum http_pause_why {
	HTTP_PAUSE_AHEAD,	/* siblings have fewer connections */
	HTTP_PAUSE_LIMIT,	/* max_connections */
	HTTP_PAUSE_DESCRIPTORS, /* EMFILE and the like */
	HTTP_PAUSE_HANDSHAKES,	/* TLS handshakes wait for their turn */
	HTTP_PAUSE_WHYS
};

/* Why a request was answered by http_reply_busy(): the reasons of admission, and more. */
enum http_refused_why {
	HTTP_REFUSED_LATE = GRACE_REFUSALS, /* its deadline passed in the class queue */
	HTTP_REFUSED_QUEUE,		    /* the class queue is full */
	HTTP_REFUSED_BEHIND,		    /* by a role that was asked, or for want of memory */
	HTTP_REFUSED_SITE,		    /* by its service, see http_site.rank */
	HTTP_REFUSED_WHYS
};

/* Why an HTTP/2 session was ended with an error. */
enum http_h2_cut {
	HTTP_H2_CUT_RESETS,	 /* too many streams reset */
	HTTP_H2_CUT_NOISE,	 /* too many frames that bring nothing */
	HTTP_H2_CUT_HEADER_LIST, /* a header list out of all proportion */
	HTTP_H2_CUT_SLOW_HEAD,	 /* a header block took longer than header_timeout */
	HTTP_H2_CUT_FLOODED,	 /* nghttp2's own limits: CONTINUATION frames, acknowledgements */
	HTTP_H2_CUT_PROTOCOL,	 /* any other connection error of RFC 9113 */
	HTTP_H2_CUTS
};

struct http_op_cells {
	_Atomic int64_t *requests, *refused, *client_errors, *server_errors;
	struct hist *duration;
	struct cost_meter loop; /* what a handler takes of the loop until it waits; 0: not known */
};

enum {
	HTTP_STATUS_CLASSES = 6
}; /* 0 stands for refused; 1xx to 5xx */

/* How a resource stands, see struct grace_state. */
struct http_grace_cells {
	_Atomic int64_t *wait_us, *target_us, *load, *budget, *cut_rank, *cut;
};

struct http_cells {
	struct http_grace_cells grace[GRACE_RESOURCES];
	struct http_op_cells *ops; /* owned; rows of all sites one after the other */
	struct http_op_cells builtin[HTTP_BUILTINS];
	_Atomic int64_t *responses[HTTP_STATUS_CLASSES];
	_Atomic int64_t *refused_why[HTTP_REFUSED_WHYS];
	_Atomic int64_t *closed[HTTP_CLOSE_WHYS], *paused[HTTP_PAUSE_WHYS];
	struct hist *queue_delay[COST_CLASSES];
	_Atomic int64_t *opened, *slow_heads, *received_bytes, *sent_bytes;
	_Atomic int64_t *tls_done[2]; /* full, resumed */
	_Atomic int64_t *tls_failed[HTTP_TLS_FAILURES];
	struct hist *tls_seconds;
	_Atomic int64_t *held_back, *queue_full, *body_memory_full;
	_Atomic int64_t *h2_sessions, *h2_streams, *h2_refused, *h2_cancelled, *h2_reset;
	_Atomic int64_t *h2_cut[HTTP_H2_CUTS];
	_Atomic int64_t *accept_queue, *accept_queue_limit, *listen_overflows, *listen_drops;
};

/* ERR_MEMORY. */
NODISCARD enum err http_cells_open(struct http_cells *c, const struct metrics *m,
    const struct http_site *const *sites, unsigned n_sites);
void http_cells_close(struct http_cells *c);

#endif
