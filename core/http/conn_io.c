/*
 * Plain sockets; what is protected goes through conn_tls.c.
 */
#include "core/http/conn_io.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/http/conn_tls.h"

static enum err failure(void)
{
	return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_PEER_GONE;
}

enum err conn_recv_plain(struct conn *c, char *out, size_t size, size_t *ret_len)
{
	ssize_t n = recv(c->fd, out, size, 0);

	if (n < 0) {
		return failure();
	}
	if (n == 0) {
		return ERR_END;
	}
	metric_add(c->server->cells.received_bytes, n);
	*ret_len = (size_t)n;
	return ERR_OK;
}

enum err conn_send_plain(struct conn *c, const struct iovec *parts, unsigned n, size_t *ret_len)
{
	/* msghdr has no const; sendmsg() does not write there. */
	const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
		.msg_iovlen = n };
	ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | (c->more_follows ? MSG_MORE : 0));

	if (sent < 0) {
		return failure();
	}
	metric_add(c->server->cells.sent_bytes, sent);
	*ret_len = (size_t)sent;
	return ERR_OK;
}

enum err conn_recv(struct conn *c, char *out, size_t size, size_t *ret_len)
{
	return c->tls == NULL ? conn_recv_plain(c, out, size, ret_len)
			      : conn_tls_recv(c, out, size, ret_len);
}

enum err conn_send(struct conn *c, const struct iovec *parts, unsigned n, size_t *ret_len)
{
	return c->tls == NULL ? conn_send_plain(c, parts, n, ret_len)
			      : conn_tls_send(c, parts, n, ret_len);
}

void conn_shut_send(struct conn *c)
{
	if (c->tls != NULL) {
		conn_tls_shut_send(c);
	}
	shutdown(c->fd, SHUT_WR);
}
