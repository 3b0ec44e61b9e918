/*
 * Accounts, addresses, staged changes and logins in a real database; and that the statements are
 * common SQL that scans nothing.
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
#include "accounts/idp.h"
#include "accounts/login.h"
#include "accounts/staged.h"

static const struct kdf plain = { .kind = KDF_PLAIN };

static int64_t new_account(struct db_rig *rig, const char *address)
{
	int64_t id = 0;

	assert_int_equal(account_create(&rig->txn, SLICE("$2b$hash"), &plain, &id, NULL), ERR_OK);
	assert_int_equal(
	    account_give_email(&rig->txn, id, slice_str(address), false, NULL), ERR_OK);
	return id;
}

static enum err find(struct db_rig *rig, const char *key, struct account *a)
{
	return account_by_address(rig->db, &rig->arena, slice_str(key), a, NULL);
}

static void assert_sane(struct db_rig *rig)
{
	struct err_note note = { 0 };

	assert_int_equal(accounts_service.audit(rig->db, &note), ERR_OK);
}

static void statements_are_common_and_indexed(void **state)
{
	const struct service *s = &accounts_service;
	struct db_rig rig;

	(void)state;
	db_rig_init_sqlite(&rig);
	if (sql_table_check(rig.db, &s->stmts, &rig.note) != ERR_OK) {
		fail_msg("%s", rig.note.text);
	}
	if (sql_migrations_check(s->migrations, s->n_migrations, &rig.note) != ERR_OK) {
		fail_msg("%s", rig.note.text);
	}
	db_rig_fini(&rig);
}

static void an_address_is_found_in_any_case(void **state)
{
	struct db_rig rig;
	struct account a;
	struct slice key;

	(void)state;
	db_rig_init(&rig);
	int64_t id = new_account(&rig, "Some.One@Example.ORG");
	assert_int_equal(email_key(&rig.arena, SLICE("SOME.one@example.org"), &key), ERR_OK);
	assert_int_equal(account_by_address(rig.db, &rig.arena, key, &a, NULL), ERR_OK);
	assert_int_equal(a.id, id);
	assert_true(slice_eq(a.address, SLICE("Some.One@Example.ORG")));
	assert_true(a.has_password && a.is_verified && !a.is_primary);
	assert_int_equal(a.password_reset_ms, rig.txn.now_ms);
	assert_int_equal(find(&rig, "nobody@example.org", &a), ERR_NOT_FOUND);
	assert_int_equal(account_by_id(rig.db, &rig.arena, id, &a, NULL), ERR_OK);
	assert_int_equal(account_by_id(rig.db, &rig.arena, id + 1, &a, NULL), ERR_NOT_FOUND);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void collect(void *arg, struct slice address)
{
	buf_append_slice(arg, address);
	buf_append_char(arg, ' ');
}

static void an_account_lists_its_addresses(void **state)
{
	struct db_rig rig;
	struct buf list = buf_new(1000);

	(void)state;
	db_rig_init(&rig);
	int64_t id = new_account(&rig, "b@example.org");
	(void)new_account(&rig, "other@example.org");
	assert_int_equal(
	    account_give_email(&rig.txn, id, SLICE("A@example.org"), true, NULL), ERR_OK);
	assert_int_equal(account_each_email(rig.db, id, collect, &list, NULL), ERR_OK);
	assert_true(slice_eq(buf_slice(&list), SLICE("A@example.org b@example.org ")));
	assert_sane(&rig);
	buf_free(&list);
	db_rig_fini(&rig);
}

static void a_moved_address_takes_the_bare_account_with_it(void **state)
{
	struct db_rig rig;
	struct account a;
	int64_t reset;
	bool has_password;

	(void)state;
	db_rig_init(&rig);
	int64_t old = new_account(&rig, "x@example.org");
	int64_t rich = new_account(&rig, "y@example.org");
	assert_int_equal(
	    account_give_email(&rig.txn, rich, SLICE("z@example.org"), false, NULL), ERR_OK);
	int64_t fresh = new_account(&rig, "X@example.org");
	assert_int_equal(find(&rig, "x@example.org", &a), ERR_OK);
	assert_int_equal(a.id, fresh);
	assert_true(slice_eq(a.address, SLICE("X@example.org")));
	assert_int_equal(
	    account_reset_time(rig.db, old, &reset, &has_password, NULL), ERR_NOT_FOUND);
	/* One that keeps another address lives on. */
	assert_int_equal(
	    account_give_email(&rig.txn, fresh, SLICE("z@example.org"), false, NULL), ERR_OK);
	assert_int_equal(account_reset_time(rig.db, rich, &reset, &has_password, NULL), ERR_OK);
	assert_true(has_password);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void a_number_is_never_used_again(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	int64_t last = new_account(&rig, "x@example.org");
	int64_t next = new_account(&rig, "x@example.org"); /* deletes the first */
	assert_true(next > last);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM account"), 2);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

/* ---- staged changes ---- */

static struct staged stage_of(const char *token, const char *address, char hash[])
{
	assert_int_equal(token_hash(slice_str(token), hash), ERR_OK);
	return (struct staged){
		.token_hash = SLICE_OF(hash, TOKEN_HASH_HEX),
		.address = slice_str(address),
		.kind = STAGED_NEW,
		.mails = 1,
		.has_password = true,
		.password_hash = SLICE("$2b$staged"),
		.kdf = { KDF_ONEPW_2, "0123456789abcdef0123456789abcdef" },
		.created_ms = 1000000,
		.expires_ms = 2000000,
	};
}

static void a_token_is_stored_hashed(void **state)
{
	char hash[TOKEN_HASH_HEX + 1];

	(void)state;
	assert_int_equal(token_hash(SLICE("abc"), hash), ERR_OK);
	assert_string_equal(
	    hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void staging_again_replaces_the_token(void **state)
{
	struct db_rig rig;
	struct staged found;
	char hash1[TOKEN_HASH_HEX + 1], hash2[TOKEN_HASH_HEX + 1];

	(void)state;
	db_rig_init(&rig);
	struct staged one = stage_of("one", "A@example.org", hash1);
	struct staged two = stage_of("two", "a@example.org", hash2);
	assert_int_equal(staged_put(&rig.txn, &one, NULL), ERR_OK);
	assert_int_equal(staged_put(&rig.txn, &two, NULL), ERR_OK);
	assert_int_equal(
	    staged_by_token(rig.db, &rig.arena, one.token_hash, 1, &found, NULL), ERR_NOT_FOUND);
	assert_int_equal(
	    staged_by_token(rig.db, &rig.arena, two.token_hash, 1, &found, NULL), ERR_OK);
	assert_true(slice_eq(found.address, SLICE("a@example.org")));
	assert_true(slice_eq(found.password_hash, SLICE("$2b$staged")));
	assert_int_equal(found.kdf.kind, KDF_ONEPW_2);
	assert_string_equal(found.kdf.salt, "0123456789abcdef0123456789abcdef");
	assert_int_equal(found.account_id, 0);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void a_token_works_once_and_in_time(void **state)
{
	struct db_rig rig;
	struct staged found;
	char hash[TOKEN_HASH_HEX + 1];

	(void)state;
	db_rig_init(&rig);
	struct staged one = stage_of("one", "a@example.org", hash);
	assert_int_equal(staged_put(&rig.txn, &one, NULL), ERR_OK);
	rig.txn.now_ms = one.expires_ms;
	assert_int_equal(staged_take(&rig.txn, one.token_hash, &found, NULL), ERR_NOT_FOUND);
	assert_int_equal(staged_by_address(rig.db, &rig.arena, SLICE("a@example.org"),
			     one.expires_ms, &found, NULL),
	    ERR_NOT_FOUND);
	rig.txn.now_ms = one.expires_ms - 1;
	assert_int_equal(staged_take(&rig.txn, one.token_hash, &found, NULL), ERR_OK);
	assert_int_equal(staged_take(&rig.txn, one.token_hash, &found, NULL), ERR_NOT_FOUND);
	db_rig_fini(&rig);
}

static void expired_rows_are_cleaned_up(void **state)
{
	struct db_rig rig;
	char hash[TOKEN_HASH_HEX + 1];

	(void)state;
	db_rig_init(&rig);
	for (int i = 0; i < 40; i++) {
		char address[32], token[32];
		(void)snprintf(address, sizeof(address), "u%d@example.org", i);
		(void)snprintf(token, sizeof(token), "token %d", i);
		struct staged s = stage_of(token, address, hash);
		assert_int_equal(staged_put(&rig.txn, &s, NULL), ERR_OK);
	}
	rig.txn.now_ms = 3000000;
	for (int i = 0; i < 4; i++) {
		struct staged s = stage_of("new", "new@example.org", hash);
		s.expires_ms = 4000000;
		assert_int_equal(staged_put(&rig.txn, &s, NULL), ERR_OK);
	}
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM staged"), 1);
	db_rig_fini(&rig);
}

/* ---- logins ---- */

static void record(struct db_rig *rig, int64_t id, bool good, const char *old, const char *new)
{
	const struct login_result r = { .account_id = id,
		.client = SLICE("192.0.2.1"),
		.good = good,
		.kdf = { .kind = KDF_PLAIN },
		.old_hash = slice_str(old),
		.new_hash = slice_str(new) };
	struct buf b = buf_new(512);

	login_put_result(&b, &r);
	assert_int_equal(db_rig_call(rig, &accounts_login_result, buf_slice(&b)), ERR_OK);
	buf_free(&b);
}

static void failures_are_counted_and_cleared(void **state)
{
	struct db_rig rig;
	struct account a;

	(void)state;
	db_rig_init(&rig);
	int64_t id = new_account(&rig, "a@example.org");
	record(&rig, id, false, "", "");
	rig.txn.now_ms += 5;
	record(&rig, id, false, "", "");
	assert_int_equal(find(&rig, "a@example.org", &a), ERR_OK);
	assert_int_equal(a.failed_logins, 2);
	assert_int_equal(a.failed_last_ms, 1000005);
	record(&rig, id, true, "", "");
	assert_int_equal(find(&rig, "a@example.org", &a), ERR_OK);
	assert_int_equal(a.failed_logins, 0);
	db_rig_fini(&rig);
}

static void a_new_hash_replaces_only_the_one_it_was_made_from(void **state)
{
	struct db_rig rig;
	struct account a;

	(void)state;
	db_rig_init(&rig);
	int64_t id = new_account(&rig, "a@example.org");
	record(&rig, id, true, "$2b$another", "$2b$new");
	assert_int_equal(find(&rig, "a@example.org", &a), ERR_OK);
	assert_true(slice_eq(a.password_hash, SLICE("$2b$hash")));
	record(&rig, id, true, "$2b$hash", "$2b$new");
	assert_int_equal(find(&rig, "a@example.org", &a), ERR_OK);
	assert_true(slice_eq(a.password_hash, SLICE("$2b$new")));
	/* The sessions of before stay. */
	assert_int_equal(a.password_reset_ms, 1000000);
	db_rig_fini(&rig);
}

static void a_locked_account_opens_by_time(void **state)
{
	const struct conf_table *table = &accounts_service.conf;
	struct conf *conf = NULL;
	struct account a = { .failed_logins = 10, .failed_last_ms = 1000 };
	struct login_failures here = { .n = 10, .last_ms = 1000 };
	const struct login_failures none = { .n = 0 };

	(void)state;
	assert_int_equal(conf_new(table, 1, &conf), ERR_OK);
	int64_t lockout = conf_ms(conf, "accounts", "lockout");
	assert_true(login_is_locked(&a, &here, false, conf, 1000));
	assert_true(login_is_locked(&a, &here, true, conf, 1000 + lockout - 1));
	assert_false(login_is_locked(&a, &here, false, conf, 1000 + lockout));
	here.n = 9;
	assert_false(login_is_locked(&a, &here, false, conf, 1000));
	/* From many places: those who were never in wait, the owner's browser does not. */
	a.failed_logins = 100;
	assert_true(login_is_locked(&a, &none, false, conf, 1000 + lockout - 1));
	assert_false(login_is_locked(&a, &none, true, conf, 1000));
	assert_false(login_is_locked(&a, &none, false, conf, 1000 + lockout));
	conf_free(&conf);
}

static void failures_belong_to_the_client_that_made_them(void **state)
{
	struct db_rig rig;
	struct login_failures f;

	(void)state;
	db_rig_init(&rig);
	int64_t id = new_account(&rig, "a@example.org");
	record(&rig, id, false, "", "");
	record(&rig, id, false, "", "");
	assert_int_equal(login_failures_of(rig.db, id, "192.0.2.1", &f, NULL), ERR_OK);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.last_ms, rig.txn.now_ms);
	assert_int_equal(login_failures_of(rig.db, id, "192.0.2.2", &f, NULL), ERR_OK);
	assert_int_equal(f.n, 0);
	assert_sane(&rig);
	record(&rig, id, true, "", "");
	assert_int_equal(login_failures_of(rig.db, id, "192.0.2.1", &f, NULL), ERR_OK);
	assert_int_equal(f.n, 0);
	/* A result that comes when the account is gone changes nothing. */
	assert_int_equal(account_delete(&rig.txn, id, NULL), ERR_OK);
	record(&rig, id, false, "", "");
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void old_failures_are_cleaned_up(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	for (int i = 0; i < 30; i++) {
		char address[32];
		(void)snprintf(address, sizeof(address), "u%d@example.org", i);
		record(&rig, new_account(&rig, address), false, "", "");
		rig.txn.now_ms++;
	}
	rig.txn.now_ms += INT64_C(25) * 3600 * 1000;
	int64_t id = new_account(&rig, "new@example.org");
	for (int i = 0; i < 3; i++) {
		record(&rig, id, false, "", "");
	}
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM login_failure"), 1);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void a_client_is_an_address_or_a_network(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		{ "2001:db8:1:2::9", "2001:db8:1:2::" },
		{ "::ffff:192.0.2.7", "::ffff:192.0.2.7" },
		{ "unix", "unix" },
		{ "a name that is longer than any address could ever be, by far",
		    "a name that is longer than any address could ev" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char client[LOGIN_CLIENT_SIZE];
		login_client(slice_str(rows[i][0]), client);
		assert_string_equal(client, rows[i][1]);
	}
}

/* ---- changes ---- */

static void the_last_address_takes_the_account_with_it(void **state)
{
	struct db_rig rig;
	struct account a;
	bool gone = false;
	char hash[TOKEN_HASH_HEX + 1];

	(void)state;
	db_rig_init(&rig);
	int64_t id = new_account(&rig, "a@example.org");
	int64_t other = new_account(&rig, "other@example.org");
	assert_int_equal(
	    account_give_email(&rig.txn, id, SLICE("b@example.org"), false, NULL), ERR_OK);
	struct staged s = stage_of("t", "b@example.org", hash);
	s.kind = STAGED_REVERIFY;
	s.account_id = id;
	s.has_password = false;
	assert_int_equal(staged_put(&rig.txn, &s, NULL), ERR_OK);
	assert_sane(&rig);
	assert_int_equal(account_remove_email(&rig.txn, other, SLICE("b@example.org"), &gone, NULL),
	    ERR_NOT_FOUND);
	assert_int_equal(
	    account_remove_email(&rig.txn, id, SLICE("b@example.org"), &gone, NULL), ERR_OK);
	assert_false(gone);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM staged"), 0);
	assert_int_equal(
	    account_remove_email(&rig.txn, id, SLICE("a@example.org"), &gone, NULL), ERR_OK);
	assert_true(gone);
	assert_int_equal(account_by_id(rig.db, &rig.arena, id, &a, NULL), ERR_NOT_FOUND);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void an_account_has_a_hundred_addresses_at_most(void **state)
{
	struct db_rig rig;
	bool full = false;

	(void)state;
	db_rig_init(&rig);
	int64_t id = new_account(&rig, "a0@example.org");
	for (int i = 1; i < ACCOUNT_EMAILS_MAX; i++) {
		char address[32];
		assert_int_equal(account_is_full(rig.db, id, &full, NULL), ERR_OK);
		assert_false(full);
		(void)snprintf(address, sizeof(address), "a%d@example.org", i);
		assert_int_equal(
		    account_give_email(&rig.txn, id, slice_str(address), false, NULL), ERR_OK);
	}
	assert_int_equal(account_is_full(rig.db, id, &full, NULL), ERR_OK);
	assert_true(full);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void a_password_ends_the_sessions_before_it(void **state)
{
	struct db_rig rig;
	struct account a;
	int64_t first = 0, second = 0;

	(void)state;
	db_rig_init(&rig);
	int64_t id = new_account(&rig, "a@example.org");
	assert_int_equal(account_by_id(rig.db, &rig.arena, id, &a, NULL), ERR_OK);
	/* Within one millisecond, and with a clock that was set back. */
	assert_int_equal(
	    account_set_password(&rig.txn, &a, SLICE("$2b$1"), &plain, true, &first, NULL), ERR_OK);
	assert_true(first > a.password_reset_ms);
	assert_int_equal(account_by_id(rig.db, &rig.arena, id, &a, NULL), ERR_OK);
	rig.txn.now_ms -= 1000;
	assert_int_equal(
	    account_set_password(&rig.txn, &a, SLICE("$2b$2"), &plain, true, &second, NULL),
	    ERR_OK);
	assert_true(second > first);
	assert_int_equal(account_by_id(rig.db, &rig.arena, id, &a, NULL), ERR_OK);
	assert_int_equal(a.password_reset_ms, second);
	assert_int_equal(
	    account_set_password(&rig.txn, &a, SLICE("$2b$3"), &plain, false, &first, NULL),
	    ERR_OK);
	assert_int_equal(first, second);
	assert_int_equal(account_lock(&rig.txn, &a, true, NULL), ERR_OK);
	assert_int_equal(account_by_id(rig.db, &rig.arena, id, &a, NULL), ERR_OK);
	assert_true(a.is_locked && a.password_reset_ms > second);
	assert_int_equal(account_lock(&rig.txn, &a, false, NULL), ERR_OK);
	assert_int_equal(account_by_id(rig.db, &rig.arena, id, &a, NULL), ERR_OK);
	assert_false(a.is_locked);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

/* ---- audit ---- */

static void audit_finds_what_is_broken(void **state)
{
	static const char *const breaks[] = {
		"DELETE FROM email",
		"UPDATE email SET account_id = 999",
		"UPDATE email SET address_key = 'A@example.org'",
		"UPDATE email SET verified = 2",
		"UPDATE account SET kdf = 'rot13'",
		"UPDATE account SET kdf = 'onepw-2', kdf_salt = '12'",
		"UPDATE account SET deleted_ms = 1",
		"UPDATE staged SET token_hash = 'short'",
		"UPDATE staged SET new_account = 0, account_id = 999",
		"UPDATE staged SET expires_ms = created_ms",
		"UPDATE staged SET kind = 'other'",
		"UPDATE staged SET kind = 'add'",
		"UPDATE staged SET mails = 0",
		/* of an address that the account does not have */
		"UPDATE staged SET kind = 'reset', new_account = 0, account_id = 1, password_hash = NULL",
		"UPDATE account SET password_hash = NULL",
		"UPDATE account SET locked = 2",
		"INSERT INTO login_failure VALUES (999, '192.0.2.1', 1, 1)",
		"INSERT INTO login_failure VALUES (1, '192.0.2.1', 0, 1)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		struct db_rig rig;
		struct err_note note = { 0 };
		char hash[TOKEN_HASH_HEX + 1];

		db_rig_init(&rig);
		(void)new_account(&rig, "a@example.org");
		struct staged s = stage_of("t", "b@example.org", hash);
		assert_int_equal(staged_put(&rig.txn, &s, NULL), ERR_OK);
		assert_sane(&rig);
		db_rig_run(&rig, breaks[i]);
		if (accounts_service.audit(rig.db, &note) != ERR_CORRUPT) {
			fail_msg("not found: %s", breaks[i]);
		}
		assert_true(note.text[0] != '\0');
		db_rig_fini(&rig);
	}
}

static void mark_idp(struct db_rig *rig, const char *domain, int64_t seen_ms)
{
	struct buf request = buf_new(accounts_idp_mark.max_req);

	idp_put_mark(&request, slice_str(domain), seen_ms);
	assert_int_equal(db_rig_call(rig, &accounts_idp_mark, buf_slice(&request)), ERR_OK);
	buf_free(&request);
}

static void a_provider_is_seen_and_forgotten(void **state)
{
	struct db_rig rig;
	int64_t ms = 0;

	(void)state;
	db_rig_init(&rig);
	assert_int_equal(idp_last_seen(rig.db, SLICE("a.example"), &ms, NULL), ERR_NOT_FOUND);
	mark_idp(&rig, "a.example", 5000);
	mark_idp(&rig, "b.example", 6000);
	mark_idp(&rig, "a.example", 4000);
	assert_int_equal(idp_last_seen(rig.db, SLICE("a.example"), &ms, NULL), ERR_OK);
	assert_int_equal(ms, 4000);
	assert_sane(&rig);
	mark_idp(&rig, "a.example", 0);
	mark_idp(&rig, "c.example", 0);
	assert_int_equal(idp_last_seen(rig.db, SLICE("a.example"), &ms, NULL), ERR_NOT_FOUND);
	assert_int_equal(idp_last_seen(rig.db, SLICE("b.example"), &ms, NULL), ERR_OK);
	db_rig_run(&rig, "UPDATE idp SET domain = 'B.example'");
	assert_int_equal(accounts_service.audit(rig.db, &rig.note), ERR_CORRUPT);
	db_rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_are_common_and_indexed),
		cmocka_unit_test(an_address_is_found_in_any_case),
		cmocka_unit_test(an_account_lists_its_addresses),
		cmocka_unit_test(a_moved_address_takes_the_bare_account_with_it),
		cmocka_unit_test(a_number_is_never_used_again),
		cmocka_unit_test(a_token_is_stored_hashed),
		cmocka_unit_test(staging_again_replaces_the_token),
		cmocka_unit_test(a_token_works_once_and_in_time),
		cmocka_unit_test(expired_rows_are_cleaned_up),
		cmocka_unit_test(failures_are_counted_and_cleared),
		cmocka_unit_test(a_new_hash_replaces_only_the_one_it_was_made_from),
		cmocka_unit_test(a_locked_account_opens_by_time),
		cmocka_unit_test(failures_belong_to_the_client_that_made_them),
		cmocka_unit_test(old_failures_are_cleaned_up),
		cmocka_unit_test(a_client_is_an_address_or_a_network),
		cmocka_unit_test(the_last_address_takes_the_account_with_it),
		cmocka_unit_test(an_account_has_a_hundred_addresses_at_most),
		cmocka_unit_test(a_password_ends_the_sessions_before_it),
		cmocka_unit_test(audit_finds_what_is_broken),
		cmocka_unit_test(a_provider_is_seen_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
