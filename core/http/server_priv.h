/*
 * Inside of the server: what connections, dispatch and listeners share. One loop, one thread.
 *
 * The way of a request: listen.c accepts -> conn.c reads and parses the head -> dispatch.c routes
 * it and queues it by class; the check hook takes it from there, asks admission, body.c collects
 * the body, the handler runs, respond.c or stream.c write -> conn.c goes on with the next request.
 */
#ifndef PLIMSOLL_HTTP_SERVER_PRIV_H
#define PLIMSOLL_HTTP_SERVER_PRIV_H

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/trace.h"
#include "core/ev/wheel.h"
#include "core/http/address_count.h"
#include "core/http/cells.h"
#include "core/http/class_queues.h"
#include "core/http/router.h"
#include "core/http/server.h"
#include "core/http/settings.h"
#include "core/tls/context.h"

enum {
	HTTP_SCRATCH_BYTES = 65536, /* for bytes that are read to be dropped */
	HTTP_OUT_BYTES = 16384,	    /* longest head of an answer */
	HTTP_FREE_REQUESTS = 64,    /* request objects kept for the next requests */
	HTTP_WS_IN_BYTES = 16384,   /* bytes of WebSockets read at once */
};

/* See conn_tls.h. */
struct http_tls {
	struct tls_context *context; /* a reference; NULL: no certificates yet */
	int64_t handshake_us;	     /* for a whole handshake */
	unsigned max_handshakes;
	BIO_METHOD *bio;
	struct list ready;   /* with decrypted bytes that nobody has read */
	struct list waiting; /* handshakes that wait for a task */
	unsigned n_open;     /* connections in CONN_HANDSHAKE */
	unsigned n_waiting, n_running;
};

struct http_server {
	struct loop *loop;
	struct http_server_options o;
	struct http_settings settings;
	struct http_router *router;
	struct http_cells cells;
	struct metric_slot *slot; /* of this process */
	struct grace *grace;	  /* that of the process, or its own */
	struct grace *own_grace;  /* owned; NULL: there is one of the process */
	struct grace_load load;	  /* valid in this round if load_is_known */
	bool load_is_known;
	struct cost_meter refusal;     /* what it takes of the loop to refuse one */
	bool turn_is_on, turn_is_over; /* over: a request was queued since it began; see o.turn */
	/* Its part of the process' figures. */
	unsigned queued_told;
	bool delay_told;
	bool in_hook; /* the check hook runs: what is queued now is dispatched by it */

	struct class_queues queues;

	struct wheel wheel;
	struct list conns; /* all with an open socket */
	struct list dead;  /* ended ones, freed by the check hook */
	unsigned n_conns;
	struct address_table addresses;
	struct list free_requests;
	unsigned n_free_requests;
	unsigned n_running; /* handlers that have not returned */
	size_t body_memory; /* bytes of buffered bodies */
	struct trace_source traces;

	struct h2_shared *h2;		  /* see h2_priv.h */
	struct list ws_touched;		  /* WebSockets with something to write */
	bool ws_reading;		  /* ws_in is in use */
	struct http_listeners *listeners; /* see listen.c */
	struct http_tls tls;

	bool draining;	    /* answers say close */
	bool idle_over;	    /* idle connections are closed, nothing is accepted */
	http_hand_fn *hand; /* see http_server_set_siblings(); NULL: none */
	void *hand_arg;
	struct http_drain drain;

	char date[CLOCK_HTTP_DATE_SIZE];
	int64_t date_until_us;
	char out[HTTP_OUT_BYTES];	  /* the head of the answer that is being written */
	char scratch[HTTP_SCRATCH_BYTES]; /* bytes read to be dropped */
	/* Frames; while they are worked on others may write, which TLS does out of scratch. */
	char ws_in[HTTP_WS_IN_BYTES];
};

#endif
