/*
 * Between conn_tls.c and conn_handshake.c.
 */
#ifndef PLIMSOLL_HTTP_CONN_TLS_PRIV_H
#define PLIMSOLL_HTTP_CONN_TLS_PRIV_H

#include "core/http/conn_tls.h"
#include "core/tls/context.h"

struct conn_tls {
	struct conn *conn;
	SSL *ssl;		     /* owned */
	struct tls_context *context; /* a reference: what ssl was made from */
	struct list node;	     /* in the server's ready or waiting */
	struct task *task;	     /* while it does a step of the handshake */
	int64_t begun_us;
	bool is_open; /* the handshake is complete */
	bool broken;  /* nothing sensible can be written any more */
	bool more;    /* bytes may be here although the socket has none */
};

/* Begins steps of handshakes that wait for a task, as many as may run. */
void conn_handshake_round(struct http_server *s);

#endif
