/*
 * Thin layers over OpenSSL, so that the connection sees five results and no error queue.
 */
#include "lab/client_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "lab/chance.h"

enum {
	NAME_BYTES = 256,
	REASON_BYTES = 160,
	POOL_MAX = 1024, /* sessions, some kilobytes each */
	RESUME_STREAM = 3000,
};

struct client_tls {
	SSL_CTX *context;
	char host[NAME_BYTES];
	bool insecure, is_address;
	double resume;
	struct chance chance;
	SSL_SESSION *pool[POOL_MAX]; /* owned; the oldest goes first */
	unsigned first, n;
	uint64_t handshakes, resumed;
};

/* ---- sessions that may be resumed ---- */

static SSL_SESSION *pop(struct client_tls *t)
{
	SSL_SESSION *s = t->pool[t->first];

	t->first = (t->first + 1) % POOL_MAX;
	t->n--;
	return s;
}

/* Takes it over; where there is no room the oldest gives way. */
static void push(struct client_tls *t, SSL_SESSION *s)
{
	if (t->n == POOL_MAX) {
		SSL_SESSION_free(pop(t));
	}
	t->pool[(t->first + t->n++) % POOL_MAX] = s;
}

/* The server gives one: of OpenSSL's callbacks, which returns 1 where it takes it over. */
static int on_session(SSL *s, SSL_SESSION *session)
{
	struct client_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(s));

	if (t->resume <= 0) {
		return 0;
	}
	push(t, session);
	return 1;
}

static bool has_expired(const SSL_SESSION *s)
{
	return clock_wall_ms() / 1000 >=
	       (int64_t)SSL_SESSION_get_time(s) + SSL_SESSION_get_timeout(s);
}

/* Lets the connection resume the oldest session that is still good. One of TLS 1.3 is good once. */
static void resume_one(struct client_tls *t, SSL *s)
{
	while (t->n > 0) {
		SSL_SESSION *session = pop(t);
		bool good = !has_expired(session) && SSL_set_session(s, session) == 1;
		if (good && SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) {
			push(t, session);
			return;
		}
		SSL_SESSION_free(session);
		if (good) {
			return;
		}
	}
}

void client_tls_resume(struct client_tls *t, double share, uint64_t seed)
{
	t->resume = share;
	t->chance = chance_new(seed, RESUME_STREAM);
}

uint64_t client_tls_handshakes(const struct client_tls *t)
{
	return t->handshakes;
}

uint64_t client_tls_resumed(const struct client_tls *t)
{
	return t->resumed;
}

/* ---- the context ---- */

static bool set_authorities(struct client_tls *t, const char *file)
{
	return file == NULL ? SSL_CTX_set_default_verify_paths(t->context) == 1
			    : SSL_CTX_load_verify_locations(t->context, file, NULL) == 1;
}

enum err client_tls_open(const char *host, const char *authorities, bool insecure,
    struct client_tls **ret, struct err_note *note)
{
	struct in6_addr address;
	struct client_tls *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return ERR_MEMORY;
	}
	(void)snprintf(t->host, sizeof(t->host), "%s", host);
	t->is_address =
	    inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
	t->insecure = insecure;
	t->context = SSL_CTX_new(TLS_client_method());
	if (t->context == NULL || !set_authorities(t, authorities)) {
		enum err e = t->context == NULL
				 ? err_note_set(note, ERR_CRYPTO, "OpenSSL makes no context")
				 : err_note_set(note, ERR_INVALID, "%s: no certificates to trust",
				       authorities == NULL ? "this machine" : authorities);
		client_tls_close(&t);
		return e;
	}
	(void)SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION);
	(void)SSL_CTX_set_app_data(t->context, t);
	(void)SSL_CTX_set_session_cache_mode(
	    t->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(t->context, on_session);
	SSL_CTX_set_verify(t->context, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_RELEASE_BUFFERS);
	*ret = t;
	return ERR_OK;
}

void client_tls_close(struct client_tls **tp)
{
	struct client_tls *t = *tp;

	if (t == NULL) {
		return;
	}
	while (t->n > 0) {
		SSL_SESSION_free(pop(t));
	}
	SSL_CTX_free(t->context);
	free(t);
	*tp = NULL;
}

SSL *client_tls_session(struct client_tls *t, int fd)
{
	SSL *s = SSL_new(t->context);
	char name[NAME_BYTES]; /* OpenSSL's macro wants it writable */

	if (s == NULL) {
		return NULL;
	}
	X509_VERIFY_PARAM *param = SSL_get0_param(s);
	bool good = SSL_set_fd(s, fd) == 1;
	memcpy(name, t->host, sizeof(name));
	if (t->is_address) {
		good = good && X509_VERIFY_PARAM_set1_ip_asc(param, t->host) == 1;
	} else {
		good = good && SSL_set1_host(s, t->host) == 1 &&
		       SSL_set_tlsext_host_name(s, name) == 1;
	}
	if (!good) {
		SSL_free(s);
		return NULL;
	}
	if (t->resume > 0 && chance_unit(&t->chance) < t->resume) {
		resume_one(t, s);
	}
	return s;
}

static enum client_tls_result result_of(SSL *s, int returned)
{
	switch (SSL_get_error(s, returned)) {
	case SSL_ERROR_NONE:
		return CLIENT_TLS_OK;
	case SSL_ERROR_WANT_READ:
		return CLIENT_TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return CLIENT_TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return CLIENT_TLS_END;
	default:
		return CLIENT_TLS_FAILED;
	}
}

enum client_tls_result client_tls_handshake(SSL *s)
{
	ERR_clear_error();
	enum client_tls_result r = result_of(s, SSL_connect(s));
	if (r == CLIENT_TLS_OK) {
		struct client_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(s));
		t->handshakes++;
		t->resumed += SSL_session_reused(s) == 1 ? 1 : 0;
	}
	return r;
}

enum client_tls_result client_tls_read(SSL *s, void *out, size_t size, size_t *ret_len)
{
	*ret_len = 0;
	ERR_clear_error();
	return result_of(s, SSL_read_ex(s, out, size, ret_len));
}

enum client_tls_result client_tls_write(SSL *s, struct slice data, size_t *ret_len)
{
	*ret_len = 0;
	ERR_clear_error();
	return result_of(s, SSL_write_ex(s, data.ptr, data.len, ret_len));
}

const char *client_tls_reason(const SSL *s)
{
	static _Thread_local char text[REASON_BYTES];
	long verified = SSL_get_verify_result(s);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	if (verified != X509_V_OK && (SSL_get_verify_mode(s) & SSL_VERIFY_PEER) != 0) {
		reason = X509_verify_cert_error_string(verified);
	}
	(void)snprintf(
	    text, sizeof(text), "TLS: %s", reason == NULL ? "connection closed" : reason);
	return text;
}
