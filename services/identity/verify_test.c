/*
 * A whole sign-in to a site, from certificate to /verify; what /verify refuses; the documents and
 * pages; the service's rows and configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/accounts.h"
#include "core/base/clock.h"
#include "services/identity/bundle.h"
#include "services/identity/identity.h"
#include "services/identity/jws.h"
#include "services/identity/jws_rig.h"
#include "services/identity/web_rig.h"

#define EMAIL "some.one@example.org"

static struct browser user, site;
static struct test_key key, dsa_key;

static int start(void **state)
{
	(void)state;
	rig_start(NULL);
	browser_init(&user);
	browser_init(&site);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	browser_fini(&user);
	browser_fini(&site);
	rig_stop();
	return 0;
}

static int make_keys(void **state)
{
	(void)state;
	test_key_init(&key, JWS_RS256);
	test_key_init(&dsa_key, JWS_DS128);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	test_key_fini(&key);
	test_key_fini(&dsa_key);
	return 0;
}

/* Text as it stands inside a JSON string. */
static void escape(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 3 < size; text++) {
		if (*text == '"') {
			out[n++] = '\\';
		}
		out[n++] = *text;
	}
	out[n] = '\0';
}

static void sign_up(void)
{
	char members[300];

	browser_context(&user);
	browser_post(&user, "/wsapi/stage_user",
	    "\"email\":\"" EMAIL "\",\"pass\":\"correct horse\",\"site\":\"http://a.example\"");
	const char *link = rig_text("SELECT link FROM outbox ORDER BY id DESC LIMIT 1");
	(void)snprintf(members, sizeof(members), "\"token\":\"%s\"", strstr(link, "?token=") + 7);
	browser_post(&user, "/wsapi/complete_user_creation", members);
	assert_true(browser_flag(&user, "success"));
}

/* A certificate for k, then an assertion for the audience: the bundle a page would send. */
static void make_bundle(
    const struct test_key *k, const char *audience, int64_t life_ms, struct buf *out)
{
	char members[6000], pubkey[4000], payload[300];

	escape(k->json, pubkey, sizeof(pubkey));
	(void)snprintf(members, sizeof(members),
	    "\"email\":\"" EMAIL "\",\"ephemeral\":true,\"pubkey\":\"%s\"", pubkey);
	browser_post(&user, "/wsapi/cert_key", members);
	if (user.status != 200) {
		fail_msg("%s", browser_body(&user));
	}
	buf_clear(out);
	buf_append_slice(out, user.body);
	buf_append_char(out, '~');
	(void)snprintf(payload, sizeof(payload), "{\"exp\":%lld,\"aud\":\"%s\"}",
	    (long long)(clock_wall_ms() + life_ms), audience);
	test_sign(k, NULL, payload, out);
	buf_append_char(out, '\0');
}

static void verify(const char *bundle, const char *audience)
{
	static char body[12000];

	(void)snprintf(
	    body, sizeof(body), "{\"assertion\":\"%s\",\"audience\":\"%s\"}", bundle, audience);
	site.content_type = "application/json";
	browser_send(&site, "POST", "/verify", body);
}

static void assert_refused(int status, const char *reason)
{
	assert_int_equal(site.status, status);
	assert_string_equal(browser_text(&site, "status"), "failure");
	assert_string_equal(browser_text(&site, "reason"), reason);
}

static void a_sign_in_verifies(void **state)
{
	const struct test_key *const keys[] = { &key, &dsa_key };
	struct buf b = buf_new(16000);

	(void)state;
	sign_up();
	for (size_t i = 0; i < 2; i++) {
		make_bundle(keys[i], "http://site.example:8080", 120000, &b);
		verify(b.data, "http://site.example:8080");
		assert_int_equal(site.status, 200);
		assert_string_equal(browser_text(&site, "status"), "okay");
		assert_string_equal(browser_text(&site, "email"), EMAIL);
		assert_string_equal(browser_text(&site, "issuer"), "127.0.0.1");
		assert_string_equal(browser_text(&site, "audience"), "http://site.example:8080");
		int64_t left = browser_number(&site, "expires") - clock_wall_ms();
		assert_in_range(left, 60000, 120000);
		verify(b.data, "http://other.example");
		assert_refused(200, "audience mismatch: port mismatch");
	}
	make_bundle(&key, "http://site.example", -60000, &b);
	verify(b.data, "http://site.example");
	assert_refused(200, "assertion has expired");
	buf_free(&b);
}

static void a_certificate_has_five_members_in_order(void **state)
{
	struct buf b = buf_new(16000);
	struct arena arena = arena_new(100000);
	struct jws cert;
	void *cursor = NULL;
	struct slice name;
	const struct json *v;
	int64_t iat = 0, exp = 0;
	static const char *const names[] = { "public-key", "principal", "iat", "exp", "iss" };

	(void)state;
	sign_up();
	make_bundle(&key, "http://site.example", 1000, &b);
	size_t tilde = slice_find(buf_slice(&b), '~', 0);
	assert_int_equal(jws_parse(&arena, SLICE_OF(b.data, tilde), &cert), ERR_OK);
	for (size_t i = 0; i < 5; i++) {
		assert_true(json_next(cert.payload, &cursor, &name, &v));
		assert_true(slice_eq(name, slice_str(names[i])));
	}
	assert_false(json_next(cert.payload, &cursor, &name, &v));
	assert_true(json_get_i64(json_member(cert.payload, "iat"), &iat));
	assert_true(json_get_i64(json_member(cert.payload, "exp"), &exp));
	assert_int_equal(exp - iat, 3600 * 1000); /* ephemeral */
	arena_reset(&arena);
	buf_free(&b);
}

static void other_forms_of_the_request(void **state)
{
	struct buf b = buf_new(16000), target = buf_new(16000);

	(void)state;
	sign_up();
	make_bundle(&key, "http://site.example", 120000, &b);
	buf_append_str(&target, "assertion=");
	buf_append_str(&target, b.data);
	buf_append_str(&target, "&audience=http%3A%2F%2Fsite.example");
	buf_append_char(&target, '\0');
	site.content_type = "application/x-www-form-urlencoded; charset=utf-8";
	browser_send(&site, "POST", "/verify", target.data);
	assert_string_equal(browser_text(&site, "status"), "okay");
	/* The query wins over the body. */
	browser_send(&site, "POST", "/verify?audience=http%3A%2F%2Fevil.example", target.data);
	assert_refused(200, "audience mismatch: domain mismatch");
	site.content_type = NULL;
	buf_clear(&target);
	buf_append_str(&target, "/verify?audience=site.example&assertion=");
	buf_append_str(&target, b.data);
	buf_append_char(&target, '\0');
	browser_send(&site, "POST", target.data, "");
	assert_string_equal(browser_text(&site, "status"), "okay");
	buf_free(&b);
	buf_free(&target);
}

static void malformed_requests(void **state)
{
	static const char need[] = "need assertion and audience";

	(void)state;
	site.content_type = "application/json";
	browser_send(&site, "POST", "/verify", "{}");
	assert_refused(400, need);
	browser_send(&site, "POST", "/verify", "{\"assertion\":\"a\"}");
	assert_refused(400, need);
	browser_send(&site, "POST", "/verify", "{\"audience\":\"http://a.example\"}");
	assert_refused(400, need);
	browser_send(&site, "POST", "/verify", "{\"assertion\":");
	assert_refused(400, "malformed JSON");
	browser_send(
	    &site, "POST", "/verify", "{\"assertion\":7,\"audience\":\"http://a.example\"}");
	assert_refused(200, "malformed backed assertion");
	verify("nonsense", "http://a.example");
	assert_refused(200, "no certificates provided");
	site.content_type = "text/xml";
	browser_send(&site, "POST", "/verify", "<a/>");
	assert_refused(415,
	    "Content-Type expected to be one of: application/x-www-form-urlencoded, "
	    "application/json");
}

static void compute_too_busy_is_503(void **state)
{
	struct buf b = buf_new(16000);

	(void)state;
	sign_up();
	make_bundle(&dsa_key, "http://site.example", 120000, &b);
	rig_fail(&identity_bundle_verify, ERR_TOO_BUSY);
	verify(b.data, "http://site.example");
	assert_int_equal(site.status, 503);
	assert_non_null(browser_header(&site, "Retry-After"));
	buf_free(&b);
}

static void documents_tell_the_key(void **state)
{
	struct arena arena = arena_new(100000);
	struct pubkey parsed = { .verifier = NULL };

	(void)state;
	browser_get(&site, "/.well-known/browserid?domain=example.org");
	assert_int_equal(site.status, 200);
	assert_string_equal(browser_header(&site, "Cache-Control"), "public, max-age=10");
	assert_string_equal(browser_text(&site, "authentication"), "/auth");
	assert_string_equal(browser_text(&site, "provisioning"), "/provision");
	assert_int_equal(pubkey_parse(json_member(site.json, "public-key"), &parsed, NULL), ERR_OK);
	assert_int_equal(parsed.alg, JWS_RS256);
	pubkey_free(&parsed);
	browser_get(&site, "/pk");
	assert_string_equal(browser_text(&site, "algorithm"), "RS");
	arena_reset(&arena);
}

static void the_first_page_is_told_what_runs(void **state)
{
	(void)state;
	browser_get(&site, "/__about__");
	assert_int_equal(site.status, 200);
	assert_string_equal(browser_text(&site, "version"), "test");
	assert_string_equal(browser_text(&site, "public_url"), "http://127.0.0.1:8000");
	assert_string_equal(browser_text(&site, "admin"), "http://127.0.0.1:8001");
	assert_string_equal(browser_text(&site, "mail"), "development");
	assert_string_equal(browser_text(&site, "signup"), "open");
	const struct json *services = json_member(site.json, "services");
	assert_int_equal(json_count(services), 1);
}

static void pages_have_their_headers(void **state)
{
	static const char *const pages[] = { "/", "/sign_in", "/verify_email_address", "/confirm",
		"/add_email_address", "/reset_password", "/complete_transition", "/auth",
		"/provision", "/include.js", "/include.orig.js", "/provisioning_api.js",
		"/authentication_api.js", "/favicon.ico", "/identity/style.css" };
	static const char *const framed[] = { "/communication_iframe", "/relay" };

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		browser_get(&site, pages[i]);
		if (site.status != 200) {
			fail_msg("%s: %d", pages[i], site.status);
		}
		assert_string_equal(browser_header(&site, "X-Frame-Options"), "DENY");
		assert_string_equal(browser_header(&site, "X-Content-Type-Options"), "nosniff");
		assert_non_null(strstr(
		    browser_header(&site, "Content-Security-Policy"), "frame-ancestors 'none'"));
		assert_null(strstr(browser_header(&site, "Content-Security-Policy"), "unsafe"));
		assert_non_null(browser_header(&site, "ETag"));
	}
	for (size_t i = 0; i < sizeof(framed) / sizeof(framed[0]); i++) {
		browser_get(&site, framed[i]);
		assert_int_equal(site.status, 200);
		assert_null(browser_header(&site, "X-Frame-Options"));
		assert_non_null(
		    strstr(browser_header(&site, "Content-Security-Policy"), "frame-ancestors *"));
	}
	for (size_t i = 0; i < 2; i++) { /* which ask identity providers */
		browser_get(&site, pages[i]);
		assert_non_null(strstr(browser_header(&site, "Content-Security-Policy"),
		    "; frame-src https: http:; "));
	}
	browser_get(&site, "/confirm");
	assert_null(strstr(browser_header(&site, "Content-Security-Policy"), "frame-src"));
	browser_get(&site, "/identity/nonsense");
	assert_int_equal(site.status, 404);
	browser_get(&site, "/identity/../identity/style.css");
	assert_int_equal(site.status, 404);
	browser_get(&site, "/robots.txt");
	assert_int_equal(site.status, 200);
}

static void rows_are_sound(void **state)
{
	const struct service *const services[] = { &accounts_service, &identity_service };
	struct err_note note = { 0 };

	(void)state;
	if (service_verify(services, 2, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
}

static enum err check(struct conf *conf, const char *section, const char *name, const char *value,
    struct err_note *note)
{
	struct buf problems = buf_new(1000);

	*note = (struct err_note){ 0 };
	assert_int_equal(conf_set(conf, "test", slice_str(section), slice_str(name),
			     slice_str(value), &problems),
	    ERR_OK);
	buf_free(&problems);
	enum err e = accounts_service.check(conf, note);
	return e == ERR_OK ? identity_service.check(conf, note) : e;
}

static void a_public_server_needs_mail(void **state)
{
	static const struct conf_key url_key[] = {
		{ .section = "plimsoll",
		    .name = "public_url",
		    .type = CONF_URL,
		    .def = "http://127.0.0.1:8000",
		    .help = "URL." },
	};
	const struct conf_table tables[] = { { url_key, 1 }, accounts_service.conf,
		identity_service.conf };
	struct conf *conf = NULL;
	struct err_note note;

	(void)state;
	assert_int_equal(conf_new(tables, 3, &conf), ERR_OK);
	assert_int_equal(
	    check(conf, "plimsoll", "public_url", "http://localhost:1", &note), ERR_OK);
	assert_int_equal(
	    check(conf, "plimsoll", "public_url", "https://id.example.org", &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "[mail] smtp"));
	assert_int_equal(check(conf, "identity", "signup", "closed", &note), ERR_OK);
	assert_int_equal(check(conf, "identity", "signup", "open", &note), ERR_CONFIG);
	assert_int_equal(check(conf, "mail", "smtp", "mail.example.org", &note), ERR_CONFIG);
	assert_int_equal(
	    check(conf, "mail", "smtp", "smtp://u:p@mail.example.org", &note), ERR_CONFIG);
	assert_int_equal(check(conf, "mail", "smtp", "smtp://mail.example.org:25", &note), ERR_OK);
	assert_int_equal(check(conf, "mail", "from", "nonsense", &note), ERR_CONFIG);
	conf_free(&conf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sign_in_verifies),
		TEST(a_certificate_has_five_members_in_order),
		TEST(other_forms_of_the_request),
		TEST(malformed_requests),
		TEST(compute_too_busy_is_503),
		TEST(documents_tell_the_key),
		TEST(the_first_page_is_told_what_runs),
		TEST(pages_have_their_headers),
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(a_public_server_needs_mail),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
