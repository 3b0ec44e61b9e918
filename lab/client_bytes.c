/*
 * What goes over a connection: bytes of the socket, or of TLS on it, with the same results.
 */
#include <errno.h>
#include <sys/socket.h>

#include "lab/client_priv.h"

const char *client_bytes_reason(int failed)
{
	switch (failed) {
	case ECONNREFUSED:
		return "connection refused";
	case ECONNRESET:
	case EPIPE:
		return "connection reset";
	case ETIMEDOUT:
		return "no connection in time";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "no way to the host";
	default:
		return "connection failed";
	}
}

enum err client_bytes_put(struct client_conn *conn, size_t *ret_len)
{
	if (conn->tls == NULL) {
		ssize_t n = send(conn->fd, conn->out.ptr, conn->out.len, MSG_NOSIGNAL);
		*ret_len = n < 0 ? 0 : (size_t)n;
		return n >= 0 ? ERR_OK : errno == EAGAIN ? ERR_AGAIN : ERR_PEER_GONE;
	}
	enum client_tls_result r = client_tls_write(conn->tls, conn->out, ret_len);
	return r == CLIENT_TLS_OK					 ? ERR_OK
	       : r == CLIENT_TLS_WANT_READ || r == CLIENT_TLS_WANT_WRITE ? ERR_AGAIN
									 : ERR_PEER_GONE;
}

enum err client_bytes_get(struct client_conn *conn, size_t *ret_len)
{
	struct client *c = conn->client;

	*ret_len = 0;
	if (conn->tls == NULL) {
		ssize_t n = recv(conn->fd, c->read_buffer, sizeof(c->read_buffer), 0);
		*ret_len = n < 0 ? 0 : (size_t)n;
		return n > 0		 ? ERR_OK
		       : n == 0		 ? ERR_END
		       : errno == EAGAIN ? ERR_AGAIN
					 : ERR_PEER_GONE;
	}
	/* All of what is decrypted: poll does not tell of it. */
	size_t n = 0;
	enum client_tls_result r = CLIENT_TLS_OK;
	while (r == CLIENT_TLS_OK && *ret_len < sizeof(c->read_buffer)) {
		r = client_tls_read(
		    conn->tls, c->read_buffer + *ret_len, sizeof(c->read_buffer) - *ret_len, &n);
		*ret_len += n;
	}
	if (*ret_len > 0) {
		return ERR_OK;
	}
	return r == CLIENT_TLS_END ? ERR_END : r == CLIENT_TLS_FAILED ? ERR_PEER_GONE : ERR_AGAIN;
}

const char *client_bytes_why(const struct client_conn *conn)
{
	return conn->tls == NULL ? client_bytes_reason(errno) : client_tls_reason(conn->tls);
}
