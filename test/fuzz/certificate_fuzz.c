/*
 * What stands inside certificates and assertions, behind good signatures: the input is the payload
 * of both, signed here with a key made at the start, so that everything behind the signature is
 * reached. "@KEY@" in it stands for the public half. Before the first newline is the certificate's
 * payload, behind it the assertion's.
 */
#include "test/fuzz/fuzz.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/enc.h"
#include "services/identity/bundle.h"
#include "services/identity/param_type.h"

enum {
	KEY_BITS = 512, /* the smallest of the protocol: signing is most of the work */
	ARENA_MAX = 1 << 20,
	TEXT_MAX = 1 << 16
};

#define NOW_MS	   INT64_C(1700000000000)
#define SKEW_MS	   5000
#define OWN	   "id.example"
#define PLACE	   "@KEY@"
#define HEADER_TXT "{\"alg\":\"RS64\"}"

static struct {
	EVP_PKEY *pair;
	struct pubkey public;
	struct buf json;
} own;

static void make_key(void)
{
	struct arena arena = arena_new(ARENA_MAX);
	const struct json *v = NULL;

	if (own.pair != NULL) {
		return;
	}
	own.pair = EVP_RSA_gen(KEY_BITS);
	own.json = buf_new(2048);
	CHECK(own.pair != NULL && pubkey_write_rsa(own.pair, &own.json) == ERR_OK);
	CHECK(json_parse(&arena, buf_slice(&own.json), &v, NULL) == ERR_OK);
	CHECK(pubkey_parse(v, &own.public, NULL) == ERR_OK);
	arena_reset(&arena);
}

/* The text with the key in its places. */
static void put_payload(struct buf *out, struct slice text)
{
	while (text.len > 0) {
		const char *at = memmem(text.ptr, text.len, PLACE, sizeof(PLACE) - 1);
		size_t n = at == NULL ? text.len : (size_t)(at - text.ptr);
		buf_append_slice(out, slice_sub(text, 0, n));
		if (at != NULL) {
			buf_append_slice(out, buf_slice(&own.json));
			n += sizeof(PLACE) - 1;
		}
		text = slice_sub(text, n, text.len);
	}
}

static void put_signed(struct buf *out, struct slice text)
{
	struct buf payload = buf_new(TEXT_MAX);
	unsigned char signature[128];
	size_t from = out->len, len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	put_payload(&payload, text);
	enc_base64url(out, SLICE(HEADER_TXT));
	buf_append_char(out, '.');
	enc_base64url(out, buf_slice(&payload));
	CHECK(ctx != NULL && !out->failed);
	CHECK(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, own.pair) == 1);
	CHECK(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)out->data + from,
		  out->len - from) == 1);
	buf_append_char(out, '.');
	enc_base64url(out, SLICE_OF(signature, len));
	EVP_MD_CTX_free(ctx);
	buf_free(&payload);
}

static void check_result(struct arena *arena, const struct bundle_result *r)
{
	struct buf message = buf_new(TEXT_MAX * 4);
	struct bundle_result back;
	const struct json *v = NULL;

	CHECK(email_is_valid(r->email) && r->issuer.len > 0);
	CHECK(r->expires_ms >= NOW_MS - SKEW_MS);
	CHECK(r->idp_claims.len == 0 || json_parse(arena, r->idp_claims, &v, NULL) == ERR_OK);
	CHECK(r->user_claims.len == 0 || json_parse(arena, r->user_claims, &v, NULL) == ERR_OK);
	bundle_put_result(&message, r);
	CHECK(bundle_take_result(arena, buf_slice(&message), &back));
	CHECK(back.reason == NULL && slice_eq(back.email, r->email));
	buf_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size > 4096 ? 4096 : size);
	size_t newline = slice_find(text, '\n', 0);
	struct arena arena = arena_new(ARENA_MAX);
	struct buf bundle = buf_new(TEXT_MAX * 2);
	struct bundle_result r = { .reason = NULL };

	make_key();
	put_signed(&bundle, slice_sub(text, 0, newline));
	buf_append_char(&bundle, '~');
	put_signed(&bundle, slice_sub(text, newline + 1, text.len));
	const struct bundle_query q = {
		.bundle = buf_slice(&bundle),
		.audience = SLICE("http://site.example"),
		.now_ms = NOW_MS,
		.clock_skew_ms = SKEW_MS,
		.allow_unverified = true,
		.wants_claims = true,
		.own_host = SLICE(OWN),
		.own_key = &own.public,
	};
	struct slice issuer, domain;
	CHECK(bundle_outline(&arena, q.bundle, &issuer, &domain) != ERR_CRYPTO);
	enum err e = bundle_verify(&arena, &q, &r);
	CHECK(e == ERR_OK || e == ERR_MEMORY || e == ERR_LIMIT);
	if (e == ERR_OK && r.reason == NULL) {
		check_result(&arena, &r);
	}
	buf_free(&bundle);
	arena_reset(&arena);
	return 0;
}
