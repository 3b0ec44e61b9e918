/*
 * See http_probe.h.
 */
#include "cmd/http_probe.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/fetch.h"

enum {
	READ_BYTES = 16384
};

/* A connection, with or without TLS. */
struct probe {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
};

void probe_address(const struct public_url *url, char out[PUBLIC_URL_MAX])
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

static enum err begin_tls(struct probe *p, const char *host, struct err_note *note)
{
	char name[PUBLIC_HOST_MAX + 1]; /* OpenSSL's macro wants one that could be changed */

	(void)snprintf(name, sizeof(name), "%s", host);
	p->ctx = SSL_CTX_new(TLS_client_method());
	p->ssl = p->ctx == NULL ? NULL : SSL_new(p->ctx);
	if (p->ssl == NULL || SSL_CTX_set_default_verify_paths(p->ctx) != 1 ||
	    !set_name(p->ssl, name) || SSL_set_fd(p->ssl, p->fd) != 1) {
		return err_note_set(note, ERR_CRYPTO, "TLS cannot begin");
	}
	SSL_set_verify(p->ssl, SSL_VERIFY_PEER, NULL);
	if (SSL_connect(p->ssl) == 1) {
		return ERR_OK;
	}
	long verified = SSL_get_verify_result(p->ssl);
	if (verified != X509_V_OK) {
		return err_note_set(note, ERR_DENIED, "its certificate is not trusted here: %s",
		    X509_verify_cert_error_string(verified));
	}
	return err_note_set(note, ERR_SYNTAX, "what answers there speaks no TLS");
}

static bool send_all(struct probe *p, struct slice bytes)
{
	ssize_t n = p->ssl != NULL ? SSL_write(p->ssl, bytes.ptr, (int)bytes.len)
				   : write(p->fd, bytes.ptr, bytes.len);

	return n == (ssize_t)bytes.len;
}

static enum err read_all(struct probe *p, struct buf *out)
{
	for (;;) {
		char *room = buf_room(out, READ_BYTES);
		if (room == NULL) {
			return ERR_LIMIT;
		}
		ssize_t n = p->ssl != NULL ? SSL_read(p->ssl, room, READ_BYTES)
					   : read(p->fd, room, READ_BYTES);
		if (n <= 0) {
			return out->len > 0 ? ERR_OK : ERR_IO;
		}
		buf_grew(out, (size_t)n);
	}
}

static enum err take_answer(struct buf *out, struct probe_answer *ret, struct err_note *note)
{
	struct slice all = buf_slice(out);
	const char *end = memmem(all.ptr, all.len, "\r\n\r\n", 4);
	uint64_t status = 0;

	if (end == NULL || !slice_starts(all, SLICE("HTTP/1.")) ||
	    slice_to_u64(slice_sub(all, 9, 12), 999, &status) != ERR_OK) {
		return err_note_set(note, ERR_SYNTAX, "what answers there is no HTTP server");
	}
	*ret = (struct probe_answer){ .status = (int)status,
		.head = slice_sub(all, 0, (size_t)(end - all.ptr) + 2) };
	return ERR_OK;
}

static void end(struct probe *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	if (p->fd >= 0) {
		close(p->fd);
	}
	ERR_clear_error();
}

enum err http_probe(const struct public_url *url, const char *target, const char *authorization,
    struct buf *out, struct probe_answer *ret, struct err_note *note)
{
	struct probe p = { .fd = -1 };
	struct buf request = buf_new(PROBE_TARGET_MAX);
	char address[PUBLIC_URL_MAX];

	probe_address(url, address);
	buf_printf(&request,
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: plimsoll-check\r\nAccept: */*\r\n"
	    "Connection: close\r\n%s%s%s\r\n",
	    target, strstr(url->origin, "://") + 3, authorization == NULL ? "" : "Authorization: ",
	    authorization == NULL ? "" : authorization, authorization == NULL ? "" : "\r\n");
	enum err e = request.failed ? ERR_LIMIT : fetch_connect(address, &p.fd, note);
	if (e == ERR_OK && url->is_https) {
		e = begin_tls(&p, url->host, note);
	}
	if (e == ERR_OK && !send_all(&p, buf_slice(&request))) {
		e = err_note_set(note, ERR_IO, "the connection broke");
	}
	buf_clear(out);
	if (e == ERR_OK && read_all(&p, out) != ERR_OK) {
		e = err_note_set(note, ERR_IO, "no answer came");
	}
	e = e == ERR_OK ? take_answer(out, ret, note) : e;
	end(&p);
	buf_free(&request);
	return e;
}

struct slice probe_header(const struct probe_answer *a, const char *name)
{
	struct slice rest = a->head, line;

	while (slice_split(&rest, '\n', &line)) {
		size_t colon = slice_find(line, ':', 0);
		if (colon < line.len &&
		    slice_eq_nocase(slice_sub(line, 0, colon), slice_str(name))) {
			struct slice value = slice_sub(line, colon + 1, line.len);
			value.len -= slice_ends(value, SLICE("\r")) ? 1 : 0;
			return slice_trim(value);
		}
	}
	return (struct slice){ NULL, 0 };
}
