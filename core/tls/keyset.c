/*
 * See keyset.h.
 */
#include "core/tls/keyset.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/wire.h"

enum err tls_keyset_read(const struct tls_pair_files *files, unsigned n, bool dated, int64_t now_s,
    struct tls_keyset *ret, struct err_note *note)
{
	struct tls_keyset set = { 0 };
	enum err e = ERR_OK;

	CHECK(n >= 1 && n <= TLS_PAIRS_MAX);
	while (e == ERR_OK && set.n < n) {
		e = tls_pair_read(&files[set.n], &set.pair[set.n], note);
		set.n += e == ERR_OK;
	}
	for (unsigned i = 0; e == ERR_OK && dated && i < n; i++) {
		e = tls_pair_check_dates(&set.pair[i], files[i].certificate, now_s, note);
	}
	if (e != ERR_OK) {
		tls_keyset_fini(&set);
		return e;
	}
	*ret = set;
	return ERR_OK;
}

void tls_keyset_fini(struct tls_keyset *set)
{
	for (unsigned i = 0; i < set->n; i++) {
		tls_pair_fini(&set->pair[i]);
	}
	set->n = 0;
}

static void write_certificate(X509 *x, struct buf *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);

	CHECK(len > 0);
	wire_put_bytes(out, SLICE_OF(der, (size_t)len));
	OPENSSL_free(der);
}

void tls_keyset_write_chains(const struct tls_keyset *set, struct buf *out)
{
	wire_put_u32(out, set->n);
	for (unsigned i = 0; i < set->n; i++) {
		const struct tls_pair *p = &set->pair[i];
		int n = sk_X509_num(p->chain);
		wire_put_u32(out, (uint32_t)n);
		for (int k = 0; k < n; k++) {
			write_certificate(sk_X509_value(p->chain, k), out);
		}
	}
}

static const struct tls_pair *find(const struct tls_keyset *set, const struct tls_id *id)
{
	for (unsigned i = 0; i < set->n; i++) {
		if (memcmp(set->pair[i].id.bytes, id->bytes, TLS_ID_BYTES) == 0) {
			return &set->pair[i];
		}
	}
	return NULL;
}

static bool set_padding(EVP_PKEY_CTX *ctx, const struct tls_scheme *s)
{
	return !s->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
			      EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static bool sign(EVP_PKEY *key, const struct tls_scheme *s, struct slice message, struct buf *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL; /* md's */
	size_t len = TLS_SIGNATURE_MAX;
	char *room = buf_room(out, len);
	bool good = md != NULL && room != NULL &&
		    EVP_DigestSignInit_ex(md, &ctx, s->digest, NULL, NULL, key, NULL) == 1 &&
		    set_padding(ctx, s) &&
		    EVP_DigestSign(md, (unsigned char *)room, &len,
			(const unsigned char *)message.ptr, message.len) == 1;

	EVP_MD_CTX_free(md);
	ERR_clear_error();
	if (good) {
		buf_grew(out, len);
	}
	return good;
}

enum err tls_keyset_sign(const struct tls_keyset *set, const struct tls_id *id, uint16_t scheme,
    struct slice message, struct buf *out, struct err_note *note)
{
	const struct tls_pair *p = find(set, id);

	if (p == NULL) {
		return err_note_set(note, ERR_NOT_FOUND, "there is no such TLS key");
	}
	const struct tls_scheme *s = tls_scheme_find(scheme, p->kind);
	if (s == NULL || !tls_may_sign(s, message)) {
		return err_note_set(note, ERR_DENIED, "nothing that TLS has a server sign");
	}
	return sign(p->key, s, message, out)
		   ? ERR_OK
		   : err_note_set(note, ERR_CRYPTO, "the TLS key does not sign");
}

void tls_put_sign_request(struct buf *out, const struct tls_sign_request *q)
{
	wire_put_bytes(out, SLICE_OF(q->id.bytes, TLS_ID_BYTES));
	wire_put_u32(out, q->scheme);
	wire_put_bytes(out, q->message);
}

bool tls_take_sign_request(struct slice wire, struct tls_sign_request *ret)
{
	struct wire_reader r = wire_reader_new(wire);
	struct slice id = wire_take_bytes(&r);
	uint32_t scheme = wire_take_u32(&r);

	ret->message = wire_take_bytes(&r);
	if (!wire_done(&r) || id.len != TLS_ID_BYTES || scheme > UINT16_MAX ||
	    ret->message.len > TLS_MESSAGE_MAX) {
		return false;
	}
	memcpy(ret->id.bytes, id.ptr, TLS_ID_BYTES);
	ret->scheme = (uint16_t)scheme;
	return true;
}
