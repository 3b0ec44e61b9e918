/*
 * See scheme.h.
 */
#include "core/tls/scheme.h"

#include <openssl/evp.h>
#include <string.h>

enum {
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 8192,
	GROUP_NAME_BYTES = 64,
	RANDOMS_BYTES = 64, /* client's and server's */
	NAMED_CURVE = 3,
	SHA256_BYTES = 32, /* of the transcript: the digests of the TLS 1.3 suites */
	SHA384_BYTES = 48,
};

/* clang-format off */
static const struct tls_scheme schemes[] = {
	{ .code = 0x0401, .rsa = true,                             .digest = "SHA256" },
	{ .code = 0x0501, .rsa = true,                             .digest = "SHA384" },
	{ .code = 0x0601, .rsa = true,                             .digest = "SHA512" },
	{ .code = 0x0804, .rsa = true, .pss = true, .in_13 = true, .digest = "SHA256" },
	{ .code = 0x0805, .rsa = true, .pss = true, .in_13 = true, .digest = "SHA384" },
	{ .code = 0x0806, .rsa = true, .pss = true, .in_13 = true, .digest = "SHA512" },
	{ .code = 0x0403, .ec = true, .in_13 = true,               .digest = "SHA256" },
	{ .code = 0x0503, .ec = true, .in_13 = true,               .digest = "SHA384" },
	{ .code = 0x0807, .in_13 = true },
};
/* Groups of the key exchange: number and length of a public value (RFC 8422 5.1.1, 5.4). */
static const struct { unsigned number; size_t bytes; } groups[] = {
	{ 23, 65 }, { 24, 97 }, { 29, 32 },
};
/* clang-format on */

/* RFC 8446 4.4.3, with the NUL that separates the context from the hash. */
static const char context_13[] = "                                                                "
				 "TLS 1.3, server CertificateVerify";

const char *tls_kind_name(enum tls_kind kind)
{
	return kind == TLS_RSA ? "RSA" : kind == TLS_ED25519 ? "ED25519" : "EC";
}

static enum err kind_of_ec(const EVP_PKEY *key, enum tls_kind *ret, struct err_note *note)
{
	char group[GROUP_NAME_BYTES] = "";

	(void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	if (strcmp(group, "prime256v1") == 0) {
		*ret = TLS_P256;
	} else if (strcmp(group, "secp384r1") == 0) {
		*ret = TLS_P384;
	} else {
		return err_note_set(note, ERR_UNSUPPORTED,
		    "its key is on the curve %s; taken are P-256 and P-384", group);
	}
	return ERR_OK;
}

enum err tls_kind_of(const EVP_PKEY *key, enum tls_kind *ret, struct err_note *note)
{
	if (EVP_PKEY_is_a(key, "EC")) {
		return kind_of_ec(key, ret, note);
	}
	if (EVP_PKEY_is_a(key, "ED25519")) {
		*ret = TLS_ED25519;
		return ERR_OK;
	}
	if (!EVP_PKEY_is_a(key, "RSA")) {
		return err_note_set(note, ERR_UNSUPPORTED,
		    "its key is of the kind %s; taken are ECDSA (P-256, P-384), RSA and Ed25519",
		    EVP_PKEY_get0_type_name(key));
	}
	int bits = EVP_PKEY_get_bits(key);
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
		return err_note_set(note, ERR_UNSUPPORTED,
		    "its RSA key has %d bits; taken are %d to %d", bits, RSA_BITS_MIN,
		    RSA_BITS_MAX);
	}
	*ret = TLS_RSA;
	return ERR_OK;
}

static bool fits(const struct tls_scheme *s, enum tls_kind kind)
{
	return s->rsa == (kind == TLS_RSA) && s->ec == (kind == TLS_P256 || kind == TLS_P384);
}

const struct tls_scheme *tls_scheme_find(uint16_t code, enum tls_kind kind)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (schemes[i].code == code && fits(&schemes[i], kind)) {
			return &schemes[i];
		}
	}
	return NULL;
}

static bool same_digest(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const struct tls_scheme *tls_scheme_for(enum tls_kind kind, const char *digest, bool pss)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const struct tls_scheme *s = &schemes[i];
		if (fits(s, kind) && s->pss == pss && same_digest(s->digest, digest)) {
			return s;
		}
	}
	return NULL;
}

static bool is_13(struct slice m)
{
	const struct slice context = SLICE_OF(context_13, sizeof(context_13));

	return slice_starts(m, context) &&
	       (m.len == context.len + SHA256_BYTES || m.len == context.len + SHA384_BYTES);
}

static bool is_12(struct slice m)
{
	struct slice p =
	    m.len < RANDOMS_BYTES + 4 ? SLICE_EMPTY : slice_sub(m, RANDOMS_BYTES, m.len);
	/* A text of the other form is 64 spaces and words: it does not begin a curve. */
	if (p.len == 0 || p.ptr[0] != NAMED_CURVE) {
		return false;
	}
	unsigned number = (unsigned)(uint8_t)p.ptr[1] << 8 | (uint8_t)p.ptr[2];
	size_t bytes = (uint8_t)p.ptr[3];
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i].number == number && groups[i].bytes == bytes) {
			return p.len == 4 + bytes;
		}
	}
	return false;
}

bool tls_may_sign(const struct tls_scheme *scheme, struct slice message)
{
	return (scheme->in_13 && is_13(message)) || is_12(message);
}
