/*
 * Backed assertions from outside. The corpus holds bundles signed by a key whose private half is
 * gone; what follows the first newline is taken as an audience, so that comparing is reached too.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "services/identity/audience.h"
#include "services/identity/bundle.h"

enum {
	ARENA_MAX = 1 << 20
};

#define NOW_MS INT64_C(1700000000000)

static const char own_key_json[] =
    "{\"algorithm\":\"RS\",\"n\":\""
    "99274653265061894393912617289984522674854075885929808507291427365238707457197399"
    "34619891340488532876602217659070223950856529473262690961815830345584742333"
    "\",\"e\":\"65537\"}";

static const struct pubkey *own_key(void)
{
	static struct pubkey key;
	struct arena arena = arena_new(ARENA_MAX);
	const struct json *v = NULL;

	if (key.verifier == NULL) {
		CHECK(json_parse(&arena, slice_str(own_key_json), &v, NULL) == ERR_OK);
		CHECK(pubkey_parse(v, &key, NULL) == ERR_OK);
	}
	arena_reset(&arena);
	return &key;
}

static void verify(struct slice bundle, struct slice audience)
{
	struct arena arena = arena_new(ARENA_MAX);
	const struct bundle_query q = {
		.bundle = bundle,
		.audience = audience,
		.now_ms = NOW_MS,
		.clock_skew_ms = 5000,
		.allow_unverified = true,
		.own_host = SLICE("id.example"),
		.own_key = own_key(),
	};
	struct bundle_result r = { .reason = NULL };
	enum err e = bundle_verify(&arena, &q, &r);

	CHECK(e == ERR_OK || e == ERR_MEMORY || e == ERR_CRYPTO);
	if (e == ERR_OK && r.reason == NULL) {
		/* Only what the lost key signed can be good. */
		CHECK(slice_eq(r.email, SLICE("a@b.co")));
		CHECK(r.expires_ms > NOW_MS);
	}
	(void)bundle_needs_compute(bundle);
	arena_reset(&arena);
}

/* A key that parses can be written as a certificate would hold it, and parses again. */
static void check_key(struct slice text)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct buf once = buf_new(8192), twice = buf_new(8192);

	if (pubkey_check(&arena, text, &once, NULL) == ERR_OK) {
		CHECK(pubkey_check(&arena, buf_slice(&once), &twice, NULL) == ERR_OK);
		CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
	}
	buf_free(&once);
	buf_free(&twice);
	arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size);
	size_t newline = slice_find(text, '\n', 0);
	struct slice first = slice_sub(text, 0, newline),
		     second = slice_sub(text, newline + 1, size);

	verify(first, newline < size ? second : SLICE("http://site.example"));
	(void)audience_mismatch(first, second);
	(void)audience_mismatch(second, first);
	check_key(first);
	return 0;
}
