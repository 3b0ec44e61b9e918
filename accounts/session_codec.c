/*
 * The session cookie: sealing and opening. The MAC is checked before anything else is looked at;
 * every length is bounded before it is decoded. Contexts are made once per process: fetching
 * algorithms and expanding keys costs more than the work itself.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/session.h"
#include "accounts/session_content.h"
#include "core/base/enc.h"
#include "core/base/rng.h"

enum {
	IV_BYTES = 16,
	MAC_BYTES = 32,
	PLAIN_MAX = 1024, /* bytes of NAME=JSON */
	CIPHER_MAX = PLAIN_MAX + 16,
};

/* One symmetric key at work. */
struct sealer {
	EVP_MAC_CTX *mac;
	EVP_CIPHER_CTX *encrypt, *decrypt;
};

struct session_codec {
	char name[SESSION_NAME_MAX + 1];
	struct sealer current, previous;
};

static EVP_MAC_CTX *new_mac(const uint8_t key[DERIVED_KEY_BYTES])
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);

	if (ctx != NULL && EVP_MAC_init(ctx, key, DERIVED_KEY_BYTES, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_MAC_free(mac);
	return ctx;
}

static EVP_CIPHER_CTX *new_cipher(const uint8_t key[DERIVED_KEY_BYTES], int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx != NULL &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, NULL, encrypt) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static bool sealer_init(
    struct sealer *s, struct slice name, const uint8_t symmetric[SYMMETRIC_KEY_BYTES])
{
	uint8_t key[DERIVED_KEY_BYTES];

	symmetric_derive(symmetric, SLICE("cookiesession-signature"), name, key);
	s->mac = new_mac(key);
	symmetric_derive(symmetric, SLICE("cookiesession-encryption"), name, key);
	s->encrypt = new_cipher(key, 1);
	s->decrypt = new_cipher(key, 0);
	OPENSSL_cleanse(key, sizeof(key));
	return s->mac != NULL && s->encrypt != NULL && s->decrypt != NULL;
}

static void sealer_fini(struct sealer *s)
{
	EVP_MAC_CTX_free(s->mac);
	EVP_CIPHER_CTX_free(s->encrypt);
	EVP_CIPHER_CTX_free(s->decrypt);
}

enum err session_codec_new(
    struct slice name, const struct symmetric_keys *keys, struct session_codec **ret)
{
	struct session_codec *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return ERR_MEMORY;
	}
	enum err e = slice_to_cstr(name, c->name, sizeof(c->name));
	if (e == ERR_OK && (!sealer_init(&c->current, name, keys->current) ||
			       !sealer_init(&c->previous, name, keys->previous))) {
		e = ERR_CRYPTO;
	}
	if (e != ERR_OK) {
		session_codec_free(&c);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

void session_codec_free(struct session_codec **c)
{
	if (*c != NULL) {
		sealer_fini(&(*c)->current);
		sealer_fini(&(*c)->previous);
		free(*c);
		*c = NULL;
	}
}

const char *session_codec_name(const struct session_codec *c)
{
	return c->name;
}

/* ---- the MAC ---- */

/* The parts of a value; slices into it or into the caller's decoded bytes. */
struct parts {
	struct slice iv, ciphertext;	/* raw bytes */
	struct slice created, duration; /* decimal text */
};

static bool mac_of(struct sealer *s, const struct parts *p, uint8_t out[MAC_BYTES])
{
	const struct slice pieces[] = { p->iv, SLICE("."), p->ciphertext, SLICE("."), p->created,
		SLICE("."), p->duration };
	size_t len = 0;

	if (EVP_MAC_init(s->mac, NULL, 0, NULL) != 1) {
		return false;
	}
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		if (EVP_MAC_update(s->mac, (const unsigned char *)pieces[i].ptr, pieces[i].len) !=
		    1) {
			return false;
		}
	}
	return EVP_MAC_final(s->mac, out, &len, MAC_BYTES) == 1 && len == MAC_BYTES;
}

static bool mac_matches(struct sealer *s, const struct parts *p, struct slice mac)
{
	uint8_t expected[MAC_BYTES];

	return mac_of(s, p, expected) && slice_eq_secret(mac, SLICE_OF(expected, MAC_BYTES));
}

/* ---- sealing ---- */

static enum err encrypt(
    struct sealer *s, const uint8_t iv[IV_BYTES], struct slice plain, uint8_t *out, size_t *ret_len)
{
	int len = 0, last = 0;

	if (EVP_EncryptInit_ex(s->encrypt, NULL, NULL, NULL, iv) != 1 ||
	    EVP_EncryptUpdate(
		s->encrypt, out, &len, (const unsigned char *)plain.ptr, (int)plain.len) != 1 ||
	    EVP_EncryptFinal_ex(s->encrypt, out + len, &last) != 1) {
		return ERR_CRYPTO;
	}
	*ret_len = (size_t)(len + last);
	return ERR_OK;
}

static void append_number(struct buf *out, int64_t n, struct slice *ret)
{
	size_t from = out->len;

	buf_append_i64(out, n);
	*ret = slice_sub(buf_slice(out), from, out->len);
}

enum err session_encode(struct session_codec *c, const struct session *s, struct buf *out)
{
	uint8_t iv[IV_BYTES], ciphertext[CIPHER_MAX], mac[MAC_BYTES];
	struct buf plain = buf_new(PLAIN_MAX), numbers = buf_new(64);
	struct parts parts = { .iv = SLICE_OF(iv, IV_BYTES) };
	struct slice content = SLICE_EMPTY;
	size_t len = 0;

	session_content_put(s, c->name, &plain);
	enum err e = buf_finish(&plain, &content);
	if (e == ERR_OK) {
		rng_bytes(iv, sizeof(iv));
		e = encrypt(&c->current, iv, content, ciphertext, &len);
	}
	if (e == ERR_OK) {
		parts.ciphertext = SLICE_OF(ciphertext, len);
		/* Room first: the slices must not move. */
		e = buf_room(&numbers, 48) == NULL ? ERR_MEMORY : ERR_OK;
	}
	if (e == ERR_OK) {
		append_number(&numbers, s->created_ms, &parts.created);
		append_number(&numbers, s->duration_ms, &parts.duration);
		e = mac_of(&c->current, &parts, mac) ? ERR_OK : ERR_CRYPTO;
	}
	if (e == ERR_OK) {
		enc_base64url(out, parts.iv);
		buf_append_char(out, '.');
		enc_base64url(out, parts.ciphertext);
		buf_append_char(out, '.');
		buf_append_slice(out, parts.created);
		buf_append_char(out, '.');
		buf_append_slice(out, parts.duration);
		buf_append_char(out, '.');
		enc_base64url(out, SLICE_OF(mac, MAC_BYTES));
	}
	if (plain.data != NULL) {
		OPENSSL_cleanse(plain.data, plain.cap);
	}
	buf_free(&plain);
	buf_free(&numbers);
	return e;
}

/* ---- opening ---- */

/* Decoded bytes of a value. */
struct opened {
	uint8_t iv[IV_BYTES], ciphertext[CIPHER_MAX], mac[MAC_BYTES];
	int64_t created_ms, duration_ms;
};

static enum err decode_fixed(struct slice text, void *out, size_t size)
{
	size_t len = 0;
	enum err e = dec_base64url(text, out, size, &len);

	return e != ERR_OK ? e : len == size ? ERR_OK : ERR_SYNTAX;
}

static enum err split_value(struct slice value, struct opened *o, struct parts *p)
{
	struct slice field[5], rest = value, piece;
	size_t n = 0, len = 0;
	uint64_t created = 0, duration = 0;

	if (value.len > SESSION_COOKIE_MAX) {
		return ERR_LIMIT;
	}
	while (slice_split(&rest, '.', &piece)) {
		if (n == 5) {
			return ERR_SYNTAX;
		}
		field[n++] = piece;
	}
	if (n != 5) {
		return ERR_SYNTAX;
	}
	enum err e = decode_fixed(field[0], o->iv, IV_BYTES);
	if (e == ERR_OK) {
		e = dec_base64url(field[1], o->ciphertext, CIPHER_MAX, &len);
	}
	if (e == ERR_OK && (len == 0 || len % 16 != 0)) {
		e = ERR_SYNTAX;
	}
	if (e == ERR_OK) {
		e = slice_to_u64(field[2], INT64_MAX / 4, &created);
	}
	if (e == ERR_OK) {
		e = slice_to_u64(field[3], INT64_MAX / 4, &duration);
	}
	if (e == ERR_OK) {
		e = decode_fixed(field[4], o->mac, MAC_BYTES);
	}
	if (e != ERR_OK) {
		return e;
	}
	o->created_ms = (int64_t)created;
	o->duration_ms = (int64_t)duration;
	*p = (struct parts){ SLICE_OF(o->iv, IV_BYTES), SLICE_OF(o->ciphertext, len), field[2],
		field[3] };
	return ERR_OK;
}

static enum err decrypt(struct sealer *s, const struct parts *p, uint8_t *out, size_t *ret_len)
{
	int len = 0, last = 0;

	if (EVP_DecryptInit_ex(s->decrypt, NULL, NULL, NULL, (const unsigned char *)p->iv.ptr) !=
		1 ||
	    EVP_DecryptUpdate(s->decrypt, out, &len, (const unsigned char *)p->ciphertext.ptr,
		(int)p->ciphertext.len) != 1 ||
	    EVP_DecryptFinal_ex(s->decrypt, out + len, &last) != 1) {
		return ERR_CRYPTO;
	}
	*ret_len = (size_t)(len + last);
	return ERR_OK;
}

enum err session_decode(struct session_codec *c, struct slice value, int64_t now_ms,
    struct session *ret, bool *ret_renew)
{
	struct opened o;
	struct parts p;
	uint8_t plain[CIPHER_MAX + 16];
	size_t len = 0;
	struct sealer *sealer = &c->current;
	struct session s = { .userid = 0 };
	enum err e = split_value(value, &o, &p);

	if (e != ERR_OK) {
		return e;
	}
	struct slice mac = SLICE_OF(o.mac, MAC_BYTES);
	if (!mac_matches(sealer, &p, mac)) {
		sealer = &c->previous;
		if (!mac_matches(sealer, &p, mac)) {
			return ERR_DENIED;
		}
	}
	if (o.created_ms + o.duration_ms < now_ms) {
		return ERR_DEADLINE;
	}
	e = decrypt(sealer, &p, plain, &len);
	if (e == ERR_OK) {
		e = session_content_take(SLICE_OF(plain, len), c->name, &s);
	}
	OPENSSL_cleanse(plain, sizeof(plain));
	if (e != ERR_OK) {
		return e;
	}
	s.created_ms = o.created_ms;
	s.duration_ms = o.duration_ms;
	bool renew = sealer == &c->previous;
	if (s.created_ms + s.duration_ms - now_ms < SESSION_RENEW_MS) {
		s.created_ms += SESSION_RENEW_MS;
		renew = true;
	}
	*ret = s;
	*ret_renew = renew;
	return ERR_OK;
}
