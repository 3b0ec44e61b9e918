/*
 * Bytes of a connection in and out: the only place that reads and writes its socket, so that what
 * lies between (TLS, another protocol's frames) is known to nobody else.
 */
#ifndef PLIMSOLL_HTTP_CONN_IO_H
#define PLIMSOLL_HTTP_CONN_IO_H

#include <sys/uio.h>

#include "core/http/conn.h"

/*
 * Reads up to size bytes that are there. ERR_AGAIN: none now; ERR_END: the client has closed its
 * sending side; ERR_PEER_GONE: the connection is broken.
 */
NODISCARD enum err conn_recv(struct conn *c, char *out, size_t size, size_t *ret_len);

/*
 * Writes what can be written now, at least one byte. ERR_AGAIN: nothing; ERR_PEER_GONE. After
 * ERR_AGAIN the same bytes must come first the next time: with TLS they are encrypted already.
 */
NODISCARD enum err conn_send(
    struct conn *c, const struct iovec *parts, unsigned n, size_t *ret_len);

/* The socket itself, below whatever protects it. Results as above. */
NODISCARD enum err conn_recv_plain(struct conn *c, char *out, size_t size, size_t *ret_len);
NODISCARD enum err conn_send_plain(
    struct conn *c, const struct iovec *parts, unsigned n, size_t *ret_len);

/* Tells the client that nothing more will come; reading goes on. */
void conn_shut_send(struct conn *c);

#endif
