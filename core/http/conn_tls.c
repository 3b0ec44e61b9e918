/*
 * TLS connections after their handshake (conn_handshake.c).
 *
 * libssl reads whole records ahead, so bytes may be here while the socket has none. Such a
 * connection is put on a list whenever it is asked for readability, and the next round tells it
 * that it is readable: to everybody else it looks as if the bytes were still in the kernel.
 *
 * libssl keeps a record that the socket did not take and wants the same bytes again. So a write
 * takes its bytes from the front in records that depend on nothing but what is left.
 */
#include <openssl/err.h>

#include "core/http/conn_io.h"
#include "core/http/conn_priv.h"
#include "core/http/conn_tls_priv.h"

enum {
	RECORD_BYTES = SSL3_RT_MAX_PLAIN_LENGTH,
	BURST_BYTES = 8 * RECORD_BYTES, /* of one write: others want the loop too */
};

_Static_assert((int)RECORD_BYTES <= (int)HTTP_SCRATCH_BYTES, "a record is gathered in scratch");

/* What an SSL_read or SSL_write that did not work means. */
static enum err failure(struct conn_tls *t)
{
	int why = SSL_get_error(t->ssl, 0);

	ERR_clear_error();
	switch (why) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_END;
	default:
		t->broken = true;
		return ERR_PEER_GONE;
	}
}

/* ---- reading ---- */

void conn_tls_wants(struct conn *c)
{
	struct conn_tls *t = c->tls;

	if (t->more && list_is_empty(&t->node)) {
		list_push(&c->server->tls.ready, &t->node);
		loop_again(c->server->loop);
	}
}

enum err conn_tls_recv(struct conn *c, char *out, size_t size, size_t *ret_len)
{
	struct conn_tls *t = c->tls;

	ERR_clear_error();
	if (SSL_read_ex(t->ssl, out, size, ret_len) != 1) {
		t->more = false;
		return failure(t);
	}
	t->more = SSL_has_pending(t->ssl) == 1;
	if ((c->events & UV_READABLE) != 0) {
		conn_tls_wants(c);
	}
	return ERR_OK;
}

static void deliver(struct http_server *s)
{
	struct list now;

	/* Those that become ready meanwhile have their turn in the next round. */
	list_init(&now);
	for (struct list *node; (node = list_pop(&s->tls.ready)) != NULL;) {
		list_push(&now, node);
	}
	for (struct list *node; (node = list_pop(&now)) != NULL;) {
		struct conn_tls *t = LIST_OF(node, struct conn_tls, node);
		if (t->more && (t->conn->events & UV_READABLE) != 0) {
			conn_readable(t->conn, UV_READABLE);
		}
	}
}

void conn_tls_round(struct http_server *s)
{
	deliver(s);
	conn_handshake_round(s);
}

/* ---- writing ---- */

/* Bytes of the parts from at on, at most one record: in place, or gathered in scratch. */
static struct slice record_of(
    struct http_server *s, const struct iovec *parts, unsigned n, size_t at)
{
	size_t len = 0;

	for (unsigned i = 0; i < n && len < RECORD_BYTES; i++) {
		if (at >= parts[i].iov_len) {
			at -= parts[i].iov_len;
			continue;
		}
		const char *from = (const char *)parts[i].iov_base + at;
		size_t here = parts[i].iov_len - at;
		at = 0;
		if (len == 0 && (here >= RECORD_BYTES || i + 1 == n)) {
			return SLICE_OF(from, here < RECORD_BYTES ? here : RECORD_BYTES);
		}
		here = here < RECORD_BYTES - len ? here : RECORD_BYTES - len;
		memcpy(s->scratch + len, from, here);
		len += here;
	}
	return SLICE_OF(s->scratch, len);
}

enum err conn_tls_send(struct conn *c, const struct iovec *parts, unsigned n, size_t *ret_len)
{
	struct conn_tls *t = c->tls;
	size_t sent = 0;
	enum err e = ERR_OK;

	ERR_clear_error();
	while (e == ERR_OK && sent < BURST_BYTES) {
		struct slice record = record_of(c->server, parts, n, sent);
		size_t wrote = 0;
		if (record.len == 0) {
			break;
		}
		if (SSL_write_ex(t->ssl, record.ptr, record.len, &wrote) == 1) {
			sent += wrote;
		} else {
			e = failure(t);
		}
	}
	if (sent == 0 && e != ERR_OK) {
		return e == ERR_AGAIN ? e : ERR_PEER_GONE;
	}
	*ret_len = sent;
	return ERR_OK;
}

void conn_tls_shut_send(struct conn *c)
{
	struct conn_tls *t = c->tls;

	if (t->is_open && !t->broken) {
		ERR_clear_error();
		(void)SSL_shutdown(t->ssl);
		ERR_clear_error();
	}
}

struct slice conn_tls_alpn(const struct conn *c)
{
	const unsigned char *name = NULL;
	unsigned len = 0;

	if (c->tls != NULL) {
		SSL_get0_alpn_selected(c->tls->ssl, &name, &len);
	}
	return name == NULL ? SLICE_EMPTY : SLICE_OF(name, len);
}

/* ---- the socket, as libssl sees it ---- */

static int bio_read(BIO *bio, char *out, size_t size, size_t *ret_len)
{
	enum err e = conn_recv_plain(BIO_get_data(bio), out, size, ret_len);

	BIO_clear_retry_flags(bio);
	if (e == ERR_AGAIN) {
		BIO_set_retry_read(bio);
	}
	return e == ERR_OK;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *ret_len)
{
	const struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	enum err e = conn_send_plain(BIO_get_data(bio), &part, 1, ret_len);

	BIO_clear_retry_flags(bio);
	if (e == ERR_AGAIN) {
		BIO_set_retry_write(bio);
	}
	return e == ERR_OK;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

enum err conn_tls_open(struct http_server *s)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "connection");

	list_init(&s->tls.ready);
	list_init(&s->tls.waiting);
	s->tls.bio = m;
	if (m == NULL || BIO_meth_set_read_ex(m, bio_read) != 1 ||
	    BIO_meth_set_write_ex(m, bio_write) != 1 || BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
		return ERR_MEMORY;
	}
	return ERR_OK;
}

void conn_tls_fini(struct http_server *s)
{
	tls_context_unref(&s->tls.context);
	BIO_meth_free(s->tls.bio);
	s->tls.bio = NULL;
}
