/*
 * Access tokens.
 */
#include "services/sync/access_token.h"

#include <openssl/crypto.h>

#include "core/base/enc.h"
#include "core/base/json.h"
#include "core/base/rng.h"

enum {
	NONCE_LEN = 10
};

/* The signature of a text: symmetric_derive() is an HMAC of what it is given. */
static void sign(
    const uint8_t key[SYMMETRIC_KEY_BYTES], struct slice text, uint8_t out[DERIVED_KEY_BYTES])
{
	uint8_t own[DERIVED_KEY_BYTES];

	symmetric_derive(key, SLICE("firefox-access"), SLICE("v1"), own);
	symmetric_derive(own, SLICE("token"), text, out);
	OPENSSL_cleanse(own, sizeof(own));
}

static void put_text(struct json_writer *w, struct slice name, struct slice value)
{
	json_put_name(w, name);
	json_put_string(w, value);
}

static void put_number(struct json_writer *w, struct slice name, int64_t value)
{
	json_put_name(w, name);
	json_put_i64(w, value);
}

static void put_json(struct buf *out, const struct access_token *t)
{
	struct json_writer w = json_writer_new(out);
	char nonce[NONCE_LEN + 1];

	rng_token(nonce, NONCE_LEN);
	json_begin_object(&w);
	put_number(&w, SLICE("account"), t->account_id);
	put_text(&w, SLICE("uid"), t->uid);
	put_text(&w, SLICE("client"), t->client_id);
	put_text(&w, SLICE("scope"), t->scope);
	put_text(&w, SLICE("owner"), t->owner);
	put_number(&w, SLICE("generation"), t->generation);
	put_number(&w, SLICE("expires"), t->expires_ms);
	put_text(&w, SLICE("nonce"), slice_str(nonce)); /* no two are the same */
	json_end_object(&w);
}

enum err access_token_make(
    const struct symmetric_keys *keys, const struct access_token *t, struct buf *out)
{
	uint8_t signature[DERIVED_KEY_BYTES];
	struct buf json = buf_new(ACCESS_TOKEN_MAX);
	size_t before = out->len;

	put_json(&json, t);
	enc_base64url(out, buf_slice(&json));
	if (json.failed || out->failed || out->len - before > ACCESS_TOKEN_MAX - 64) {
		buf_free(&json);
		return ERR_LIMIT;
	}
	sign(keys->current, slice_sub(buf_slice(out), before, out->len), signature);
	buf_append_char(out, '.');
	enc_base64url(out, SLICE_OF(signature, sizeof(signature)));
	buf_free(&json);
	return out->failed ? ERR_LIMIT : ERR_OK;
}

static bool is_signed(const struct symmetric_keys *keys, struct slice text, struct slice signature)
{
	uint8_t current[DERIVED_KEY_BYTES], previous[DERIVED_KEY_BYTES];

	sign(keys->current, text, current);
	sign(keys->previous, text, previous);
	bool is_current = slice_eq_secret(SLICE_OF(current, sizeof(current)), signature);
	bool is_previous = slice_eq_secret(SLICE_OF(previous, sizeof(previous)), signature);
	return is_current || is_previous;
}

static enum err take_json(struct arena *arena, struct slice json, struct access_token *ret)
{
	const struct json *o = NULL;
	struct access_token t;
	enum err e = json_parse(arena, json, &o, NULL);

	if (e != ERR_OK) {
		return e == ERR_MEMORY ? e : ERR_SYNTAX;
	}
	if (!json_get_i64(json_member(o, "account"), &t.account_id) ||
	    !json_get_string(json_member(o, "uid"), &t.uid) ||
	    !json_get_string(json_member(o, "client"), &t.client_id) ||
	    !json_get_string(json_member(o, "scope"), &t.scope) ||
	    !json_get_string(json_member(o, "owner"), &t.owner) ||
	    !json_get_i64(json_member(o, "generation"), &t.generation) ||
	    !json_get_i64(json_member(o, "expires"), &t.expires_ms)) {
		return ERR_SYNTAX;
	}
	*ret = t;
	return ERR_OK;
}

enum err access_token_read(const struct symmetric_keys *keys, struct arena *arena,
    struct slice text, struct access_token *ret)
{
	size_t dot = slice_find(text, '.', 0), len = 0, signature_len = 0;
	uint8_t signature[DERIVED_KEY_BYTES];

	if (dot == text.len || text.len > ACCESS_TOKEN_MAX ||
	    dec_base64url(slice_sub(text, dot + 1, text.len), signature, sizeof(signature),
		&signature_len) != ERR_OK ||
	    signature_len != sizeof(signature)) {
		return ERR_SYNTAX;
	}
	if (!is_signed(keys, slice_sub(text, 0, dot), SLICE_OF(signature, sizeof(signature)))) {
		return ERR_DENIED;
	}
	char *json = arena_alloc(arena, dot);
	if (json == NULL) {
		return ERR_MEMORY;
	}
	if (dec_base64url(slice_sub(text, 0, dot), json, dot, &len) != ERR_OK) {
		return ERR_SYNTAX;
	}
	return take_json(arena, SLICE_OF(json, len), ret);
}
