/*
 * Handshakes. A step (everything that can be done with the bytes that are here) runs in a task,
 * because the signature in the middle of it is made by another process; between steps a connection
 * waits for its client without one, so that slow clients hold no stack.
 *
 * Two limits keep it bounded: at most max_handshakes connections are in CONN_HANDSHAKE, and at most
 * STEPS_MAX steps run at once, so that the signer's queue stays short. Steps beyond that wait in
 * order; when many do, accepting pauses and new clients wait in the kernel.
 */
#include <openssl/err.h>
#include <stdlib.h>

#include "core/ev/task.h"
#include "core/http/conn_io.h"
#include "core/http/conn_priv.h"
#include "core/http/conn_tls_priv.h"
#include "core/obs/log.h"

enum {
	STEPS_MAX = 32,
	STEPS_PER_ROUND = 8, /* begun at once: each computes for some 100 us */
	WAITING_MAX = 64,
};

static void run_later(struct conn_tls *t);

/* ---- ends ---- */

static void free_tls(struct conn *c)
{
	struct conn_tls *t = c->tls;

	c->tls = NULL;
	list_remove(&t->node);
	SSL_free(t->ssl);
	tls_context_unref(&t->context);
	free(t);
}

static void leave_handshake(struct conn *c)
{
	struct conn_tls *t = c->tls;

	c->server->tls.n_open--;
	if (t->task == NULL && !list_is_empty(&t->node)) {
		list_remove(&t->node);
		c->server->tls.n_waiting--;
	}
}

static void count_failure(struct conn *c, enum http_tls_failure why, const char *reason)
{
	char address[HTTP_ADDRESS_TEXT];

	metric_add(c->server->cells.tls_failed[why], 1);
	http_address_text(&c->peer, address);
	LOG(LOG_DEBUG, "tls", "handshake_failed", LOG_C("client", address),
	    LOG_C("reason", reason));
}

static void fail(struct conn *c, enum http_tls_failure why, const char *reason)
{
	count_failure(c, why, reason);
	conn_close(c, why == HTTP_TLS_CLIENT_GONE ? HTTP_CLOSE_CLIENT : HTTP_CLOSE_ABORTED);
}

void conn_tls_close(struct conn *c, bool clean)
{
	struct conn_tls *t = c->tls;

	if (!t->is_open) {
		leave_handshake(c);
	}
	if (t->task != NULL) {
		task_cancel(t->task); /* its end frees the rest */
		return;
	}
	if (clean) {
		conn_tls_shut_send(c);
	}
	free_tls(c);
}

bool conn_tls_is_busy(const struct conn *c)
{
	return c->tls != NULL && c->tls->task != NULL;
}

void conn_tls_on_clock(struct conn *c)
{
	fail(c, HTTP_TLS_TIMEOUT, "it took longer than handshake_timeout");
}

/* ---- outcomes of a step ---- */

/* Somebody speaks HTTP without TLS here: most likely a person with a browser. */
static void answer_plain_http(struct conn *c)
{
	static const char text[] =
	    "HTTP/1.1 400 Bad Request\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: 64\r\n"
	    "Connection: close\r\n\r\n"
	    "Bad Request: this port speaks https; use https:// in the address";
	const struct iovec part = { (void *)(uintptr_t)text, sizeof(text) - 1 };
	size_t sent = 0;

	count_failure(c, HTTP_TLS_PLAIN_HTTP, "plain HTTP");
	leave_handshake(c);
	free_tls(c);
	if (conn_send_plain(c, &part, 1, &sent) != ERR_OK) {
		conn_close(c, HTTP_CLOSE_GONE);
		return;
	}
	conn_linger(c, HTTP_LINGER_US);
}

static enum http_tls_failure failure_of(unsigned long code)
{
	if (tls_remote_key_failed()) {
		return HTTP_TLS_SIGNER;
	}
	if (code == 0) {
		return HTTP_TLS_CLIENT_GONE;
	}
	switch (ERR_GET_REASON(code)) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_UNKNOWN_PROTOCOL:
		return HTTP_TLS_VERSION;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_GROUPS:
		return HTTP_TLS_CIPHER;
	case SSL_R_NO_APPLICATION_PROTOCOL:
		return HTTP_TLS_ALPN;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return HTTP_TLS_CLIENT_GONE;
	default:
		/* Alerts of the client: it does not like our certificate, for example. */
		return ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET ? HTTP_TLS_ALERT
								    : HTTP_TLS_OTHER;
	}
}

static void on_failure(struct conn *c)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);
	enum http_tls_failure why = failure_of(code);
	bool is_http =
	    ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;

	ERR_clear_error();
	c->tls->broken = true;
	if (is_http) {
		answer_plain_http(c);
	} else {
		fail(c, why, reason == NULL ? "the connection ended" : reason);
	}
}

static void on_complete(struct conn *c)
{
	struct conn_tls *t = c->tls;
	struct http_server *s = c->server;

	leave_handshake(c);
	t->is_open = true;
	t->more = true; /* what came behind the last message of the handshake */
	metric_add(s->cells.tls_done[SSL_session_reused(t->ssl) == 1], 1);
	hist_record(s->cells.tls_seconds, clock_mono_us() - t->begun_us);
	conn_begin_protocol(c);
}

static void after_step(struct conn *c, int result, int why)
{
	if (result == 1) {
		ERR_clear_error();
		on_complete(c);
	} else if (why == SSL_ERROR_WANT_READ) {
		conn_want(c, UV_READABLE | UV_DISCONNECT);
	} else if (why == SSL_ERROR_WANT_WRITE) {
		conn_want(c, UV_WRITABLE | UV_DISCONNECT);
	} else {
		on_failure(c);
	}
}

/* ---- steps ---- */

static void step(void *arg)
{
	struct conn_tls *t = arg;
	struct conn *c = t->conn;
	struct http_server *s = c->server;

	/* Other tasks use OpenSSL's queue of errors while this one waits; each leaves it empty. */
	ERR_clear_error();
	int result = SSL_do_handshake(t->ssl);
	int why = SSL_get_error(t->ssl, result);
	t->task = NULL;
	s->tls.n_running--;
	s->n_running--;
	if (s->tls.n_waiting > 0) {
		loop_again(s->loop);
	}
	if (c->state != CONN_CLOSED) {
		after_step(c, result, why);
		return;
	}
	ERR_clear_error();
	free_tls(c);
	list_push(&s->dead, &c->node);
}

/* False: there is no task left; it waits again, until the next tick. */
static bool begin_step(struct conn_tls *t)
{
	struct http_server *s = t->conn->server;
	int64_t deadline_us = t->begun_us + s->tls.handshake_us;

	if (task_spawn(s->loop, step, t, deadline_us, &t->task) != ERR_OK) {
		t->task = NULL;
		run_later(t);
		return false;
	}
	s->tls.n_running++;
	s->n_running++;
	return true;
}

static void run_later(struct conn_tls *t)
{
	struct http_server *s = t->conn->server;

	list_push(&s->tls.waiting, &t->node);
	s->tls.n_waiting++;
}

void conn_handshake_round(struct http_server *s)
{
	struct list *node;

	for (unsigned n = 0; s->tls.n_running < STEPS_MAX; n++) {
		if (n == STEPS_PER_ROUND) {
			loop_again(s->loop);
			return;
		}
		if ((node = list_pop(&s->tls.waiting)) == NULL) {
			return;
		}
		s->tls.n_waiting--;
		if (!begin_step(LIST_OF(node, struct conn_tls, node))) {
			return;
		}
	}
}

bool conn_tls_is_full(const struct http_server *s)
{
	return s->tls.n_waiting >= WAITING_MAX;
}

void conn_tls_on_event(struct conn *c)
{
	struct conn_tls *t = c->tls;

	if (t->task != NULL || !list_is_empty(&t->node)) {
		conn_want(c, 0); /* until the step that runs or waits is done */
		return;
	}
	run_later(t);
}

void conn_tls_begin(struct conn *c)
{
	struct http_server *s = c->server;
	struct conn_tls *t = NULL;

	if (s->tls.context == NULL || s->tls.n_open >= s->tls.max_handshakes) {
		fail(c, HTTP_TLS_LIMIT, "too many handshakes at once");
		return;
	}
	SSL *ssl = tls_context_accept(s->tls.context);
	BIO *bio = BIO_new(s->tls.bio);
	if (ssl == NULL || bio == NULL || (t = calloc(1, sizeof(*t))) == NULL) {
		SSL_free(ssl);
		BIO_free(bio);
		fail(c, HTTP_TLS_OTHER, "no memory");
		return;
	}
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	t->conn = c;
	t->ssl = ssl;
	t->context = tls_context_ref(s->tls.context);
	t->begun_us = loop_now_us(s->loop);
	list_init(&t->node);
	c->tls = t;
	c->state = CONN_HANDSHAKE;
	s->tls.n_open++;
	conn_clock(c, t->begun_us + s->tls.handshake_us);
	conn_want(c, UV_READABLE | UV_DISCONNECT);
}
