/*
 * See pair.h. OpenSSL's own texts name functions, so each thing that people get wrong has a
 * sentence of ours.
 */
#include "core/tls/pair.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DATE_BYTES = 40,
	DAY_S = 86400
};

static enum err read_file(int fd, const char *name, struct buf *out, struct err_note *note)
{
	for (;;) {
		char *room = buf_room(out, 4096);
		if (room == NULL) {
			return err_note_set(note, ERR_CONFIG,
			    "%s is larger than %d bytes: it is not a certificate or key file", name,
			    TLS_FILE_MAX);
		}
		ssize_t n = pread(fd, room, 4096, (off_t)out->len);
		if (n < 0) {
			return err_note_set(note, err_from_errno(errno), "cannot read %s: %s", name,
			    strerror(errno));
		}
		if (n == 0) {
			return ERR_OK;
		}
		buf_grew(out, (size_t)n);
	}
}

/* A key belongs to its owner, and perhaps to a group that may read it (Debian's ssl-cert). */
static enum err check_mode(int fd, const char *name, struct err_note *note)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		return err_note_set(note, ERR_CONFIG, "%s is not a regular file", name);
	}
	if ((st.st_mode & 0027) != 0) {
		return err_note_set(note, ERR_CONFIG,
		    "%s may be read by others (mode %03o): chmod 600 it, and if they may have read "
		    "it, replace it",
		    name, (unsigned)(st.st_mode & 0777));
	}
	return ERR_OK;
}

static enum err parse_chain(
    struct slice pem, const char *name, STACK_OF(X509) * *ret, struct err_note *note)
{
	BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *x = NULL;

	while (in != NULL && chain != NULL && sk_X509_num(chain) <= TLS_CHAIN_MAX &&
	       (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(chain, x) == 0) {
			X509_free(x);
			break;
		}
	}
	int n = chain == NULL ? -1 : sk_X509_num(chain);
	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(in);
	ERR_clear_error();
	enum err e = ERR_OK;
	if (n < 0) {
		e = ERR_MEMORY;
	} else if (n == 0) {
		e = err_note_set(note, ERR_CONFIG,
		    "%s holds no certificate (a text that begins with -----BEGIN CERTIFICATE-----)",
		    name);
	} else if (n > TLS_CHAIN_MAX || !at_end) {
		e = err_note_set(note, ERR_CONFIG,
		    n > TLS_CHAIN_MAX ? "%s holds more than ten certificates"
				      : "%s is damaged: one of its certificates cannot be read",
		    name);
	}
	if (e != ERR_OK) {
		sk_X509_pop_free(chain, X509_free);
		return e;
	}
	*ret = chain;
	return ERR_OK;
}

/* Instead of asking the terminal: notes that somebody would have been asked. */
static int no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static enum err parse_key(struct slice pem, const char *name, EVP_PKEY **ret, struct err_note *note)
{
	BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	bool encrypted = false;
	EVP_PKEY *key =
	    in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &encrypted);

	BIO_free(in);
	ERR_clear_error();
	if (key == NULL) {
		return err_note_set(note, ERR_CONFIG,
		    encrypted ? "%s is encrypted; a server that starts by itself needs its key "
				"without a passphrase"
			      : "%s holds no private key in PEM form",
		    name);
	}
	*ret = key;
	return ERR_OK;
}

enum err tls_id_of(X509 *certificate, struct tls_id *ret)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

	if (len <= 0) {
		return ERR_CRYPTO;
	}
	(void)SHA256(der, (size_t)len, ret->bytes);
	OPENSSL_free(der);
	return ERR_OK;
}

static enum err match(struct tls_pair *p, const struct tls_pair_files *f, struct err_note *note)
{
	X509 *own = sk_X509_value(p->chain, 0);
	struct err_note why = { 0 };
	bool matches = X509_check_private_key(own, p->key) == 1;

	ERR_clear_error();
	if (tls_kind_of(p->key, &p->kind, &why) != ERR_OK) {
		return err_note_set(note, ERR_CONFIG, "%s: %s", f->certificate, why.text);
	}
	if (!matches) {
		return err_note_set(note, ERR_CONFIG,
		    "the key %s does not belong to the first certificate of %s (the server's own "
		    "comes first, then those that lead to the authority)",
		    f->key, f->certificate);
	}
	return tls_id_of(own, &p->id);
}

static enum err read_both(const struct tls_pair_files *f, struct buf *certificate, struct buf *key,
    struct tls_pair *p, struct err_note *note)
{
	enum err e = read_file(f->certificate_fd, f->certificate, certificate, note);

	if (e == ERR_OK) {
		e = parse_chain(buf_slice(certificate), f->certificate, &p->chain, note);
	}
	if (e == ERR_OK) {
		e = check_mode(f->key_fd, f->key, note);
	}
	if (e == ERR_OK) {
		e = read_file(f->key_fd, f->key, key, note);
	}
	if (e == ERR_OK) {
		e = parse_key(buf_slice(key), f->key, &p->key, note);
	}
	return e == ERR_OK ? match(p, f, note) : e;
}

enum err tls_pair_read(
    const struct tls_pair_files *files, struct tls_pair *ret, struct err_note *note)
{
	struct buf certificate = buf_new(TLS_FILE_MAX + 4096), key = buf_new(TLS_FILE_MAX + 4096);
	struct tls_pair p = { 0 };
	/* One piece from the start, so that growing leaves no copies of the key behind. */
	enum err e = buf_room(&key, TLS_FILE_MAX + 4096) == NULL
			 ? ERR_MEMORY
			 : read_both(files, &certificate, &key, &p, note);

	if (key.data != NULL) {
		OPENSSL_cleanse(key.data, key.cap);
	}
	buf_free(&key);
	buf_free(&certificate);
	if (e != ERR_OK) {
		tls_pair_fini(&p);
		return e;
	}
	*ret = p;
	return ERR_OK;
}

void tls_pair_fini(struct tls_pair *p)
{
	sk_X509_pop_free(p->chain, X509_free);
	EVP_PKEY_free(p->key);
	*p = (struct tls_pair){ 0 };
}

/* Seconds from now_s to t. */
static int64_t seconds_to(const ASN1_TIME *t, int64_t now_s)
{
	time_t now = (time_t)now_s;
	ASN1_TIME *from = ASN1_TIME_set(NULL, now);
	int days = 0, seconds = 0;

	(void)ASN1_TIME_diff(&days, &seconds, from, t);
	ASN1_TIME_free(from);
	return (int64_t)days * DAY_S + seconds;
}

int64_t tls_pair_seconds_left(const struct tls_pair *p, int64_t now_s)
{
	return seconds_to(X509_get0_notAfter(sk_X509_value(p->chain, 0)), now_s);
}

static void print_date(const ASN1_TIME *t, char out[DATE_BYTES])
{
	BIO *mem = BIO_new(BIO_s_mem());
	int n = 0;

	if (mem != NULL && ASN1_TIME_print(mem, t) == 1) {
		n = BIO_read(mem, out, DATE_BYTES - 1);
	}
	out[n > 0 ? n : 0] = '\0';
	BIO_free(mem);
}

enum err tls_pair_check_dates(
    const struct tls_pair *p, const char *name, int64_t now_s, struct err_note *note)
{
	const X509 *own = sk_X509_value(p->chain, 0);
	char date[DATE_BYTES];

	if (seconds_to(X509_get0_notBefore(own), now_s) > 0) {
		print_date(X509_get0_notBefore(own), date);
		return err_note_set(note, ERR_CONFIG,
		    "%s is not valid before %s; is this machine's clock right?", name, date);
	}
	if (seconds_to(X509_get0_notAfter(own), now_s) < 0) {
		print_date(X509_get0_notAfter(own), date);
		return err_note_set(note, ERR_CONFIG, "%s expired on %s: renew it", name, date);
	}
	return ERR_OK;
}

bool tls_pair_names(const struct tls_pair *p, const char *host)
{
	X509 *own = sk_X509_value(p->chain, 0);

	return X509_check_host(own, host, 0, 0, NULL) == 1 || X509_check_ip_asc(own, host, 0) == 1;
}
