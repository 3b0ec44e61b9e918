/*
 * The transaction functions behind the calls, straight on a database: that each looks again at what
 * web has looked at before, does all or nothing, and does the same request only once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/account.h"
#include "accounts/accounts.h"
#include "accounts/db_rig.h"
#include "services/identity/account_change.h"
#include "services/identity/staging.h"

#define FIRST  "a@example.org"
#define SECOND "b@example.org"

static struct db_rig rig;
static const struct kdf plain = { .kind = KDF_PLAIN };

static int start(void **state)
{
	(void)state;
	db_rig_init(&rig);
	return 0;
}

static int stop(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	if (accounts_service.audit(rig.db, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	db_rig_fini(&rig);
	return 0;
}

static int64_t new_account(const char *address, const char *hash)
{
	int64_t id = 0;

	assert_int_equal(account_create(&rig.txn, slice_str(hash), &plain, &id, NULL), ERR_OK);
	assert_int_equal(
	    account_give_email(&rig.txn, id, slice_str(address), hash[0] == '\0', NULL), ERR_OK);
	return id;
}

static const char *hash_of(const char *token)
{
	static char hash[TOKEN_HASH_HEX + 1];

	assert_int_equal(token_hash(slice_str(token), hash), ERR_OK);
	return hash;
}

static struct stage_req request(enum staged_kind kind, int64_t id, const char *address)
{
	return (struct stage_req){
		.kind = kind,
		.account_id = id,
		.token_hash = slice_str(hash_of("one")),
		.lifetime_ms = 1000000,
		.limits = { .min_interval_ms = 60000, .free_mails = 1, .max_waiting = 3 },
		.mail = { .recipient = slice_str(address),
		    .kind = SLICE("new"),
		    .subject = SLICE("s"),
		    .link = SLICE("http://l"),
		    .site = SLICE("http://s"),
		    .text = SLICE("t") },
	};
}

static enum stage_outcome stage(const struct stage_req *r)
{
	struct buf b = buf_new(64 * 1024);
	enum stage_outcome outcome = STAGE_OUTCOMES;

	stage_req_put(&b, r);
	assert_int_equal(db_rig_call(&rig, &identity_stage, buf_slice(&b)), ERR_OK);
	assert_true(stage_outcome_take(buf_slice(&rig.reply), &outcome));
	buf_free(&b);
	return outcome;
}

static struct completion complete(enum complete_call call, const char *token, const char *hash)
{
	const struct complete_req r = { .call = call,
		.token_hash = slice_str(hash_of(token)),
		.password_hash = slice_str(hash) };
	struct buf b = buf_new(1024);
	struct completion c = { .outcome = COMPLETE_OUTCOMES };

	complete_req_put(&b, &r);
	assert_int_equal(db_rig_call(&rig, &identity_complete, buf_slice(&b)), ERR_OK);
	assert_true(completion_take(buf_slice(&rig.reply), &c));
	buf_free(&b);
	return c;
}

static struct changed change(const struct change_req *r)
{
	struct buf b = buf_new(1024);
	struct changed c = { .outcome = CHANGE_OUTCOMES };

	change_req_put(&b, r);
	assert_int_equal(db_rig_call(&rig, &identity_change, buf_slice(&b)), ERR_OK);
	assert_true(changed_take(buf_slice(&rig.reply), &c));
	buf_free(&b);
	return c;
}

static struct account account_of(const char *key)
{
	struct account a = { .id = 0 };
	enum err e = account_by_address(rig.db, &rig.arena, slice_str(key), &a, NULL);

	assert_true(e == ERR_OK || e == ERR_NOT_FOUND);
	return a;
}

static void the_same_request_twice_sends_one_mail(void **state)
{
	struct stage_req r = request(STAGED_NEW, 0, FIRST);

	(void)state;
	r.password_hash = SLICE("$2b$x");
	assert_int_equal(stage(&r), STAGE_DONE);
	assert_int_equal(stage(&r), STAGE_DONE);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM outbox"), 1);
	/* Another one: too soon, and then it takes the place of the first. */
	r.token_hash = slice_str(hash_of("two"));
	assert_int_equal(stage(&r), STAGE_TOO_SOON);
	rig.txn.now_ms += 60000;
	assert_int_equal(stage(&r), STAGE_DONE);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM outbox"), 2);
	assert_int_equal(db_rig_number(&rig, "SELECT mails FROM staged"), 2);
	assert_int_equal(complete(COMPLETE_CREATION, "one", "").outcome, COMPLETE_UNKNOWN);
	assert_int_equal(complete(COMPLETE_CREATION, "two", "").outcome, COMPLETE_DONE);
	assert_int_equal(complete(COMPLETE_CREATION, "two", "").outcome, COMPLETE_UNKNOWN);
}

static void staging_looks_again(void **state)
{
	(void)state;
	int64_t id = new_account(FIRST, "$2b$x");
	int64_t provider = new_account("p@primary.example", "");
	struct stage_req r = request(STAGED_ADD, id + 100, SECOND);
	assert_int_equal(stage(&r), STAGE_NOT_OWNED);
	r = request(STAGED_ADD, id, SECOND);
	r.password_hash = SLICE("$2b$y");
	assert_int_equal(stage(&r), STAGE_HAS_PASSWORD);
	r = request(STAGED_ADD, provider, SECOND);
	assert_int_equal(stage(&r), STAGE_NEEDS_PASSWORD);
	for (int kind = STAGED_RESET; kind < STAGED_KINDS; kind++) {
		r = request((enum staged_kind)kind, id, SECOND);
		r.password_hash = kind == STAGED_TRANSITION ? SLICE("$2b$y") : SLICE_EMPTY;
		assert_int_equal(stage(&r), STAGE_NOT_OWNED);
		r = request((enum staged_kind)kind, provider, FIRST);
		assert_int_equal(stage(&r), STAGE_NOT_OWNED);
	}
	r = request(STAGED_REVERIFY, id, FIRST);
	assert_int_equal(stage(&r), STAGE_IS_VERIFIED);
	r = request(STAGED_TRANSITION, id, FIRST);
	r.password_hash = SLICE("$2b$y");
	assert_int_equal(stage(&r), STAGE_HAS_PASSWORD);
	r = request(STAGED_ADD, 0, FIRST);
	r.creates_unverified = true;
	r.password_hash = SLICE("$2b$y");
	assert_int_equal(stage(&r), STAGE_TAKEN);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM staged"), 0);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM outbox"), 0);
}

static void so_many_mails_of_an_account_wait(void **state)
{
	static const char *const addresses[] = { "1@x.example", "2@x.example", "3@x.example" };

	(void)state;
	int64_t id = new_account(FIRST, "$2b$x");
	for (size_t i = 0; i < 3; i++) {
		struct stage_req r = request(STAGED_ADD, id, addresses[i]);
		r.token_hash = slice_str(hash_of(addresses[i]));
		assert_int_equal(stage(&r), STAGE_DONE);
	}
	struct stage_req r = request(STAGED_ADD, id, "4@x.example");
	assert_int_equal(stage(&r), STAGE_TOO_SOON);
	assert_int_equal(complete(COMPLETE_CONFIRMATION, addresses[0], "").outcome, COMPLETE_DONE);
	assert_int_equal(stage(&r), STAGE_DONE);
}

static void a_full_account_gets_no_more(void **state)
{
	(void)state;
	int64_t id = new_account(FIRST, "$2b$x");
	struct stage_req r = request(STAGED_ADD, id, SECOND);
	assert_int_equal(stage(&r), STAGE_DONE);
	for (int i = 1; i < ACCOUNT_EMAILS_MAX; i++) {
		char address[32];
		(void)snprintf(address, sizeof(address), "n%d@x.example", i);
		assert_int_equal(
		    account_give_email(&rig.txn, id, slice_str(address), false, NULL), ERR_OK);
	}
	assert_int_equal(complete(COMPLETE_CONFIRMATION, "one", "").outcome, COMPLETE_FULL);
	r = request(STAGED_ADD, id, "c@example.org");
	r.token_hash = slice_str(hash_of("two"));
	assert_int_equal(stage(&r), STAGE_FULL);
	const struct change_req add = {
		.kind = CHANGE_ADD_PRIMARY, .account_id = id, .address = SLICE("p@primary.example")
	};
	assert_int_equal(change(&add).outcome, CHANGE_FULL);
}

static void a_reset_changes_all_that_it_should(void **state)
{
	(void)state;
	int64_t id = new_account(FIRST, "$2b$x");
	assert_int_equal(account_give_email(&rig.txn, id, SLICE(SECOND), false, NULL), ERR_OK);
	assert_int_equal(
	    account_give_email(&rig.txn, id, SLICE("p@primary.example"), true, NULL), ERR_OK);
	int64_t before = account_of(FIRST).password_reset_ms;
	struct stage_req r = request(STAGED_ADD, id, "c@example.org");
	r.token_hash = slice_str(hash_of("two"));
	assert_int_equal(stage(&r), STAGE_DONE);
	r = request(STAGED_RESET, id, FIRST);
	assert_int_equal(stage(&r), STAGE_DONE);
	assert_int_equal(complete(COMPLETE_RESET, "one", "").outcome, COMPLETE_NEEDS_PASSWORD);
	struct completion c = complete(COMPLETE_RESET, "one", "$2b$new");
	assert_int_equal(c.outcome, COMPLETE_DONE);
	assert_int_equal(c.account_id, id);
	assert_true(c.password_reset_ms > before);
	struct account a = account_of(FIRST);
	assert_true(slice_eq(a.password_hash, SLICE("$2b$new")) && a.is_verified);
	assert_int_equal(a.password_reset_ms, c.password_reset_ms);
	assert_false(account_of(SECOND).is_verified);
	assert_true(account_of("p@primary.example").is_verified);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM staged"), 0);
}

static void what_is_staged_dies_with_what_it_is_for(void **state)
{
	bool gone = false;

	(void)state;
	int64_t id = new_account(FIRST, "$2b$x");
	assert_int_equal(account_give_email(&rig.txn, id, SLICE(SECOND), false, NULL), ERR_OK);
	/* The address moves to somebody else. */
	struct stage_req r = request(STAGED_RESET, id, SECOND);
	assert_int_equal(stage(&r), STAGE_DONE);
	int64_t other = new_account(SECOND, "$2b$y");
	assert_int_equal(complete(COMPLETE_RESET, "one", "$2b$z").outcome, COMPLETE_UNKNOWN);
	assert_true(slice_eq(account_of(SECOND).password_hash, SLICE("$2b$y")));
	/* The account goes. */
	r = request(STAGED_ADD, other, "c@example.org");
	assert_int_equal(stage(&r), STAGE_DONE);
	assert_int_equal(account_remove_email(&rig.txn, other, SLICE(SECOND), &gone, NULL), ERR_OK);
	assert_true(gone);
	assert_int_equal(complete(COMPLETE_CONFIRMATION, "one", "").outcome, COMPLETE_UNKNOWN);
}

static void a_locked_account_completes_nothing(void **state)
{
	(void)state;
	int64_t id = new_account(FIRST, "$2b$x");
	struct stage_req r = request(STAGED_RESET, id, FIRST);
	assert_int_equal(stage(&r), STAGE_DONE);
	struct account a = account_of(FIRST);
	assert_int_equal(account_lock(&rig.txn, &a, true, NULL), ERR_OK);
	assert_int_equal(complete(COMPLETE_RESET, "one", "$2b$y").outcome, COMPLETE_LOCKED);
	a = account_of(FIRST);
	assert_int_equal(account_lock(&rig.txn, &a, false, NULL), ERR_OK);
	assert_int_equal(complete(COMPLETE_RESET, "one", "$2b$y").outcome, COMPLETE_DONE);
}

static void the_first_password_that_arrives_stays(void **state)
{
	(void)state;
	int64_t id = new_account("p@primary.example", "");
	struct stage_req r = request(STAGED_ADD, id, FIRST);
	r.password_hash = SLICE("$2b$1");
	assert_int_equal(stage(&r), STAGE_DONE);
	r = request(STAGED_ADD, id, SECOND);
	r.token_hash = slice_str(hash_of("two"));
	r.password_hash = SLICE("$2b$2");
	assert_int_equal(stage(&r), STAGE_DONE);
	assert_int_equal(complete(COMPLETE_CONFIRMATION, "two", "").outcome, COMPLETE_DONE);
	assert_int_equal(complete(COMPLETE_CONFIRMATION, "one", "").outcome, COMPLETE_DONE);
	assert_true(slice_eq(account_of(FIRST).password_hash, SLICE("$2b$2")));
}

static void a_password_changes_only_from_the_one_that_was_compared(void **state)
{
	(void)state;
	int64_t id = new_account(FIRST, "$2b$x");
	struct change_req r = { .kind = CHANGE_PASSWORD,
		.account_id = id,
		.old_hash = SLICE("$2b$other"),
		.new_hash = SLICE("$2b$new"),
		.ends_sessions = true };
	assert_int_equal(change(&r).outcome, CHANGE_STALE);
	r.old_hash = SLICE("$2b$x");
	struct changed c = change(&r);
	assert_int_equal(c.outcome, CHANGE_DONE);
	assert_int_equal(account_of(FIRST).password_reset_ms, c.password_reset_ms);
	/* Once more, because the answer was lost. */
	struct changed again = change(&r);
	assert_int_equal(again.outcome, CHANGE_DONE);
	assert_int_equal(again.password_reset_ms, c.password_reset_ms);
	r.account_id = id + 1;
	assert_int_equal(change(&r).outcome, CHANGE_NOT_OWNED);
}

static void a_provider_signs_in_its_own(void **state)
{
	struct change_req r = { .kind = CHANGE_SIGN_IN_PRIMARY, .address = SLICE(FIRST) };

	(void)state;
	assert_int_equal(change(&r).outcome, CHANGE_CLOSED);
	r.may_create = true;
	struct changed c = change(&r);
	assert_int_equal(c.outcome, CHANGE_DONE);
	assert_int_equal(change(&r).account_id, c.account_id);
	struct account a = account_of(FIRST);
	assert_true(a.is_primary && a.is_verified && !a.has_password);
	assert_int_equal(account_lock(&rig.txn, &a, true, NULL), ERR_OK);
	assert_int_equal(change(&r).outcome, CHANGE_LOCKED);
}

static void messages_that_are_cut_are_refused(void **state)
{
	struct buf b = buf_new(64 * 1024);
	struct stage_req r = request(STAGED_NEW, 0, FIRST);
	struct stage_req got;
	struct complete_req c = { .token_hash = r.token_hash }, got_c;
	struct change_req h = { .kind = CHANGE_CANCEL, .account_id = 1 }, got_h;

	(void)state;
	stage_req_put(&b, &r);
	assert_true(stage_req_take(buf_slice(&b), &got));
	for (size_t n = 0; n < b.len; n++) {
		assert_false(stage_req_take(slice_sub(buf_slice(&b), 0, n), &got));
	}
	buf_clear(&b);
	complete_req_put(&b, &c);
	assert_true(complete_req_take(buf_slice(&b), &got_c));
	for (size_t n = 0; n < b.len; n++) {
		assert_false(complete_req_take(slice_sub(buf_slice(&b), 0, n), &got_c));
	}
	buf_clear(&b);
	change_req_put(&b, &h);
	assert_true(change_req_take(buf_slice(&b), &got_h));
	for (size_t n = 0; n < b.len; n++) {
		assert_false(change_req_take(slice_sub(buf_slice(&b), 0, n), &got_h));
	}
	buf_free(&b);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(the_same_request_twice_sends_one_mail),
		TEST(staging_looks_again),
		TEST(so_many_mails_of_an_account_wait),
		TEST(a_full_account_gets_no_more),
		TEST(a_reset_changes_all_that_it_should),
		TEST(what_is_staged_dies_with_what_it_is_for),
		TEST(a_locked_account_completes_nothing),
		TEST(the_first_password_that_arrives_stays),
		TEST(a_password_changes_only_from_the_one_that_was_compared),
		TEST(a_provider_signs_in_its_own),
		TEST(messages_that_are_cut_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
