/*
 * Making and reading tokens.
 */
#include "services/sync/token.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "accounts/hkdf.h"
#include "core/base/enc.h"
#include "core/base/json.h"
#include "core/base/rng.h"

#define TOKENLIB "services.mozilla.com/tokenlib/v1/"

enum {
	SIGNATURE_BYTES = 32,
	KEY_BYTES = 32,
	SALT_BYTES = 3,
	SALT_MAX = 64
};

enum err token_secret_init(struct slice text, struct token_secret *ret)
{
	if (text.len == 0 || text.len > sizeof(ret->text)) {
		return ERR_LIMIT;
	}
	memcpy(ret->text, text.ptr, text.len);
	ret->len = text.len;
	return hkdf_sha256(
	    text, SLICE_EMPTY, SLICE(TOKENLIB "signing"), ret->signing, sizeof(ret->signing));
}

static bool sign(const struct token_secret *s, struct slice json, uint8_t out[SIGNATURE_BYTES])
{
	unsigned len = 0;

	return HMAC(EVP_sha256(), s->signing, sizeof(s->signing), (const unsigned char *)json.ptr,
		   json.len, out, &len) != NULL &&
	       len == SIGNATURE_BYTES;
}

/* base64url with the padding that enc_base64url() leaves out. */
static void put_padded(struct buf *out, struct slice bytes)
{
	enc_base64url(out, bytes);
	for (size_t i = bytes.len % 3; i != 0 && i < 3; i++) {
		buf_append_char(out, '=');
	}
}

static enum err derive_key(
    const struct token_secret *s, struct slice salt, struct slice token, char out[TOKEN_KEY_SIZE])
{
	uint8_t key[KEY_BYTES];
	struct buf info = buf_new(HKDF_INFO_MAX), text = buf_new(TOKEN_KEY_SIZE);
	enum err e = ERR_OK;

	buf_append_slice(&info, SLICE(TOKENLIB "derive/"));
	buf_append_slice(&info, token);
	e = info.failed
		? ERR_LIMIT
		: hkdf_sha256(SLICE_OF(s->text, s->len), salt, buf_slice(&info), key, sizeof(key));
	if (e == ERR_OK) {
		put_padded(&text, SLICE_OF(key, sizeof(key)));
		e = text.failed ? ERR_MEMORY : slice_to_cstr(buf_slice(&text), out, TOKEN_KEY_SIZE);
		OPENSSL_cleanse(text.data, text.cap);
	}
	OPENSSL_cleanse(key, sizeof(key));
	buf_free(&info);
	buf_free(&text);
	return e;
}

/* ---- making ---- */

static void put_text(struct json_writer *w, struct slice name, struct slice value)
{
	if (value.len > 0) {
		json_put_name(w, name);
		json_put_string(w, value);
	}
}

static void put_json(struct buf *out, const struct token *t, struct slice salt)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	json_put_name(&w, SLICE("uid"));
	json_put_i64(&w, t->uid);
	put_text(&w, SLICE("node"), t->node);
	json_put_name(&w, SLICE("expires"));
	json_put_i64(&w, t->expires_s);
	put_text(&w, SLICE("salt"), salt);
	put_text(&w, SLICE("fxa_uid"), t->fxa_uid);
	put_text(&w, SLICE("fxa_kid"), t->fxa_kid);
	put_text(&w, SLICE("hashed_fxa_uid"), t->hashed_fxa_uid);
	put_text(&w, SLICE("hashed_device_id"), t->hashed_device_id);
	/* A word that storage nodes look for; they know two. */
	put_text(&w, SLICE("tokenserver_origin"), SLICE("rust"));
	json_end_object(&w);
}

enum err token_make(const struct token_secrets *s, const struct token *t, struct buf *ret_token,
    char ret_key[TOKEN_KEY_SIZE])
{
	uint8_t signature[SIGNATURE_BYTES], random[SALT_BYTES];
	struct buf salt = buf_new(2 * SALT_BYTES), json = buf_new(TOKEN_MAX);
	size_t before = ret_token->len;
	enum err e = ERR_OK;

	rng_bytes(random, sizeof(random));
	enc_hex(&salt, SLICE_OF(random, sizeof(random)));
	struct slice used = t->salt.len > 0 ? t->salt : buf_slice(&salt);
	put_json(&json, t, used);
	if (salt.failed || json.failed) {
		e = ERR_LIMIT;
	} else if (!sign(&s->list[0], buf_slice(&json), signature)) {
		e = ERR_CRYPTO;
	}
	if (e == ERR_OK) {
		buf_append(&json, signature, sizeof(signature));
		put_padded(ret_token, buf_slice(&json));
		e = json.failed || ret_token->failed || ret_token->len - before > TOKEN_MAX
			? ERR_LIMIT
			: derive_key(&s->list[0], used,
			      slice_sub(buf_slice(ret_token), before, ret_token->len), ret_key);
	}
	buf_free(&json);
	buf_free(&salt);
	return e;
}

/* ---- reading ---- */

static const struct token_secret *find_signer(
    const struct token_secrets *s, struct slice json, struct slice signature)
{
	uint8_t expected[SIGNATURE_BYTES];

	for (unsigned i = 0; i < s->n; i++) {
		if (sign(&s->list[i], json, expected) &&
		    slice_eq_secret(SLICE_OF(expected, sizeof(expected)), signature)) {
			return &s->list[i];
		}
	}
	return NULL;
}

static struct slice text_of(const struct json *object, const char *name)
{
	struct slice text = SLICE_EMPTY;

	(void)json_get_string(json_member(object, name), &text);
	return text;
}

static enum err take_json(struct arena *arena, struct slice json, struct token *ret)
{
	const struct json *object = NULL;
	double expires = 0;
	struct token t = { .uid = 0 };
	enum err e = json_parse(arena, json, &object, NULL);

	if (e != ERR_OK) {
		return e == ERR_MEMORY ? e : ERR_SYNTAX;
	}
	if (!json_get_i64(json_member(object, "uid"), &t.uid) || t.uid < 0 ||
	    t.uid > TOKEN_UID_MAX || !json_get_real(json_member(object, "expires"), &expires) ||
	    !(expires >= 0 && expires < 1e15)) {
		return ERR_SYNTAX;
	}
	t.expires_s = (int64_t)expires;
	t.node = text_of(object, "node");
	t.salt = text_of(object, "salt");
	t.fxa_uid = text_of(object, "fxa_uid");
	t.fxa_kid = text_of(object, "fxa_kid");
	t.hashed_fxa_uid = text_of(object, "hashed_fxa_uid");
	t.hashed_device_id = text_of(object, "hashed_device_id");
	*ret = t;
	return t.salt.len > SALT_MAX ? ERR_SYNTAX : ERR_OK;
}

enum err token_read(const struct token_secrets *s, struct arena *arena, struct slice text,
    struct token *ret, char ret_key[TOKEN_KEY_SIZE])
{
	struct slice bare = text;
	size_t len = 0;

	if (text.len == 0 || text.len > TOKEN_MAX) {
		return ERR_SYNTAX;
	}
	/* Peers are generous with the padding. */
	while (slice_ends(bare, SLICE("="))) {
		bare.len--;
	}
	char *bytes = arena_alloc(arena, text.len);
	if (bytes == NULL) {
		return ERR_MEMORY;
	}
	if (text.len - bare.len > 2 || dec_base64url(bare, bytes, text.len, &len) != ERR_OK ||
	    len <= SIGNATURE_BYTES) {
		return ERR_SYNTAX;
	}
	struct slice json = SLICE_OF(bytes, len - SIGNATURE_BYTES);
	const struct token_secret *signer =
	    find_signer(s, json, SLICE_OF(bytes + json.len, SIGNATURE_BYTES));
	if (signer == NULL) {
		return ERR_DENIED;
	}
	enum err e = take_json(arena, json, ret);
	return e == ERR_OK ? derive_key(signer, ret->salt, text, ret_key) : e;
}

enum err token_hashed_id(struct slice secret, struct slice id, char out[TOKEN_HASHED_ID_SIZE])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct buf hex = buf_new(TOKEN_HASHED_ID_SIZE);

	if (HMAC(EVP_sha256(), secret.ptr, (int)secret.len, (const unsigned char *)id.ptr, id.len,
		digest, &len) == NULL) {
		return ERR_CRYPTO;
	}
	enc_hex(&hex, SLICE_OF(digest, (TOKEN_HASHED_ID_SIZE - 1) / 2));
	enum err e =
	    hex.failed ? ERR_MEMORY : slice_to_cstr(buf_slice(&hex), out, TOKEN_HASHED_ID_SIZE);
	buf_free(&hex);
	return e;
}
