/*
 * See tls_rig.h.
 */
#include "core/tls/tls_rig.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"

enum {
	ROUNDS = 10
};

int rig_file(const char *text, size_t len, unsigned mode)
{
	int fd = memfd_create("rig", MFD_CLOEXEC);

	CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0);
	return fd;
}

static EVP_PKEY *make_key(const char *kind)
{
	return strcmp(kind, "RSA") == 0	      ? EVP_RSA_gen(2048)
	       : strcmp(kind, "ED25519") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
					      : EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
}

static X509 *make_certificate(EVP_PKEY *key, const struct rig_certificate *what)
{
	X509 *x = X509_new();
	char names[80];

	CHECK(x != NULL && X509_set_version(x, X509_VERSION_3) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), what->from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), what->to_s);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)what->host, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	snprintf(names, sizeof(names), "DNS:%s", what->host);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	CHECK(X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
	const EVP_MD *md = strcmp(what->kind, "ED25519") == 0 ? NULL : EVP_sha256();
	CHECK(X509_set_pubkey(x, key) == 1 && X509_sign(x, key, md) > 0);
	return x;
}

static int file_of(BIO *mem, unsigned mode)
{
	char *text = NULL;
	long len = BIO_get_mem_data(mem, &text);
	int fd = rig_file(text, (size_t)len, mode);

	BIO_free(mem);
	return fd;
}

struct rig_files rig_make(const struct rig_certificate *what)
{
	EVP_PKEY *key = make_key(what->kind);
	X509 *x = make_certificate(key, what);
	BIO *certificate = BIO_new(BIO_s_mem()), *private = BIO_new(BIO_s_mem());

	CHECK(PEM_write_bio_X509(certificate, x) == 1);
	CHECK(PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1);
	X509_free(x);
	EVP_PKEY_free(key);
	return (struct rig_files){ .files = { .certificate_fd = file_of(certificate, 0644),
				       .key_fd = file_of(private, 0600),
				       .certificate = "cert.pem",
				       .key = "key.pem" } };
}

void rig_files_close(struct rig_files *f)
{
	close(f->files.certificate_fd);
	close(f->files.key_fd);
}

static enum err sign(void *arg, const struct tls_id *id, uint16_t scheme, struct slice message,
    unsigned char *out, size_t *ret_len)
{
	struct rig *r = arg;
	struct buf bytes = buf_new(TLS_SIGNATURE_MAX);
	struct err_note note = { 0 };

	r->signatures++;
	enum err e = r->refuse;
	if (e == ERR_OK) {
		e = tls_keyset_sign(&r->set, id, scheme, message, &bytes, &note);
	}
	if (e == ERR_OK) {
		memcpy(out, bytes.data, bytes.len);
		*ret_len = bytes.len;
	}
	buf_free(&bytes);
	return e;
}

void rig_open(struct rig *r, const struct rig_certificate *what, unsigned n, bool only_13, bool h2)
{
	struct rig_files files[TLS_PAIRS_MAX];
	struct tls_pair_files list[TLS_PAIRS_MAX];
	struct buf chains = buf_new(TLS_CHAINS_MAX_BYTES);
	struct err_note note = { 0 };

	*r = (struct rig){ .refuse = ERR_OK };
	for (unsigned i = 0; i < n; i++) {
		files[i] = rig_make(&what[i]);
		list[i] = files[i].files;
	}
	CHECK(tls_keyset_read(list, n, true, clock_wall_ms() / 1000, &r->set, &note) == ERR_OK);
	for (unsigned i = 0; i < n; i++) {
		rig_files_close(&files[i]);
	}
	tls_keyset_write_chains(&r->set, &chains);
	tls_tickets_rotate(&r->tickets, 1000000, 0);
	r->signer = (struct tls_signer){ sign, r };
	CHECK(tls_library_open(&r->library) == ERR_OK);
	const struct tls_options options = { .library = r->library.ctx,
		.signer = &r->signer,
		.tickets = &r->tickets,
		.only_13 = only_13,
		.h2 = h2,
		.ticket_lifetime_s = 3600 };
	enum err e = tls_context_new(&options, buf_slice(&chains), &r->context, &note);
	if (e != ERR_OK) {
		fprintf(stderr, "tls_context_new: %s: %s\n", err_text(e), note.text);
	}
	CHECK(e == ERR_OK);
	buf_free(&chains);
}

void rig_close(struct rig *r)
{
	tls_context_unref(&r->context);
	tls_library_close(&r->library);
	tls_keyset_fini(&r->set);
}

/* libssl's macros drop a const that its functions keep. */
static char *plain(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void set_up_client(SSL *ssl, const struct rig_client *c)
{
	if (c->version != 0) {
		SSL_set_min_proto_version(ssl, c->version);
		SSL_set_max_proto_version(ssl, c->version);
	}
	if (c->host != NULL) {
		SSL_set_tlsext_host_name(ssl, plain(c->host));
	}
	if (c->sigalgs != NULL) {
		CHECK(SSL_set1_sigalgs_list(ssl, plain(c->sigalgs)) == 1);
	}
	if (c->ciphers != NULL) {
		CHECK(SSL_set_cipher_list(ssl, c->ciphers) == 1);
	}
	if (c->alpn.len > 0) {
		SSL_set_alpn_protos(ssl, (const unsigned char *)c->alpn.ptr, (unsigned)c->alpn.len);
	}
	if (c->session != NULL) {
		SSL_set_session(ssl, c->session);
	}
	SSL_set_connect_state(ssl);
}

/* Both ends take turns; a word each way brings the tickets of TLS 1.3 along. */
static bool shake(SSL *client, SSL *server)
{
	char word[8];

	for (int i = 0; i < ROUNDS; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	return SSL_is_init_finished(client) && SSL_is_init_finished(server) &&
	       SSL_write(server, "word", 4) == 4 && SSL_read(client, word, sizeof(word)) == 4 &&
	       SSL_write(client, "word", 4) == 4 && SSL_read(server, word, sizeof(word)) == 4;
}

static void look(SSL *client, SSL *server, struct rig_client *c)
{
	const unsigned char *name = NULL;
	unsigned len = 0;

	SSL_get0_alpn_selected(server, &name, &len);
	snprintf(c->alpn_chosen, sizeof(c->alpn_chosen), "%.*s", (int)len,
	    name == NULL ? "" : (const char *)name);
	c->resumed = SSL_session_reused(server) == 1;
	X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(client)),
	    NID_commonName, c->subject, sizeof(c->subject));
	c->new_session = SSL_get1_session(client);
}

void rig_talk(struct rig *r, struct rig_client *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(ctx), *server = tls_context_accept(r->context);
	BIO *a = NULL, *b = NULL;

	CHECK(client != NULL && server != NULL && BIO_new_bio_pair(&a, 0, &b, 0) == 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	set_up_client(client, c);
	c->done = shake(client, server);
	if (c->done) {
		look(client, server, c);
		SSL_shutdown(client); /* a session of an unfinished connection is not reused */
	}
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	ERR_clear_error();
}
