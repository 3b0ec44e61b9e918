/*
 * Verification of bundles: every kind of key, and every refusal of persona.md 4.6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/enc.h"
#include "services/identity/audience.h"
#include "services/identity/bundle.h"
#include "services/identity/identity.h"
#include "services/identity/identity_priv.h"
#include "services/identity/jws.h"
#include "services/identity/jws_rig.h"

#define NOW INT64_C(1700000000000)

enum {
	KEYS_TEXT = 8192
};

static struct test_key root, user[JWS_ALGS];
static struct pubkey root_public;

static int make_keys(void **state)
{
	struct arena arena = arena_new(64 * 1024);
	const struct json *v = NULL;

	(void)state;
	test_key_init(&root, JWS_RS256);
	for (int i = 0; i < JWS_ALGS; i++) {
		test_key_init(&user[i], (enum jws_alg)i);
	}
	assert_int_equal(json_parse(&arena, slice_str(root.json), &v, NULL), ERR_OK);
	assert_int_equal(pubkey_parse(v, &root_public, NULL), ERR_OK);
	arena_reset(&arena);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	test_key_fini(&root);
	for (int i = 0; i < JWS_ALGS; i++) {
		test_key_fini(&user[i]);
	}
	pubkey_free(&root_public);
	return 0;
}

/* What a bundle is made of; zero members take the usual value. */
struct recipe {
	enum jws_alg alg;      /* of the user's key */
	const char *principal; /* JSON */
	const char *issuer, *audience;
	int64_t cert_iat, cert_exp, exp;
	const struct test_key *cert_signer, *assertion_signer;
	const char *cert_alg_name, *assertion_alg_name;
	bool no_iat, no_exp;
};

static void make_cert(const struct recipe *r, struct buf *out)
{
	char payload[4096], iat[64] = "";
	const char *principal = r->principal != NULL ? r->principal : "{\"email\":\"a@b.co\"}";

	if (!r->no_iat) {
		(void)snprintf(iat, sizeof(iat), "\"iat\":%lld,",
		    (long long)(r->cert_iat != 0 ? r->cert_iat : NOW - 1000));
	}
	(void)snprintf(payload, sizeof(payload),
	    "{\"public-key\":%s,\"principal\":%s,%s\"exp\":%lld,\"iss\":\"%s\"}", user[r->alg].json,
	    principal, iat, (long long)(r->cert_exp != 0 ? r->cert_exp : NOW + 3600000),
	    r->issuer != NULL ? r->issuer : "id.example");
	test_sign(r->cert_signer != NULL ? r->cert_signer : &root, r->cert_alg_name, payload, out);
}

static void make_assertion(const struct recipe *r, struct buf *out)
{
	char payload[512];

	(void)snprintf(payload, sizeof(payload), "{\"%s\":%lld,\"aud\":\"%s\"}",
	    r->no_exp ? "other" : "exp", (long long)(r->exp != 0 ? r->exp : NOW + 120000),
	    r->audience != NULL ? r->audience : "http://site.example");
	test_sign(r->assertion_signer != NULL ? r->assertion_signer : &user[r->alg],
	    r->assertion_alg_name, payload, out);
}

static void make_bundle(const struct recipe *r, struct buf *out)
{
	buf_clear(out);
	make_cert(r, out);
	buf_append_char(out, '~');
	make_assertion(r, out);
}

static struct bundle_query query_of(struct slice bundle)
{
	return (struct bundle_query){
		.bundle = bundle,
		.audience = SLICE("http://site.example"),
		.now_ms = NOW,
		.clock_skew_ms = 5000,
		.own_host = SLICE("id.example"),
		.own_key = &root_public,
	};
}

/* Verifies and expects a reason, or success with NULL. */
static struct bundle_result expect_query(const struct bundle_query *q, const char *reason)
{
	struct arena arena = arena_new(256 * 1024);
	struct bundle_result r;

	assert_int_equal(bundle_verify(&arena, q, &r), ERR_OK);
	if (reason == NULL && r.reason != NULL) {
		fail_msg("refused: %s", r.reason);
	}
	if (reason != NULL) {
		assert_non_null(r.reason);
		assert_string_equal(r.reason, reason);
	} else {
		assert_true(slice_eq(r.email, SLICE("a@b.co")));
		assert_true(slice_eq_nocase(
		    r.issuer, q->forced_issuer.len > 0 ? q->forced_issuer : q->own_host));
	}
	arena_reset(&arena);
	return r;
}

static void expect(const struct recipe *recipe, const char *reason)
{
	struct buf b = buf_new(20000);

	make_bundle(recipe, &b);
	struct bundle_query q = query_of(buf_slice(&b));
	(void)expect_query(&q, reason);
	buf_free(&b);
}

static void every_kind_of_user_key_verifies(void **state)
{
	(void)state;
	for (int i = 0; i < JWS_ALGS; i++) {
		expect(&(struct recipe){ .alg = (enum jws_alg)i }, NULL);
	}
}

static void dsa_signatures_vary_and_all_verify(void **state)
{
	(void)state;
	/* About one r in 256 begins with a zero byte. */
	for (int i = 0; i < 60; i++) {
		expect(&(struct recipe){ .alg = JWS_DS128 }, NULL);
	}
}

static void result_tells_until_when(void **state)
{
	struct buf b = buf_new(20000);

	(void)state;
	make_bundle(&(struct recipe){ .alg = JWS_RS256 }, &b);
	struct bundle_query q = query_of(buf_slice(&b));
	assert_int_equal(expect_query(&q, NULL).expires_ms, NOW + 120000);
	buf_free(&b);
}

static void only_dsa_needs_compute(void **state)
{
	struct buf b = buf_new(20000);

	(void)state;
	for (int i = 0; i < JWS_ALGS; i++) {
		make_bundle(&(struct recipe){ .alg = (enum jws_alg)i }, &b);
		assert_int_equal(
		    bundle_needs_compute(buf_slice(&b)), i == JWS_DS128 || i == JWS_DS256);
	}
	assert_false(bundle_needs_compute(SLICE("nonsense~~")));
	buf_free(&b);
}

static void times_are_checked_with_a_small_allowance(void **state)
{
	static const char expired[] = "assertion has expired";
	static const char early[] = "assertion issued later than verification date";

	(void)state;
	expect(&(struct recipe){ .exp = NOW - 4000 }, NULL);
	expect(&(struct recipe){ .exp = NOW - 6000 }, expired);
	expect(&(struct recipe){ .cert_exp = NOW - 6000 }, expired);
	expect(&(struct recipe){ .cert_iat = NOW + 4000 }, NULL);
	expect(&(struct recipe){ .cert_iat = NOW + 6000 }, early);
	expect(&(struct recipe){ .no_iat = true }, NULL);
	expect(&(struct recipe){ .no_exp = true }, expired);
}

static void wrong_signatures_are_refused(void **state)
{
	(void)state;
	expect(&(struct recipe){ .cert_signer = &user[JWS_RS256] }, "bad signature in chain");
	expect(&(struct recipe){ .assertion_signer = &root }, "invalid signature");
	expect(&(struct recipe){ .cert_alg_name = "RS128" }, "bad signature in chain");
	expect(&(struct recipe){ .assertion_alg_name = "none" }, "invalid signature");
	expect(&(struct recipe){ .alg = JWS_DS256, .assertion_signer = &user[JWS_DS128] },
	    "invalid signature");
}

static void changed_letters_are_refused(void **state)
{
	struct buf b = buf_new(20000);
	struct arena arena = arena_new(1024 * 1024);
	struct bundle_result r;

	(void)state;
	make_bundle(&(struct recipe){ .alg = JWS_RS256 }, &b);
	for (size_t i = 0; i < b.len; i += 7) {
		char was = b.data[i];
		b.data[i] = was == 'A' ? 'B' : 'A';
		struct bundle_query q = query_of(buf_slice(&b));
		assert_int_equal(bundle_verify(&arena, &q, &r), ERR_OK);
		/* The last letter of a part holds bits that do not count, and is refused too. */
		assert_non_null(r.reason);
		b.data[i] = was;
		arena_reset(&arena);
	}
	buf_free(&b);
}

static void malformed_bundles_are_refused(void **state)
{
	static const char *const rows[][2] = {
		{ "", "no certificates provided" },
		{ "a.b.c", "no certificates provided" },
		{ "~", "malformed signature" },
		{ "a.b.c~d.e.f", "malformed signature" },
		{ "a~b~c~d~e~f~g", "certificate chaining is not yet allowed" },
		{ "e30.e30.AA~e30.e30.AA", "malformed signature" },
		{ "eyJhbGciOiJSUzI1NiJ9.W10.AA~eyJhbGciOiJSUzI1NiJ9.e30.AA",
		    "malformed signature" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bundle_query q = query_of(slice_str(rows[i][0]));
		(void)expect_query(&q, rows[i][1]);
	}
}

static void a_dsa_signature_that_is_too_long_is_malformed(void **state)
{
	struct buf b = buf_new(20000);

	(void)state;
	make_bundle(&(struct recipe){ .alg = JWS_DS128 }, &b);
	buf_append_str(&b, "AAAA");
	struct bundle_query q = query_of(buf_slice(&b));
	(void)expect_query(&q, "malformed signature");
	buf_free(&b);
}

static void a_dsa_signature_of_zeros_is_refused(void **state)
{
	struct buf b = buf_new(20000);
	unsigned char zeros[40] = { 0 };

	(void)state;
	make_bundle(&(struct recipe){ .alg = JWS_DS128 }, &b);
	while (b.data[b.len - 1] != '.') {
		b.len--;
	}
	enc_base64url(&b, SLICE_OF(zeros, sizeof(zeros)));
	struct bundle_query q = query_of(buf_slice(&b));
	(void)expect_query(&q, "invalid signature");
	buf_free(&b);
}

static void headers_may_have_other_forms(void **state)
{
	static const struct {
		const char *header;
		bool good;
	} rows[] = {
		{ "{\"typ\":\"JWT\",\"alg\":\"RS256\"}", true },
		{ "{\"alg\":\"RS256\",\"crit\":[\"x\"]}", false },
		{ "{\"alg\":7}", false },
		{ "{}", false },
	};
	struct buf b = buf_new(4096);
	struct arena arena = arena_new(64 * 1024);
	struct jws j;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		enc_base64url(&b, slice_str(rows[i].header));
		buf_append_str(&b, ".e30.AAAA");
		assert_int_equal(
		    jws_parse(&arena, buf_slice(&b), &j), rows[i].good ? ERR_OK : ERR_SYNTAX);
	}
	assert_int_equal(jws_parse(&arena, SLICE("eyJhbGciOiJEUzI1NiJ9.e30.AAAA"), &j), ERR_OK);
	assert_true(slice_eq(j.alg, SLICE("DS256")));
	arena_reset(&arena);
	buf_free(&b);
}

static void chains_are_refused(void **state)
{
	struct buf b = buf_new(40000);
	const struct recipe r = { .alg = JWS_RS256 };
	const struct recipe second = { .alg = JWS_RS256, .cert_signer = &user[JWS_RS256] };

	(void)state;
	make_cert(&r, &b);
	buf_append_char(&b, '~');
	make_cert(&second, &b);
	buf_append_char(&b, '~');
	make_assertion(&r, &b);
	struct bundle_query q = query_of(buf_slice(&b));
	(void)expect_query(&q, "certificate chaining is not yet allowed");
	/* A broken second certificate is a broken chain. */
	buf_clear(&b);
	make_cert(&r, &b);
	buf_append_char(&b, '~');
	make_cert(&r, &b);
	buf_append_char(&b, '~');
	make_assertion(&r, &b);
	q = query_of(buf_slice(&b));
	(void)expect_query(&q, "bad signature in chain");
	buf_free(&b);
}

static void principals_are_checked(void **state)
{
	struct buf b = buf_new(20000);

	(void)state;
	expect(&(struct recipe){ .principal = "{}" }, "missing email");
	expect(&(struct recipe){ .principal = "\"a@b.co\"" }, "missing email");
	expect(&(struct recipe){ .principal = "{\"host\":\"b.co\"}" }, "missing email");
	expect(&(struct recipe){ .principal = "{\"email\":\"nonsense\"}" }, "invalid email");
	expect(&(struct recipe){ .principal = "{\"email\":1}" }, "invalid email");
	expect(&(struct recipe){ .principal = "{\"unverified-email\":\"a@b.co\"}" },
	    "unverified email");
	make_bundle(&(struct recipe){ .principal = "{\"unverified-email\":\"a@b.co\"}" }, &b);
	struct bundle_query q = query_of(buf_slice(&b));
	q.allow_unverified = true;
	assert_true(expect_query(&q, NULL).is_unverified);
	buf_free(&b);
}

static void other_issuers_are_not_known(void **state)
{
	(void)state;
	expect(&(struct recipe){ .issuer = "no.such.domain" },
	    "can't get public key for no.such.domain: this server looks up no other identity "
	    "providers");
	/* Case does not matter in host names. */
	struct buf b = buf_new(20000);
	struct arena arena = arena_new(256 * 1024);
	struct bundle_result r;
	make_bundle(&(struct recipe){ .issuer = "ID.example" }, &b);
	struct bundle_query q = query_of(buf_slice(&b));
	assert_int_equal(bundle_verify(&arena, &q, &r), ERR_OK);
	assert_null(r.reason);
	arena_reset(&arena);
	buf_free(&b);
}

/* A provider whose key is found. */
static bool find_provider(
    void *arg, struct arena *arena, struct slice issuer, struct pubkey *ret, const char **ret_why)
{
	const struct json *v = NULL;

	(void)arg;
	*ret_why = "not a browserid primary";
	return slice_eq(issuer, SLICE("idp.example")) &&
	       json_parse(arena, slice_str(user[JWS_RS256].json), &v, NULL) == ERR_OK &&
	       pubkey_parse(v, ret, NULL) == ERR_OK;
}

static void a_provider_speaks_for_its_own_domain_only(void **state)
{
	static const char *const rows[][2] = {
		{ "{\"email\":\"a@other.example\"}",
		    "issuer 'idp.example' may not speak for emails from 'other.example'" },
		{ "{\"email\":\"a@IDP.example\"}", NULL },
	};
	struct buf b = buf_new(20000);
	struct arena arena = arena_new(256 * 1024);
	struct bundle_result r;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make_bundle(&(struct recipe){ .issuer = "idp.example",
				.cert_signer = &user[JWS_RS256],
				.principal = rows[i][0] },
		    &b);
		struct bundle_query q = query_of(buf_slice(&b));
		q.find_key = find_provider;
		assert_int_equal(bundle_verify(&arena, &q, &r), ERR_OK);
		if (rows[i][1] == NULL) {
			assert_null(r.reason);
		} else {
			assert_string_equal(r.reason, rows[i][1]);
		}
		arena_reset(&arena);
	}
	buf_free(&b);
}

static void another_name_of_ours_speaks_for_all_where_it_was_asked_for(void **state)
{
	const struct bundle_trust trust = { SLICE("b.co"), SLICE("idp.example"),
		slice_str(user[JWS_RS256].json) };
	struct buf b = buf_new(20000), message = buf_new(40000);
	struct slice key_json;

	(void)state;
	make_bundle(&(struct recipe){ .issuer = "forced.example" }, &b);
	struct bundle_query q = query_of(buf_slice(&b)), there;
	expect_query(&q, "can't get public key for forced.example: this server looks up no other "
			 "identity providers");
	q.forced_issuer = SLICE("Forced.example");
	q.trust[0] = trust;
	q.n_trust = 1;
	expect_query(&q, NULL);
	bundle_put_query(&message, &q, SLICE("key"));
	assert_true(bundle_take_query(buf_slice(&message), &there, &key_json));
	assert_true(slice_eq(there.forced_issuer, q.forced_issuer));
	/* The usual name still does not speak for a domain with a provider. */
	make_bundle(&(struct recipe){ .issuer = "id.example" }, &b);
	q.bundle = buf_slice(&b);
	expect_query(&q, "issuer 'id.example' may not speak for emails from 'b.co'");
	buf_free(&b);
	buf_free(&message);
}

static void audiences(void **state)
{
	static const char *const rows[][3] = {
		{ "http://site.example", "http://site.example", NULL },
		{ "http://site.example:80", "http://site.example", NULL },
		{ "https://site.example", "https://site.example:443", NULL },
		{ "http://site.example/", "http://site.example", NULL },
		{ "site.example", "https://site.example:8443", NULL },
		{ "SITE.example", "http://site.EXAMPLE", NULL },
		{ "site.example:8443", "https://site.example:8443", NULL },
		{ "app://gaia.example", "app://gaia.example", NULL },
		{ "https://[::1]:8443", "https://[::1]:8443", NULL },
		{ "https://site.example", "http://site.example", "scheme mismatch" },
		{ "http://site.example:81", "http://site.example", "port mismatch" },
		{ "site.example:443", "http://site.example", "port mismatch" },
		{ "http://other.example", "http://site.example", "domain mismatch" },
		{ "site.example.evil", "http://site.example", "domain mismatch" },
		{ "http://", "http://site.example", "domain missing" },
		{ "http://*", "http://site.example", "domain missing" },
		{ "", "http://site.example", "domain missing" },
		{ "http://site.example", "", "domain missing" },
		{ "http://u@site.example", "http://site.example", "malformed domain" },
		{ "http://site.example:x", "http://site.example", "malformed domain" },
		{ "http://site.example:", "http://site.example", "malformed domain" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *found = audience_mismatch(slice_str(rows[i][0]), slice_str(rows[i][1]));
		const char *wanted = rows[i][2];
		if ((found == NULL) != (wanted == NULL) ||
		    (found != NULL && strcmp(found, wanted) != 0)) {
			fail_msg("%s: %s", rows[i][0], found == NULL ? "taken" : found);
		}
	}
	expect(&(struct recipe){ .audience = "http://evil.example" },
	    "audience mismatch: domain mismatch");
}

/* The text of an array of one or two keys. */
static struct slice as_array(const char *first, const char *second, char out[KEYS_TEXT])
{
	(void)snprintf(out, KEYS_TEXT, "[%s%s%s]", first, second == NULL ? "" : ",",
	    second == NULL ? "" : second);
	return slice_str(out);
}

/* A key that is to follow or has been retired, which signed the certificate. */
static void several_keys_of_ours_may_have_signed(void **state)
{
	char text[KEYS_TEXT];
	struct own_keys keys = { .n = 0 };
	struct buf b = buf_new(20000);

	(void)state;
	assert_int_equal(
	    own_keys_parse(&keys, as_array(user[JWS_RS256].json, root.json, text), NULL), ERR_OK);
	make_bundle(&(struct recipe){ .alg = JWS_DS128 }, &b);
	struct bundle_query q = query_of(buf_slice(&b));
	own_keys_offer(&keys, &q);
	(void)expect_query(&q, NULL);
	make_bundle(&(struct recipe){ .cert_signer = &user[JWS_RS256] }, &b);
	q.bundle = buf_slice(&b);
	(void)expect_query(&q, NULL);
	make_bundle(&(struct recipe){ .cert_signer = &user[JWS_RS128] }, &b);
	q.bundle = buf_slice(&b);
	(void)expect_query(&q, "bad signature in chain");
	make_bundle(&(struct recipe){ .cert_exp = NOW - 6000 }, &b);
	q.bundle = buf_slice(&b);
	(void)expect_query(&q, "assertion has expired");
	assert_int_equal(own_keys_parse(&keys, SLICE("[{}]"), NULL), ERR_INVALID);
	assert_int_equal(keys.n, 0);
	assert_int_equal(own_keys_parse(&keys, SLICE_EMPTY, NULL), ERR_OK);
	own_keys_offer(&keys, &q);
	(void)expect_query(&q,
	    "can't get public key for id.example: this server looks up no other identity "
	    "providers");
	own_keys_free(&keys);
	buf_free(&b);
}

static void a_site_may_trust_an_issuer_for_any_address(void **state)
{
	struct buf b = buf_new(20000);

	(void)state;
	make_bundle(&(struct recipe){ .issuer = "other.example" }, &b);
	struct bundle_query q = query_of(buf_slice(&b));
	q.trust[0] = (struct bundle_trust){ SLICE("other.example"), SLICE("other.example"),
		slice_str(root.json) };
	q.n_trust = 1;
	(void)expect_query(&q, "issuer 'other.example' may not speak for emails from 'b.co'");
	q.trusts_issuer = true;
	struct arena arena = arena_new(256 * 1024);
	struct bundle_result r;
	assert_int_equal(bundle_verify(&arena, &q, &r), ERR_OK);
	assert_null(r.reason);
	assert_true(slice_eq(r.issuer, SLICE("other.example")));
	/* Another name of ours, with our key. */
	q.n_trust = 0;
	q.trusts_issuer = false;
	q.forced_issuer = SLICE("other.example");
	assert_int_equal(bundle_verify(&arena, &q, &r), ERR_OK);
	assert_null(r.reason);
	arena_reset(&arena);
	buf_free(&b);
}

static void messages_to_compute_give_the_same_result(void **state)
{
	struct buf bundle = buf_new(20000), request = buf_new(20000), reply = buf_new(4096);
	struct arena arena = arena_new(64 * 1024);
	const struct rpc_call_info info = { .from = ROLE_WEB };
	static struct identity_state compute; /* too large for a stack */
	char keys[KEYS_TEXT];
	const struct service *const services[] = { &identity_service };
	struct svc_env env = { .services = services, .n_services = 1, .state = { &compute } };
	struct bundle_result r;

	(void)state;
	make_bundle(&(struct recipe){ .alg = JWS_DS256 }, &bundle);
	struct bundle_query q = query_of(buf_slice(&bundle));
	bundle_put_query(&request, &q, as_array(root.json, NULL, keys));
	assert_true(request.len <= identity_bundle_verify.max_req);
	assert_int_equal(
	    identity_bundle_verify.handle(&env, &info, buf_slice(&request), &reply, NULL), ERR_OK);
	assert_true(bundle_take_result(&arena, buf_slice(&reply), &r));
	assert_null(r.reason);
	assert_true(slice_eq(r.email, SLICE("a@b.co")));
	assert_int_equal(r.expires_ms, NOW + 120000);
	buf_clear(&request);
	buf_clear(&reply);
	q.audience = SLICE("http://other.example");
	bundle_put_query(&request, &q, as_array(root.json, NULL, keys));
	assert_int_equal(
	    identity_bundle_verify.handle(&env, &info, buf_slice(&request), &reply, NULL), ERR_OK);
	assert_true(bundle_take_result(&arena, buf_slice(&reply), &r));
	assert_string_equal(r.reason, "audience mismatch: domain mismatch");
	/* Another key than the one it has from before: nothing that was signed with that holds. */
	buf_clear(&request);
	buf_clear(&reply);
	bundle_put_query(&request, &q, as_array(user[JWS_RS256].json, NULL, keys));
	assert_int_equal(
	    identity_bundle_verify.handle(&env, &info, buf_slice(&request), &reply, NULL), ERR_OK);
	assert_true(bundle_take_result(&arena, buf_slice(&reply), &r));
	assert_string_equal(r.reason, "bad signature in chain");
	own_keys_free(&compute.own);
	arena_reset(&arena);
	buf_free(&bundle);
	buf_free(&request);
	buf_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_user_key_verifies),
		cmocka_unit_test(dsa_signatures_vary_and_all_verify),
		cmocka_unit_test(result_tells_until_when),
		cmocka_unit_test(only_dsa_needs_compute),
		cmocka_unit_test(times_are_checked_with_a_small_allowance),
		cmocka_unit_test(wrong_signatures_are_refused),
		cmocka_unit_test(changed_letters_are_refused),
		cmocka_unit_test(malformed_bundles_are_refused),
		cmocka_unit_test(a_dsa_signature_that_is_too_long_is_malformed),
		cmocka_unit_test(a_dsa_signature_of_zeros_is_refused),
		cmocka_unit_test(headers_may_have_other_forms),
		cmocka_unit_test(chains_are_refused),
		cmocka_unit_test(principals_are_checked),
		cmocka_unit_test(other_issuers_are_not_known),
		cmocka_unit_test(a_provider_speaks_for_its_own_domain_only),
		cmocka_unit_test(another_name_of_ours_speaks_for_all_where_it_was_asked_for),
		cmocka_unit_test(audiences),
		cmocka_unit_test(several_keys_of_ours_may_have_signed),
		cmocka_unit_test(a_site_may_trust_an_issuer_for_any_address),
		cmocka_unit_test(messages_to_compute_give_the_same_result),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
