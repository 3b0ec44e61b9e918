/*
 * The /wsapi calls through their front: the rules for every call, sessions, signing up; and that
 * what is refused leaves nothing half done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/session.h"
#include "services/identity/staging.h"
#include "services/identity/wsapi_steps.h"

/* ---- the rules for every call ---- */

static void unknown_calls_are_refused(void **state)
{
	(void)state;
	browser_get(&here, "/wsapi/nonsense");
	assert_text(&here, 400, "Bad Request: no such api");
	assert_string_equal(browser_header(&here, "Cache-Control"), "no-cache, max-age=0");
	browser_get(&here, "/wsapi/authenticate_user");
	assert_text(&here, 400, "Bad Request: no such api");
	browser_send(&here, "POST", "/wsapi/session_context", "");
	assert_text(&here, 400, "Bad Request: no such api");
	browser_get(&here, "/nonsense");
	assert_int_equal(here.status, 404);
}

static void a_post_needs_cookie_and_token(void **state)
{
	static const char body[] =
	    "{\"email\":\"a@b.co\",\"pass\":\"12345678\",\"ephemeral\":true}";

	(void)state;
	here.content_type = "application/json";
	browser_send(&here, "POST", "/wsapi/authenticate_user", body);
	assert_text(&here, 403, "Forbidden: no cookie");
	browser_context(&here);
	browser_send(&here, "POST", "/wsapi/authenticate_user", body);
	assert_text(&here, 400, "Bad Request: CSRF violation");
	(void)snprintf(here.csrf, sizeof(here.csrf), "AAAAAAAAAAAAAAAAAAAAAA==");
	browser_post(&here, "/wsapi/authenticate_user", body + 1);
	assert_int_equal(here.status, 400);
}

static void a_body_of_another_type_brings_no_token(void **state)
{
	char body[200];

	(void)state;
	browser_context(&here);
	(void)snprintf(body, sizeof(body), "{\"csrf\":\"%s\"}", here.csrf);
	here.content_type = "text/plain";
	browser_send(&here, "POST", "/wsapi/logout", body);
	assert_text(&here, 400, "Bad Request: CSRF violation");
	here.content_type = "application/json; charset=utf-8";
	browser_send(&here, "POST", "/wsapi/logout", body);
	assert_text(&here, 400, "Bad Request: requires authentication");
	browser_send(&here, "POST", "/wsapi/logout", "{\"csrf\":");
	assert_text(&here, 400, "Bad Request: malformed JSON");
	browser_send(&here, "POST", "/wsapi/logout", "[]");
	assert_text(&here, 400, "Bad Request: malformed JSON");
}

static void pages_of_other_origins_are_refused(void **state)
{
	(void)state;
	browser_context(&here);
	here.origin = "http://evil.example";
	browser_post(&here, "/wsapi/logout", "");
	assert_text(&here, 400, "Bad Request: CSRF violation");
	here.origin = "null";
	browser_post(&here, "/wsapi/logout", "");
	assert_text(&here, 400, "Bad Request: CSRF violation");
	here.origin = "http://127.0.0.1:8000"; /* the public URL */
	browser_post(&here, "/wsapi/logout", "");
	assert_text(&here, 400, "Bad Request: requires authentication");
	here.origin = "http://localhost:8000"; /* the host that was asked */
	browser_post(&here, "/wsapi/logout", "");
	assert_text(&here, 400, "Bad Request: requires authentication");
}

static void parameters_are_checked(void **state)
{
	(void)state;
	browser_get(&here, "/wsapi/have_email");
	assert_int_equal(here.status, 400);
	assert_string_equal(browser_text(&here, "reason"), "missing required parameter: 'email'");
	browser_get(&here, "/wsapi/have_email?email=nonsense");
	assert_string_equal(browser_text(&here, "reason"), "email: not a valid email");
	browser_get(&here, "/wsapi/have_email?email=a%40b.co&x=1&y=2");
	assert_string_equal(
	    browser_text(&here, "reason"), "extra parameters are not allowed: x, y");
	browser_context(&here);
	stage(&here, EMAIL, "1234567");
	assert_int_equal(here.status, 400);
	assert_int_equal(rig_number("SELECT COUNT(*) FROM staged"), 0);
}

static void a_form_body_works_too(void **state)
{
	char body[300];

	(void)state;
	sign_up(&here, EMAIL, PASS);
	browser_context(&there);
	/* '+' and '/' and '=' of base64 must be encoded. */
	size_t len = (size_t)snprintf(body, sizeof(body),
	    "email=some.one%%40example.org&pass=correct+horse&ephemeral=true&csrf=");
	for (const char *p = there.csrf; *p != '\0'; p++) {
		len += (size_t)snprintf(body + len, sizeof(body) - len, "%%%02X", (unsigned)*p);
	}
	there.content_type = "application/x-www-form-urlencoded";
	browser_send(&there, "POST", "/wsapi/authenticate_user", body);
	assert_success(&there);
}

/* ---- sessions ---- */

static void session_context_begins_a_session(void **state)
{
	char csrf[64];

	(void)state;
	browser_context(&here);
	assert_false(browser_flag(&here, "authenticated"));
	assert_false(browser_flag(&here, "cookies"));
	assert_false(browser_flag(&here, "has_password"));
	assert_null(browser_text(&here, "auth_level"));
	assert_int_equal(strlen(browser_text(&here, "random_seed")), 44);
	assert_true(browser_number(&here, "domain_key_creation_time") > 0);
	assert_true(browser_number(&here, "server_time") > 0);
	(void)snprintf(csrf, sizeof(csrf), "%s", here.csrf);
	const char *cookie = browser_header(&here, "Set-Cookie");
	assert_non_null(cookie);
	/* MD5 of http://127.0.0.1:8000 */
	assert_memory_equal(cookie, "browserid_state_4411de=", 23);
	browser_context(&here);
	assert_string_equal(here.csrf, csrf);
	/* Nothing changed, so nothing is sent. */
	assert_null(browser_header(&here, "Set-Cookie"));
}

static void an_unreadable_cookie_is_replaced(void **state)
{
	(void)state;
	(void)snprintf(here.cookies, sizeof(here.cookies),
	    "browserid_state_4411de=nonsense; can_set_cookies=1");
	browser_get(&here, "/wsapi/have_email?email=a%40b.co");
	assert_int_equal(here.status, 200);
	assert_non_null(browser_header(&here, "Set-Cookie"));
	(void)snprintf(here.cookies, sizeof(here.cookies), "can_set_cookies=1");
	browser_context(&here);
	assert_true(browser_flag(&here, "cookies"));
}

static void logging_out_keeps_the_token(void **state)
{
	char csrf[64];

	(void)state;
	sign_up(&here, EMAIL, PASS);
	(void)snprintf(csrf, sizeof(csrf), "%s", here.csrf);
	browser_post(&here, "/wsapi/logout", "");
	assert_success(&here);
	browser_context(&here);
	assert_false(browser_flag(&here, "authenticated"));
	assert_string_equal(here.csrf, csrf);
	browser_get(&here, "/wsapi/list_emails");
	assert_text(&here, 400, "Bad Request: requires authentication");
}

static void a_reset_ends_other_sessions(void **state)
{
	(void)state;
	sign_up(&here, EMAIL, PASS);
	rig_sql("UPDATE account SET password_reset_ms = password_reset_ms + 1");
	browser_post(&here, "/wsapi/logout", "");
	assert_text(&here, 403, "Forbidden: no cookie");
	browser_context(&here);
	assert_false(browser_flag(&here, "authenticated"));
}

static void a_session_ends_with_its_account(void **state)
{
	(void)state;
	sign_up(&here, EMAIL, PASS);
	rig_sql("DELETE FROM email");
	rig_sql("UPDATE account SET deleted_ms = 1");
	browser_context(&here);
	assert_false(browser_flag(&here, "authenticated"));
}

/* The fourth field of the cookie. */
static int64_t duration_of(const struct browser *b)
{
	struct slice rest = slice_str(b->cookies), piece = SLICE_EMPTY;
	uint64_t ms = 0;

	rest = slice_sub(rest, slice_find(rest, '=', 0) + 1, rest.len);
	for (int i = 0; i < 4; i++) {
		assert_true(slice_split(&rest, '.', &piece));
	}
	assert_int_equal(slice_to_u64(piece, INT64_MAX, &ms), ERR_OK);
	return (int64_t)ms;
}

static void sessions_last_as_asked(void **state)
{
	(void)state;
	sign_up(&here, EMAIL, PASS);
	assert_int_equal(duration_of(&here), SESSION_LONG_MS);
	browser_context(&there);
	browser_post(&there, "/wsapi/authenticate_user",
	    "\"email\":\"" EMAIL "\",\"pass\":\"" PASS "\",\"ephemeral\":true");
	assert_success(&there);
	assert_false(browser_flag(&there, "suppress_ask_if_users_computer"));
	assert_int_equal(duration_of(&there), SESSION_SHORT_MS);
	browser_post(&there, "/wsapi/prolong_session", "");
	assert_int_equal(there.status, 200);
	assert_string_equal(browser_body(&there), "OK");
	assert_int_equal(duration_of(&there), SESSION_LONG_MS);
	there.user_agent = "Mozilla/5.0 (Android; Mobile; rv:40.0) Gecko/40.0 Firefox/40.0";
	authenticate(&there, EMAIL, PASS, "");
	assert_true(browser_flag(&there, "suppress_ask_if_users_computer"));
	assert_int_equal(duration_of(&there), SESSION_LONGEST_MS);
}

/* ---- signing up ---- */

static void a_whole_sign_up(void **state)
{
	(void)state;
	stage(&here, EMAIL, PASS);
	assert_success(&here);
	assert_string_equal(rig_text("SELECT recipient FROM outbox"), EMAIL);
	assert_string_equal(
	    rig_text("SELECT subject FROM outbox"), "site.example: Complete sign-in");
	assert_int_equal(rig_number("SELECT COUNT(*) FROM account"), 0);
	browser_get(&here, "/wsapi/user_creation_status?email=some.one%40example.org");
	assert_string_equal(browser_text(&here, "status"), "pending");
	const char *token = last_token();
	/* Only its hash is in the staged row. */
	assert_string_not_equal(rig_text("SELECT token_hash FROM staged"), token);
	char target[200];
	(void)snprintf(target, sizeof(target), "/wsapi/email_for_token?token=%s", token);
	browser_get(&here, target);
	assert_success(&here);
	assert_string_equal(browser_text(&here, "email"), EMAIL);
	assert_false(browser_flag(&here, "must_auth"));
	assert_false(browser_flag(&here, "needs_password"));
	browser_get(&there, target);
	assert_true(browser_flag(&there, "must_auth"));
	complete(&here, token, "");
	assert_success(&here);
	browser_get(&here, target);
	assert_failed(&here, "no such secret");
	browser_get(&here, "/wsapi/user_creation_status?email=some.one%40example.org");
	assert_string_equal(browser_text(&here, "status"), "complete");
	browser_context(&here);
	assert_true(browser_flag(&here, "authenticated"));
	assert_true(browser_flag(&here, "has_password"));
	assert_string_equal(browser_text(&here, "auth_level"), "password");
	assert_int_equal(browser_number(&here, "userid"), 1);
	browser_get(&here, "/wsapi/list_emails");
	assert_string_equal(browser_body(&here), "{\"success\":true,\"emails\":[\"" EMAIL "\"]}");
	browser_get(&there, "/wsapi/user_creation_status?email=some.one%40example.org");
	assert_string_equal(browser_text(&there, "status"), "mustAuth");
}

static void another_browser_needs_the_password(void **state)
{
	(void)state;
	stage(&here, EMAIL, PASS);
	const char *token = last_token();
	browser_context(&there);
	complete(&there, token, "");
	assert_text(&there, 401, "Authentication Required: Provide your password");
	complete(&there, token, ",\"pass\":\"wrong horse\"");
	assert_text(&there, 401, "Authentication Required: password mismatch");
	assert_int_equal(rig_number("SELECT COUNT(*) FROM account"), 0);
	complete(&there, token, ",\"pass\":\"" PASS "\"");
	assert_success(&there);
	browser_get(&there, "/wsapi/list_emails");
	assert_int_equal(there.status, 200);
	browser_get(&here, "/wsapi/user_creation_status?email=some.one%40example.org");
	assert_string_equal(browser_text(&here, "status"), "mustAuth");
}

static void mails_to_an_address_have_an_interval(void **state)
{
	(void)state;
	stage(&here, EMAIL, PASS);
	assert_success(&here);
	stage(&there, "some.one@EXAMPLE.org", PASS);
	assert_text(&there, 429,
	    "Too Many Requests: Too many emails sent to that address, try again later.");
	assert_int_equal(rig_number("SELECT COUNT(*) FROM outbox"), 1);
	rig_sql("UPDATE staged SET created_ms = created_ms - 60000");
	const char *first = last_token();
	stage(&there, EMAIL, PASS);
	assert_success(&there);
	complete(&here, first, "");
	assert_failed(&here, "no such secret");
	/* It ends when the token is used. */
	complete(&there, last_token(), "");
	assert_success(&there);
	stage(&here, EMAIL, PASS);
	assert_success(&here);
}

static void a_token_expires(void **state)
{
	(void)state;
	stage(&here, EMAIL, PASS);
	rig_sql("UPDATE staged SET created_ms = 1, expires_ms = 2");
	complete(&here, last_token(), "");
	assert_failed(&here, "no such secret");
}

static void signing_up_again_moves_the_address(void **state)
{
	(void)state;
	sign_up(&here, EMAIL, PASS);
	sign_up(&there, EMAIL, "another horse");
	assert_int_equal(rig_number("SELECT account_id FROM email"), 2);
	/* The old account is gone, its session with it. */
	browser_get(&here, "/wsapi/list_emails");
	assert_text(&here, 400, "Bad Request: requires authentication");
	authenticate(&here, EMAIL, PASS, "");
	assert_failed(&here, "password mismatch for user: " EMAIL);
	authenticate(&here, EMAIL, "another horse", "");
	assert_success(&here);
}

static void sign_up_can_be_closed(void **state)
{
	(void)state;
	rig_set("identity.signup=closed");
	stage(&here, EMAIL, PASS);
	assert_failed(&here, "this server makes no new accounts");
	assert_int_equal(rig_number("SELECT COUNT(*) FROM outbox"), 0);
}

static void nothing_is_half_done_when_the_store_fails(void **state)
{
	(void)state;
	rig_fail(&identity_stage, ERR_DISK_FULL);
	stage(&here, EMAIL, PASS);
	assert_text(&here, 503, "Service Unavailable: database unavailable");
	assert_non_null(browser_header(&here, "Retry-After"));
	rig_fail(NULL, ERR_OK);
	/* The outbox is full: no staged row either. */
	rig_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
		" INSERT INTO outbox (recipient, kind, subject, link, site, body_text, body_html,"
		" created_ms, next_try_ms, tries, lease, state, sent_ms, error)"
		" SELECT 'x@example.org', 'new', '', '', '', '', '', 1, 1, 0, 0, 0, 0, '' FROM n");
	stage(&here, EMAIL, PASS);
	assert_text(&here, 503, "Service Unavailable: server is too busy");
	assert_int_equal(rig_number("SELECT COUNT(*) FROM staged"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, steps_start, steps_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_calls_are_refused),
		TEST(a_post_needs_cookie_and_token),
		TEST(a_body_of_another_type_brings_no_token),
		TEST(pages_of_other_origins_are_refused),
		TEST(parameters_are_checked),
		TEST(a_form_body_works_too),
		TEST(session_context_begins_a_session),
		TEST(an_unreadable_cookie_is_replaced),
		TEST(logging_out_keeps_the_token),
		TEST(a_reset_ends_other_sessions),
		TEST(a_session_ends_with_its_account),
		TEST(sessions_last_as_asked),
		TEST(a_whole_sign_up),
		TEST(another_browser_needs_the_password),
		TEST(mails_to_an_address_have_an_interval),
		TEST(a_token_expires),
		TEST(signing_up_again_moves_the_address),
		TEST(sign_up_can_be_closed),
		TEST(nothing_is_half_done_when_the_store_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
