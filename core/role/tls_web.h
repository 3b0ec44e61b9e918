/*
 * Role: web. Keeps the servers' TLS contexts: certificates and ticket keys come from the signer, at
 * the start and whenever they have changed there; signatures are asked for one by one.
 */
#ifndef PLIMSOLL_ROLE_TLS_WEB_H
#define PLIMSOLL_ROLE_TLS_WEB_H

#include "core/http/server.h"
#include "core/role/role.h"

struct tls_web;

/* Before the sandbox closes. ERR_CRYPTO, ERR_MEMORY. */
NODISCARD enum err tls_web_open(struct role_ctx *r, struct tls_web **ret, struct err_note *note);

/* A server that has TLS connections, with HTTP/2 (where [http] http2 allows it) or without; kept.
 */
void tls_web_add(struct tls_web *w, struct http_server *server, bool h2);

/* In a task, peers connected: fetches, so that the servers can listen; then looks once a second. */
NODISCARD enum err tls_web_begin(struct tls_web *w, struct err_note *note);

/* The configuration has changed. */
void tls_web_reload(struct tls_web *w);

/* The servers must be freed before. */
void tls_web_close(struct tls_web **w);

#endif
