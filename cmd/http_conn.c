/*
 * See http_conn.h.
 */
#include "cmd/http_conn.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cmd/fetch.h"
#include "core/base/buf.h"

enum {
	READ_BYTES = 16384
};

void http_conn_address(const struct public_url *url, char out[PUBLIC_URL_MAX])
{
	const char *authority = strstr(url->origin, "://") + 3;
	const char *last = strrchr(authority, ':'), *bracket = strrchr(authority, ']');
	bool has_port = last != NULL && (bracket == NULL || last > bracket);

	(void)snprintf(out, PUBLIC_URL_MAX, "%s%s", authority,
	    has_port	    ? ""
	    : url->is_https ? ":443"
			    : ":80");
}

/* Whom the certificate has to name: an address is not asked for by name. */
static bool set_name(SSL *ssl, char *name)
{
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 ||
	       (SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1);
}

static enum err begin_tls(struct http_conn *c, const char *host, struct err_note *note)
{
	char name[PUBLIC_HOST_MAX + 1]; /* OpenSSL's macro wants one that could be changed */

	(void)snprintf(name, sizeof(name), "%s", host);
	c->ctx = SSL_CTX_new(TLS_client_method());
	c->ssl = c->ctx == NULL ? NULL : SSL_new(c->ctx);
	if (c->ssl == NULL || SSL_CTX_set_default_verify_paths(c->ctx) != 1 ||
	    !set_name(c->ssl, name) || SSL_set_fd(c->ssl, c->fd) != 1) {
		return err_note_set(note, ERR_CRYPTO, "TLS cannot begin");
	}
	SSL_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	if (SSL_connect(c->ssl) == 1) {
		return ERR_OK;
	}
	long verified = SSL_get_verify_result(c->ssl);
	if (verified != X509_V_OK) {
		return err_note_set(note, ERR_DENIED, "its certificate is not trusted here: %s",
		    X509_verify_cert_error_string(verified));
	}
	return err_note_set(note, ERR_SYNTAX, "what answers there speaks no TLS");
}

bool http_conn_send(struct http_conn *c, struct slice bytes)
{
	while (bytes.len > 0) {
		size_t len = bytes.len < INT_MAX ? bytes.len : INT_MAX;
		ssize_t n = c->ssl != NULL ? SSL_write(c->ssl, bytes.ptr, (int)len)
					   : send(c->fd, bytes.ptr, len, MSG_NOSIGNAL);
		if (n <= 0) {
			return false;
		}
		bytes = slice_sub(bytes, (size_t)n, bytes.len);
	}
	return true;
}

enum err http_conn_read_all(struct http_conn *c, struct buf *out)
{
	for (;;) {
		char *room = buf_room(out, READ_BYTES);
		if (room == NULL) {
			return ERR_LIMIT;
		}
		ssize_t n = c->ssl != NULL ? SSL_read(c->ssl, room, READ_BYTES)
					   : read(c->fd, room, READ_BYTES);
		if (n <= 0) {
			return out->len > 0 ? ERR_OK : ERR_IO;
		}
		buf_grew(out, (size_t)n);
	}
}

enum err http_conn_open(struct http_conn *c, const struct public_url *url, struct err_note *note)
{
	char address[PUBLIC_URL_MAX];

	*c = (struct http_conn){ .fd = -1 };
	http_conn_address(url, address);
	enum err e = fetch_connect(address, &c->fd, note);
	return e == ERR_OK && url->is_https ? begin_tls(c, url->host, note) : e;
}

void http_conn_set_patience(struct http_conn *c, int seconds)
{
	const struct timeval patience = { .tv_sec = seconds };

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

void http_conn_close(struct http_conn *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	if (c->fd >= 0) {
		close(c->fd);
	}
	ERR_clear_error();
	*c = (struct http_conn){ .fd = -1 };
}
