/*
 * See context.h. Versions and ciphers follow what BSI TR-02102-2 and Mozilla's "intermediate" have
 * in common: TLS 1.2 with forward secrecy and AEAD, TLS 1.3; no renegotiation, compression, session
 * cache, client certificates or early data (it can be replayed, and our requests change things).
 */
#include "core/tls/context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/tls/keyset.h"

#define CIPHERS_12                                                                                 \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define GROUPS "X25519:P-256:P-384"
/* Those of scheme.c. */
#define SIGNATURES                                                                                 \
	"ECDSA+SHA256:ed25519:RSA-PSS+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA-PSS+SHA512:"          \
	"RSA+SHA256:RSA+SHA384:RSA+SHA512"

/* One SSL_CTX: the chains for one set of names, at most one per kind of key. */
struct entry {
	SSL_CTX *ssl;
	X509 *certificate; /* the first one's; owned by ssl */
};

struct tls_context {
	unsigned refs;
	const struct tls_tickets *tickets;
	bool h2;
	struct entry entry[TLS_PAIRS_MAX];
	unsigned n;
};

struct tls_context *tls_context_ref(struct tls_context *c)
{
	c->refs++;
	return c;
}

void tls_context_unref(struct tls_context **cp)
{
	struct tls_context *c = *cp;

	*cp = NULL;
	if (c == NULL || --c->refs > 0) {
		return;
	}
	for (unsigned i = 0; i < c->n; i++) {
		SSL_CTX_free(c->entry[i].ssl);
	}
	free(c);
}

/* ---- callbacks of libssl ---- */

/* Whether the certificate of an entry is for the name that the client asks for (RFC 6066 3). */
static int choose_certificate(SSL *ssl, int *ret_alert, void *arg)
{
	const struct tls_context *c = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)ret_alert;
	for (unsigned i = 0; name != NULL && i < c->n; i++) {
		if (X509_check_host(c->entry[i].certificate, name, 0, 0, NULL) == 1) {
			if (i > 0) {
				SSL_set_SSL_CTX(ssl, c->entry[i].ssl);
			}
			return SSL_TLSEXT_ERR_OK;
		}
	}
	/* Whoever comes by address or by a name that we do not know gets the first one's. */
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301: our preference counts; nothing in common ends the handshake. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
    const unsigned char *offered, unsigned offered_len, void *arg)
{
	static const unsigned char both[] = "\x02h2\x08http/1.1";
	const struct tls_context *c = arg;
	const unsigned char *ours = c->h2 ? both : both + 3;
	unsigned ours_len = (unsigned)sizeof(both) - 1 - (c->h2 ? 0 : 3);
	unsigned char *chosen = NULL;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, ret_len, ours, ours_len, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED) {
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* The tickets' address is kept in the SSL_CTX: this callback has no argument of its own. */
static int apply_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	const struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	return tls_tickets_apply(tickets, name, iv, cipher, mac, seal != 0);
}

/* ---- making ---- */

static bool set_rules(SSL_CTX *ssl, const struct tls_options *o)
{
	static const unsigned char session_context[] = "plimsoll";
	char groups[] = GROUPS, signatures[] = SIGNATURES; /* libssl's macros drop a const */

	SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
				     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
				     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ssl, (long)o->ticket_lifetime_s);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_read_ahead(ssl, 1);
	SSL_CTX_set_max_early_data(ssl, 0);
	SSL_CTX_set_recv_max_early_data(ssl, 0);
	return SSL_CTX_set_min_proto_version(ssl, o->only_13 ? TLS1_3_VERSION : TLS1_2_VERSION) ==
		   1 &&
	       SSL_CTX_set_session_id_context(ssl, session_context, sizeof(session_context) - 1) ==
		   1 &&
	       SSL_CTX_set_cipher_list(ssl, CIPHERS_12) == 1 &&
	       SSL_CTX_set1_groups_list(ssl, groups) == 1 &&
	       SSL_CTX_set1_sigalgs_list(ssl, signatures) == 1;
}

static SSL_CTX *new_ssl(struct tls_context *c, const struct tls_options *o)
{
	SSL_CTX *ssl = SSL_CTX_new_ex(o->library, NULL, TLS_server_method());

	if (ssl == NULL || !set_rules(ssl, o)) {
		SSL_CTX_free(ssl);
		return NULL;
	}
	/* libssl wants a pointer without const; nobody writes through it. */
	SSL_CTX_set_app_data(ssl, (void *)(uintptr_t)o->tickets);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, apply_ticket_key);
	SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, c);
	SSL_CTX_set_tlsext_servername_callback(ssl, choose_certificate);
	SSL_CTX_set_tlsext_servername_arg(ssl, c);
	return ssl;
}

static X509 *take_certificate(struct wire_reader *r, OSSL_LIB_CTX *library)
{
	struct slice der = wire_take_bytes(r);
	const unsigned char *at = (const unsigned char *)der.ptr;
	X509 *x = X509_new_ex(library, NULL);

	if (x != NULL && d2i_X509(&x, &at, (long)der.len) == NULL) {
		x = NULL; /* freed by d2i */
	}
	return x;
}

static struct slice names_of(X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	ASN1_OCTET_STRING *data = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, at));

	return data == NULL
		   ? (struct slice){ NULL, 0 }
		   : SLICE_OF(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data));
}

static bool has_kind(SSL_CTX *ssl, X509 *own)
{
	const char *kind = EVP_PKEY_get0_type_name(X509_get0_pubkey(own));
	bool found = false;

	for (long more = SSL_CTX_set_current_cert(ssl, SSL_CERT_SET_FIRST); more == 1 && !found;
	     more = SSL_CTX_set_current_cert(ssl, SSL_CERT_SET_NEXT)) {
		found = EVP_PKEY_is_a(X509_get0_pubkey(SSL_CTX_get0_certificate(ssl)), kind);
	}
	return found;
}

/* Where the chain of own belongs: with one for the same names and another kind of key, or alone. */
static struct entry *entry_for(struct tls_context *c, const struct tls_options *o, X509 *own)
{
	struct slice names = names_of(own);

	for (unsigned i = 0; i < c->n && names.ptr != NULL; i++) {
		struct entry *e = &c->entry[i];
		if (slice_eq(names_of(e->certificate), names) && !has_kind(e->ssl, own)) {
			return e;
		}
	}
	CHECK(c->n < TLS_PAIRS_MAX);
	SSL_CTX *ssl = new_ssl(c, o);
	if (ssl == NULL) {
		return NULL;
	}
	c->entry[c->n] = (struct entry){ .ssl = ssl, .certificate = own };
	return &c->entry[c->n++];
}

static enum err add_own(struct tls_context *c, const struct tls_options *o, X509 *own,
    struct entry **ret, struct err_note *note)
{
	EVP_PKEY *key = NULL;
	struct entry *entry = entry_for(c, o, own);
	enum err e =
	    entry == NULL ? ERR_MEMORY : tls_remote_key_new(o->library, own, o->signer, &key, note);

	if (e == ERR_OK && (SSL_CTX_use_certificate(entry->ssl, own) != 1 ||
			       SSL_CTX_use_PrivateKey(entry->ssl, key) != 1)) {
		char text[120];
		ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
		e = err_note_set(note, ERR_CRYPTO, "a certificate is not taken: %s", text);
	}
	EVP_PKEY_free(key);
	*ret = entry;
	return e;
}

static enum err add_chain(struct tls_context *c, const struct tls_options *o, struct wire_reader *r,
    struct err_note *note)
{
	uint32_t n = wire_take_u32(r);
	struct entry *entry = NULL;
	enum err e = n < 1 || n > TLS_CHAIN_MAX ? ERR_CORRUPT : ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && i < n; i++) {
		X509 *x = take_certificate(r, o->library);
		if (x == NULL) {
			return ERR_CORRUPT;
		}
		if (i == 0) {
			e = add_own(c, o, x, &entry, note);
		} else if (SSL_CTX_add1_chain_cert(entry->ssl, x) != 1) {
			e = ERR_CRYPTO;
		}
		X509_free(x);
	}
	return e;
}

enum err tls_context_new(const struct tls_options *o, struct slice chains, struct tls_context **ret,
    struct err_note *note)
{
	struct wire_reader r = wire_reader_new(chains);
	struct tls_context *c = calloc(1, sizeof(*c));
	uint32_t n = wire_take_u32(&r);
	enum err e = c == NULL ? ERR_MEMORY : n < 1 || n > TLS_PAIRS_MAX ? ERR_CORRUPT : ERR_OK;

	if (c != NULL) {
		c->refs = 1;
		c->tickets = o->tickets;
		c->h2 = o->h2;
	}
	for (uint32_t i = 0; e == ERR_OK && i < n; i++) {
		e = add_chain(c, o, &r, note);
	}
	ERR_clear_error();
	if (e == ERR_OK && !wire_done(&r)) {
		e = ERR_CORRUPT;
	}
	if (e != ERR_OK) {
		tls_context_unref(&c);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

SSL *tls_context_accept(struct tls_context *c)
{
	SSL *ssl = SSL_new(c->entry[0].ssl);

	if (ssl != NULL) {
		SSL_set_accept_state(ssl);
	}
	return ssl;
}
