/*
 * What Firefox needs of accounts: what is put comes back, and goes when its account goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/account.h"
#include "accounts/accounts.h"
#include "accounts/db_rig.h"
#include "accounts/firefox.h"

#define UID	 "0123456789abcdef0123456789abcdef"
#define HEX64	 UID UID
#define ID(c)	 HEX_REST c
#define HEX_REST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

struct fixture {
	struct db_rig rig;
	int64_t id;
	struct firefox_account account;
};

static int set_up(void **state)
{
	static const struct kdf plain = { .kind = KDF_PLAIN };
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct db_rig *rig = &f->rig;

	db_rig_init(rig);
	assert_int_equal(
	    account_create(&rig->txn, SLICE("$2b$04$x"), &plain, &f->id, &rig->note), ERR_OK);
	assert_int_equal(
	    account_give_email(&rig->txn, f->id, SLICE("u@example.org"), false, &rig->note),
	    ERR_OK);
	assert_int_equal(
	    firefox_account_need(&rig->txn, f->id, SLICE(UID), &f->account, &rig->note), ERR_OK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(accounts_service.audit(f->rig.db, &f->rig.note), ERR_OK);
	db_rig_fini(&f->rig);
	test_free(f);
	return 0;
}

static struct firefox_client client_of(const struct fixture *f, const char *id)
{
	return (struct firefox_client){ .id = slice_str(id),
		.account_id = f->id,
		.is_session = true,
		.secret = SLICE(HEX64),
		.client_id = SLICE("5882386c6d801776"),
		.scope = SLICE("profile"),
		.agent = SLICE("Firefox on Linux"),
		.reset_ms = 7 };
}

static void add(struct fixture *f, const struct firefox_client *c)
{
	assert_int_equal(firefox_client_add(&f->rig.txn, c, &f->rig.note), ERR_OK);
}

static void a_name_is_given_once(void **state)
{
	struct fixture *f = *state;
	struct firefox_account a;

	assert_true(slice_eq(f->account.uid, SLICE(UID)));
	assert_int_equal(f->account.keys_ms, 0);
	assert_int_equal(firefox_account_need(&f->rig.txn, f->id,
			     SLICE("ffffffffffffffffffffffffffffffff"), &a, &f->rig.note),
	    ERR_OK);
	assert_true(slice_eq(a.uid, SLICE(UID)));
	assert_int_equal(
	    firefox_account_by_uid(f->rig.db, &f->rig.arena, SLICE(UID), &a, &f->rig.note), ERR_OK);
	assert_int_equal(a.account_id, f->id);
	assert_int_equal(
	    firefox_account_by_uid(f->rig.db, &f->rig.arena, SLICE("f"), &a, &f->rig.note),
	    ERR_NOT_FOUND);
}

static void keys_are_kept(void **state)
{
	struct fixture *f = *state;
	struct firefox_account a = f->account;

	a.keys_ms = 1700000000123;
	a.key_print = SLICE(UID);
	a.wrap_kb = SLICE(HEX64);
	a.recovery = SLICE("wrapped");
	assert_int_equal(firefox_set_keys(&f->rig.txn, &a, &f->rig.note), ERR_OK);
	assert_int_equal(
	    firefox_account_find(f->rig.db, &f->rig.arena, f->id, &a, &f->rig.note), ERR_OK);
	assert_int_equal(a.keys_ms, 1700000000123);
	assert_true(slice_eq(a.key_print, SLICE(UID)));
	assert_true(slice_eq(a.wrap_kb, SLICE(HEX64)));
	assert_true(slice_eq(a.recovery, SLICE("wrapped")));
}

static void a_session_comes_back_and_ends(void **state)
{
	struct fixture *f = *state;
	struct firefox_client c = client_of(f, ID("0")), got;

	add(f, &c);
	assert_int_equal(
	    firefox_client_find(f->rig.db, &f->rig.arena, c.id, &got, &f->rig.note), ERR_OK);
	assert_int_equal(got.account_id, f->id);
	assert_true(got.is_session);
	assert_int_equal(got.reset_ms, 7);
	assert_int_equal(got.created_ms, f->rig.txn.now_ms);
	assert_true(slice_eq(got.agent, c.agent));
	assert_int_equal(got.device_id.len, 0);
	c.device_id = SLICE(UID);
	c.device_name = SLICE("Ada's Firefox");
	c.device_type = SLICE("desktop");
	c.device_info = SLICE("{}");
	f->rig.txn.now_ms += 1000;
	assert_int_equal(firefox_client_set_device(&f->rig.txn, &c, &f->rig.note), ERR_OK);
	assert_int_equal(
	    firefox_client_find(f->rig.db, &f->rig.arena, c.id, &got, &f->rig.note), ERR_OK);
	assert_true(slice_eq(got.device_name, c.device_name));
	assert_int_equal(got.last_ms, got.created_ms + 1000);
	/* Not by another account. */
	assert_int_equal(
	    firefox_client_end(&f->rig.txn, f->id + 1, c.id, &f->rig.note), ERR_NOT_FOUND);
	assert_int_equal(firefox_client_end(&f->rig.txn, f->id, c.id, &f->rig.note), ERR_OK);
	assert_int_equal(firefox_client_end(&f->rig.txn, f->id, c.id, &f->rig.note), ERR_NOT_FOUND);
	assert_int_equal(
	    firefox_client_find(f->rig.db, &f->rig.arena, c.id, &got, &f->rig.note), ERR_NOT_FOUND);
}

static void a_new_password_ends_the_others(void **state)
{
	struct fixture *f = *state;
	struct firefox_client c = client_of(f, ID("1")), got[FIREFOX_CLIENTS_MAX];
	unsigned n = 0;

	add(f, &c);
	c.id = SLICE(ID("2"));
	c.reset_ms = 8;
	add(f, &c);
	assert_int_equal(
	    firefox_clients_of(f->rig.db, &f->rig.arena, f->id, got, &n, &f->rig.note), ERR_OK);
	assert_int_equal(n, 1);
	assert_true(slice_eq(got[0].id, SLICE(ID("2"))));
}

static void there_are_never_too_many(void **state)
{
	struct fixture *f = *state;
	struct firefox_client got[FIREFOX_CLIENTS_MAX];
	char id[FIREFOX_ID_HEX + 1];
	unsigned n = 0;

	for (int i = 0; i < FIREFOX_CLIENTS_MAX + 5; i++) {
		(void)snprintf(id, sizeof(id), "%064d", i);
		struct firefox_client c = client_of(f, id);
		f->rig.txn.now_ms++;
		add(f, &c);
	}
	assert_int_equal(
	    firefox_clients_of(f->rig.db, &f->rig.arena, f->id, got, &n, &f->rig.note), ERR_OK);
	assert_int_equal(n, FIREFOX_CLIENTS_MAX);
	(void)snprintf(id, sizeof(id), "%064d", 5);
	assert_true(slice_eq(got[0].id, slice_str(id)));
}

static void a_code_is_used_once(void **state)
{
	struct fixture *f = *state;
	const struct firefox_code code = { .hash = SLICE(HEX64),
		.account_id = f->id,
		.session_id = SLICE(ID("0")),
		.client_id = SLICE("5882386c6d801776"),
		.scope = SLICE("profile"),
		.challenge = SLICE("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
		.keys_jwe = SLICE("a.b.c.d.e"),
		.is_offline = true,
		.expires_ms = f->rig.txn.now_ms + 1000 };
	struct firefox_code got;

	assert_int_equal(firefox_code_put(&f->rig.txn, &code, &f->rig.note), ERR_OK);
	assert_int_equal(
	    firefox_code_find(f->rig.db, &f->rig.arena, code.hash, &got, &f->rig.note), ERR_OK);
	assert_int_equal(firefox_code_take(&f->rig.txn, code.hash, &got, &f->rig.note), ERR_OK);
	assert_int_equal(got.account_id, f->id);
	assert_true(got.is_offline);
	assert_true(slice_eq(got.challenge, code.challenge));
	assert_true(slice_eq(got.keys_jwe, code.keys_jwe));
	assert_int_equal(
	    firefox_code_take(&f->rig.txn, code.hash, &got, &f->rig.note), ERR_NOT_FOUND);
}

static void codes_that_expired_go(void **state)
{
	struct fixture *f = *state;
	char hash[FIREFOX_ID_HEX + 1];

	for (int i = 0; i < 10; i++) {
		(void)snprintf(hash, sizeof(hash), "%064d", i);
		const struct firefox_code code = { .hash = slice_str(hash),
			.account_id = f->id,
			.session_id = SLICE_EMPTY,
			.client_id = SLICE_EMPTY,
			.scope = SLICE_EMPTY,
			.challenge = SLICE_EMPTY,
			.keys_jwe = SLICE_EMPTY,
			.expires_ms = f->rig.txn.now_ms + 5 };
		assert_int_equal(firefox_code_put(&f->rig.txn, &code, &f->rig.note), ERR_OK);
		f->rig.txn.now_ms += 10;
	}
	assert_int_equal(db_rig_number(&f->rig, "SELECT COUNT(*) FROM firefox_code"), 1);
}

static void a_revoked_token_is_known(void **state)
{
	struct fixture *f = *state;
	bool is_revoked = true;

	assert_int_equal(
	    firefox_is_revoked(f->rig.db, SLICE(HEX64), &is_revoked, &f->rig.note), ERR_OK);
	assert_false(is_revoked);
	assert_int_equal(
	    firefox_revoke(&f->rig.txn, SLICE(HEX64), f->rig.txn.now_ms + 5, &f->rig.note), ERR_OK);
	assert_int_equal(
	    firefox_is_revoked(f->rig.db, SLICE(HEX64), &is_revoked, &f->rig.note), ERR_OK);
	assert_true(is_revoked);
}

static void commands_come_in_order(void **state)
{
	struct fixture *f = *state;
	struct firefox_command c = { .device_id = SLICE(UID),
		.sender = SLICE("other"),
		.command = SLICE("https://identity.mozilla.com/cmd/open-uri"),
		.payload = SLICE("{\"encrypted\":\"x\"}"),
		.expires_ms = f->rig.txn.now_ms + 1000 };
	struct firefox_command got[4];
	unsigned n = 0;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(firefox_command_put(&f->rig.txn, f->id, &c, &f->rig.note), ERR_OK);
	}
	assert_int_equal(firefox_commands_after(f->rig.db, &f->rig.arena, f->id, SLICE(UID), 0, 2,
			     got, &n, &f->rig.note),
	    ERR_OK);
	assert_int_equal(n, 2);
	assert_true(got[0].number < got[1].number);
	assert_true(slice_eq(got[0].payload, c.payload));
	assert_int_equal(firefox_commands_after(f->rig.db, &f->rig.arena, f->id, SLICE(UID),
			     got[1].number, 4, got, &n, &f->rig.note),
	    ERR_OK);
	assert_int_equal(n, 1);
	/* Another device has none; what expired goes with the next. */
	assert_int_equal(firefox_commands_after(f->rig.db, &f->rig.arena, f->id, SLICE("f"), 0, 4,
			     got, &n, &f->rig.note),
	    ERR_OK);
	assert_int_equal(n, 0);
	f->rig.txn.now_ms += 2000;
	c.expires_ms += 5000;
	assert_int_equal(firefox_command_put(&f->rig.txn, f->id, &c, &f->rig.note), ERR_OK);
	assert_int_equal(db_rig_number(&f->rig, "SELECT COUNT(*) FROM firefox_command"), 1);
}

static void a_deleted_account_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct firefox_client c = client_of(f, ID("0"));

	add(f, &c);
	db_rig_run(&f->rig, "INSERT INTO token_user (fxa_uid, node, generation, keys_changed_ms,"
			    " client_state, created_ms, replaced_ms)"
			    " VALUES ('" UID "', '', 1, 1, '', 1, 0)");
	assert_int_equal(account_delete(&f->rig.txn, f->id, &f->rig.note), ERR_OK);
	assert_int_equal(db_rig_number(&f->rig, "SELECT COUNT(*) FROM firefox_client"), 0);
	assert_int_equal(db_rig_number(&f->rig, "SELECT COUNT(*) FROM firefox_account"), 0);
	assert_int_equal(
	    db_rig_number(&f->rig, "SELECT COUNT(*) FROM token_user WHERE replaced_ms = 0"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_name_is_given_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_session_comes_back_and_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_password_ends_the_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(there_are_never_too_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_code_is_used_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(codes_that_expired_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_revoked_token_is_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(commands_come_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_deleted_account_leaves_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
