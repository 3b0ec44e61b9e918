/*
 * The /wsapi calls that check passwords, tell of addresses, and certify keys.
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
#include "services/identity/wsapi_steps.h"

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
	rig_sql("UPDATE email SET kind = 'primary'");
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
	rig_sql("UPDATE login_failure SET last_ms = last_ms - 86400000");
	authenticate(&there, EMAIL, "wrong horse", "");
	assert_failed(&there, "password mismatch for user: " EMAIL);
	authenticate(&there, EMAIL, PASS, "");
	assert_failed(&there, "account is locked");
	rig_sql("UPDATE login_failure SET last_ms = last_ms - 86400000");
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
	assert_true(there.refused);
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

/* Work begun is refused last; a browser's cookie says so for one password, whatever it asks for. */
static void a_browser_has_one_password_that_is_refused_last(void **state)
{
	(void)state;
	sign_up(&here, EMAIL, PASS);
	authenticate(&here, EMAIL, "wrong horse", "");
	assert_int_equal(here.rank, SHED_LAST);
	authenticate(&here, EMAIL, PASS, ""); /* another session, the same browser */
	assert_int_equal(here.rank, SHED_LATE);
	authenticate(&here, EMAIL, PASS, "");
	assert_int_equal(here.rank, SHED_LATE);
	authenticate(&there, EMAIL, PASS, "");
	assert_int_equal(there.rank, SHED_MIDDLE); /* it proved nothing yet */
	authenticate(&there, EMAIL, PASS, "");
	assert_int_equal(there.rank, SHED_LAST);
	authenticate(&there, EMAIL, PASS, "");
	assert_int_equal(there.rank, SHED_LATE);
	browser_get(&there, "/wsapi/list_emails");
	assert_int_equal(there.rank, SHED_LATE); /* as its row says */
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, steps_start, steps_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(logging_in_and_its_failures),
		TEST(too_many_failures_lock_for_a_time),
		TEST(a_changed_cost_makes_a_new_hash_at_login),
		TEST(overload_is_503_with_retry_after),
		TEST(a_browser_has_one_password_that_is_refused_last),
		TEST(pages_send_stretched_passwords),
		TEST(a_plain_account_says_so),
		TEST(salts_of_unknown_addresses_are_stable_and_their_own),
		TEST(what_is_known_of_an_address),
		TEST(certificates_only_for_ones_own_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
