/*
 * The /wsapi calls through their front: sessions, rules, sign-up, login, certificates, and that
 * what is refused leaves nothing half done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/kdf.h"
#include "accounts/login.h"
#include "accounts/password.h"
#include "services/identity/cert.h"
#include "services/identity/identity.h"
#include "services/identity/identity_priv.h"
#include "services/identity/signup.h"
#include "services/identity/web_rig.h"

#define EMAIL "Some.One@example.org"
#define PASS  "correct horse"

static struct browser here, there;

static int start(void **state)
{
	(void)state;
	rig_start(NULL);
	browser_init(&here);
	browser_init(&there);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	rig_audit();
	browser_fini(&here);
	browser_fini(&there);
	rig_stop();
	return 0;
}

static void assert_text(struct browser *b, int status, const char *body)
{
	assert_int_equal(b->status, status);
	assert_string_equal(browser_body(b), body);
	assert_true(slice_starts(b->content_type_got, SLICE("text/plain")));
}

static void assert_failed(struct browser *b, const char *reason)
{
	assert_int_equal(b->status, 200);
	assert_false(browser_flag(b, "success"));
	assert_string_equal(browser_text(b, "reason"), reason);
}

static void assert_success(struct browser *b)
{
	if (b->status != 200 || !browser_flag(b, "success")) {
		fail_msg("%d %s", b->status, browser_body(b));
	}
}

/* The token of the last mail. */
static const char *last_token(void)
{
	const char *link = rig_text("SELECT link FROM outbox ORDER BY id DESC LIMIT 1");
	const char *mark = strstr(link, "?token=");

	assert_non_null(mark);
	assert_int_equal(strlen(mark + 7), 48);
	return mark + 7;
}

static void stage(struct browser *b, const char *email, const char *pass)
{
	char members[400];

	browser_context(b);
	(void)snprintf(members, sizeof(members),
	    "\"email\":\"%s\",\"pass\":\"%s\",\"site\":\"http://site.example:8080\"", email, pass);
	browser_post(b, "/wsapi/stage_user", members);
}

static void complete(struct browser *b, const char *token, const char *more)
{
	char members[600];

	(void)snprintf(members, sizeof(members), "\"token\":\"%s\"%s", token, more);
	browser_post(b, "/wsapi/complete_user_creation", members);
}

static void sign_up(struct browser *b, const char *email, const char *pass)
{
	stage(b, email, pass);
	assert_success(b);
	complete(b, last_token(), "");
	assert_success(b);
}

static void authenticate(struct browser *b, const char *email, const char *pass, const char *more)
{
	char members[400];

	browser_context(b);
	(void)snprintf(members, sizeof(members),
	    "\"email\":\"%s\",\"pass\":\"%s\",\"ephemeral\":false%s", email, pass, more);
	browser_post(b, "/wsapi/authenticate_user", members);
}

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
	rig_fail(&identity_stage_user, ERR_DISK_FULL);
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

/* ---- logging in ---- */

static void logging_in_and_its_failures(void **state)
{
	(void)state;
	sign_up(&here, EMAIL, PASS);
	authenticate(&there, "nobody@example.org", PASS, "");
	assert_failed(&there, "no such user");
	authenticate(&there, "some.one@example.org", "wrong horse", "");
	assert_failed(&there, "password mismatch for user: some.one@example.org");
	authenticate(&there, "SOME.ONE@example.org", PASS, "");
	assert_success(&there);
	assert_int_equal(browser_number(&there, "userid"), 1);
	/* The good one cleared the counter. */
	assert_int_equal(rig_number("SELECT failed_logins FROM account"), 0);
	rig_sql("UPDATE account SET password_hash = NULL");
	authenticate(&there, EMAIL, PASS, "");
	assert_failed(&there, "no password set for user");
}

static void too_many_failures_lock_for_a_time(void **state)
{
	(void)state;
	rig_set("accounts.max_failed_logins=3");
	sign_up(&here, EMAIL, PASS);
	for (int i = 0; i < 3; i++) {
		authenticate(&there, EMAIL, "wrong horse", "");
		assert_failed(&there, "password mismatch for user: " EMAIL);
	}
	authenticate(&there, EMAIL, PASS, "");
	assert_failed(&there, "account is locked");
	assert_string_equal(browser_text(&there, "code"), "account locked");
	/* Time opens it for one try. */
	rig_sql("UPDATE account SET failed_last_ms = failed_last_ms - 86400000");
	authenticate(&there, EMAIL, "wrong horse", "");
	assert_failed(&there, "password mismatch for user: " EMAIL);
	authenticate(&there, EMAIL, PASS, "");
	assert_failed(&there, "account is locked");
	rig_sql("UPDATE account SET failed_last_ms = failed_last_ms - 86400000");
	authenticate(&there, EMAIL, PASS, "");
	assert_success(&there);
}

static void a_changed_cost_makes_a_new_hash_at_login(void **state)
{
	(void)state;
	sign_up(&here, EMAIL, PASS);
	const char *before = rig_text("SELECT password_hash FROM account");
	assert_int_equal(password_cost(slice_str(before)), 4);
	rig_set("accounts.bcrypt_cost=5");
	authenticate(&there, EMAIL, "wrong horse", "");
	assert_string_equal(rig_text("SELECT password_hash FROM account"), before);
	authenticate(&there, EMAIL, PASS, "");
	assert_success(&there);
	const char *after = rig_text("SELECT password_hash FROM account");
	assert_int_equal(password_cost(slice_str(after)), 5);
	authenticate(&there, EMAIL, PASS, "");
	assert_success(&there);
	assert_string_equal(rig_text("SELECT password_hash FROM account"), after);
	/* The sessions of before live on. */
	browser_get(&here, "/wsapi/list_emails");
	assert_int_equal(here.status, 200);
}

static void overload_is_503_with_retry_after(void **state)
{
	(void)state;
	sign_up(&here, EMAIL, PASS);
	rig_fail(&accounts_password_verify, ERR_TOO_BUSY);
	authenticate(&there, EMAIL, PASS, "");
	assert_int_equal(there.status, 503);
	assert_false(browser_flag(&there, "success"));
	assert_string_equal(browser_text(&there, "reason"), "server is too busy");
	assert_non_null(browser_header(&there, "Retry-After"));
	rig_fail(&accounts_password_hash, ERR_DEADLINE);
	stage(&there, "other@example.org", PASS);
	assert_text(&there, 503, "Service Unavailable: server is too busy");
	assert_non_null(browser_header(&there, "Retry-After"));
	/* A failure that cannot be counted is no answer. */
	rig_fail(&accounts_login_result, ERR_PEER_GONE);
	authenticate(&there, EMAIL, "wrong horse", "");
	assert_int_equal(there.status, 503);
	authenticate(&there, EMAIL, PASS, "");
	assert_success(&there);
}

/* ---- stretched passwords ---- */

/* What a page would send for PASS at an address. */
static void stretch(struct browser *b, const char *email, char out[KDF_STRETCHED_HEX + 1])
{
	char target[200];
	struct kdf kdf = { .kind = KDF_ONEPW_2 };

	(void)snprintf(target, sizeof(target), "/wsapi/password_kdf?email=%s", email);
	browser_get(b, target);
	assert_success(b);
	assert_string_equal(browser_text(b, "kdf"), "onepw-2");
	assert_int_equal(browser_number(b, "rounds"), 650000);
	(void)snprintf(kdf.salt, sizeof(kdf.salt), "%s", browser_text(b, "salt"));
	assert_int_equal(strlen(kdf.salt), KDF_SALT_HEX);
	assert_int_equal(kdf_stretch(SLICE(PASS), &kdf, out), ERR_OK);
}

static void pages_send_stretched_passwords(void **state)
{
	char pass[KDF_STRETCHED_HEX + 1], again[KDF_STRETCHED_HEX + 1], members[400];

	(void)state;
	stretch(&here, "some.one%40example.org", pass);
	browser_context(&here);
	(void)snprintf(members, sizeof(members),
	    "\"email\":\"" EMAIL
	    "\",\"pass\":\"%s\",\"site\":\"http://a.example\",\"kdf\":\"onepw-2\"",
	    pass);
	browser_post(&here, "/wsapi/stage_user", members);
	assert_success(&here);
	/* From another browser: stretched, and plain as an old client would send it. */
	(void)snprintf(members, sizeof(members), ",\"pass\":\"%s\",\"kdf\":\"onepw-2\"", pass);
	browser_context(&there);
	complete(&there, last_token(), ",\"pass\":\"wrong horse\"");
	assert_int_equal(there.status, 401);
	complete(&there, last_token(), members);
	assert_success(&there);
	assert_string_equal(rig_text("SELECT kdf FROM account"), "onepw-2");
	/* The salt stays the account's. */
	stretch(&here, "SOME.one%40example.org", again);
	assert_string_equal(again, pass);
	authenticate(&here, EMAIL, pass, ",\"kdf\":\"onepw-2\"");
	assert_success(&here);
	authenticate(&here, EMAIL, PASS, "");
	assert_success(&here);
	authenticate(&here, EMAIL, PASS, ",\"kdf\":\"plain\"");
	assert_success(&here);
	authenticate(&here, EMAIL, pass, "");
	assert_failed(&here, "password mismatch for user: " EMAIL);
	authenticate(&here, EMAIL, PASS, ",\"kdf\":\"onepw-2\"");
	assert_int_equal(here.status, 400);
}

static void a_plain_account_says_so(void **state)
{
	char pass[KDF_STRETCHED_HEX + 1];

	(void)state;
	memset(pass, 'a', KDF_STRETCHED_HEX);
	pass[KDF_STRETCHED_HEX] = '\0';
	sign_up(&here, EMAIL, PASS);
	browser_get(&here, "/wsapi/password_kdf?email=some.one%40example.org");
	assert_string_equal(browser_text(&here, "kdf"), "plain");
	assert_null(browser_text(&here, "salt"));
	authenticate(&here, EMAIL, pass, ",\"kdf\":\"onepw-2\"");
	assert_failed(&here, "password mismatch for user: " EMAIL);
}

static void salts_of_unknown_addresses_are_stable_and_their_own(void **state)
{
	char one[64], other[64];

	(void)state;
	browser_get(&here, "/wsapi/password_kdf?email=x%40example.org");
	(void)snprintf(one, sizeof(one), "%s", browser_text(&here, "salt"));
	browser_get(&here, "/wsapi/password_kdf?email=X%40example.org");
	assert_string_equal(browser_text(&here, "salt"), one);
	browser_get(&here, "/wsapi/password_kdf?email=y%40example.org");
	(void)snprintf(other, sizeof(other), "%s", browser_text(&here, "salt"));
	assert_string_not_equal(one, other);
}

/* ---- addresses and certificates ---- */

static void what_is_known_of_an_address(void **state)
{
	(void)state;
	browser_get(&here, "/wsapi/have_email?email=some.one%40example.org");
	assert_false(browser_flag(&here, "email_known"));
	browser_get(&here, "/wsapi/address_info?email=some.one%40example.org");
	assert_string_equal(browser_body(&here),
	    "{\"type\":\"secondary\",\"issuer\":\"127.0.0.1\",\"disabled\":false,"
	    "\"state\":\"unknown\"}");
	sign_up(&there, EMAIL, PASS);
	browser_get(&here, "/wsapi/have_email?email=some.one%40example.org");
	assert_true(browser_flag(&here, "email_known"));
	browser_get(&here, "/wsapi/address_info?email=some.one%40example.org");
	assert_string_equal(browser_text(&here, "state"), "known");
	assert_string_equal(browser_text(&here, "normalizedEmail"), EMAIL);
	browser_get(&here, "/wsapi/address_info?email=some.one%40example.org&issuer=fx.example");
	assert_string_equal(browser_text(&here, "issuer"), "fx.example");
	rig_sql("UPDATE email SET verified = 0");
	browser_get(&here, "/wsapi/address_info?email=some.one%40example.org");
	assert_string_equal(browser_text(&here, "state"), "unverified");
}

#define KEY "\"{\\\"algorithm\\\":\\\"RS\\\",\\\"n\\\":\\\"%s\\\",\\\"e\\\":\\\"65537\\\"}\""

/* 512 bits, odd: good enough to be certified. */
static const char modulus[] =
    "1340780792994259709957402499820584612747936582059239337772356144372176403007354697680187429816"
    "6903427690031858186486050853753882811946569946433649006084095";

static void ask_for_cert(struct browser *b, const char *email, const char *n, const char *more)
{
	char members[1000];

	(void)snprintf(members, sizeof(members),
	    "\"email\":\"%s\",\"ephemeral\":false,\"pubkey\":" KEY "%s", email, n, more);
	browser_post(b, "/wsapi/cert_key", members);
}

static void certificates_only_for_ones_own_address(void **state)
{
	(void)state;
	browser_context(&there);
	ask_for_cert(&there, EMAIL, modulus, "");
	assert_text(&there, 400, "Bad Request: requires authentication");
	sign_up(&here, EMAIL, PASS);
	sign_up(&there, "other@example.org", PASS);
	ask_for_cert(&there, EMAIL, modulus, "");
	assert_text(&there, 400, "Bad Request: that email does not belong to you");
	ask_for_cert(&there, "nobody@example.org", modulus, "");
	assert_text(&there, 400, "Bad Request: that email does not belong to you");
	ask_for_cert(&here, EMAIL, modulus, ",\"forceIssuer\":\"fx.example\"");
	assert_text(&here, 400, "Bad Request: Invalid issuer, unable to issue certificate");
	ask_for_cert(&here, EMAIL, "12345678901234567890", "");
	assert_int_equal(here.status, 400);
	rig_sql("UPDATE email SET verified = 0");
	ask_for_cert(&here, EMAIL, modulus, "");
	assert_text(&here, 403, "Forbidden: that email requires (re)verification");
	ask_for_cert(&here, EMAIL, modulus, ",\"allowUnverified\":true");
	assert_int_equal(here.status, 200);
	rig_sql("UPDATE email SET verified = 1");
	ask_for_cert(&here, "some.one@example.org", modulus, "");
	assert_int_equal(here.status, 200);
	assert_true(slice_starts(here.content_type_got, SLICE("text/plain")));
	assert_true(slice_starts(here.body, SLICE("eyJhbGciOiJSUzI1NiJ9.")));
	rig_fail(&identity_cert_sign, ERR_DEADLINE);
	ask_for_cert(&here, EMAIL, modulus, "");
	assert_text(&here, 503, "Service Unavailable: server is too busy");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

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
		TEST(logging_in_and_its_failures),
		TEST(too_many_failures_lock_for_a_time),
		TEST(a_changed_cost_makes_a_new_hash_at_login),
		TEST(overload_is_503_with_retry_after),
		TEST(pages_send_stretched_passwords),
		TEST(a_plain_account_says_so),
		TEST(salts_of_unknown_addresses_are_stable_and_their_own),
		TEST(what_is_known_of_an_address),
		TEST(certificates_only_for_ones_own_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
