/*
 * Users of the storage: who gets which store, who is refused, on either engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/accounts.h"
#include "accounts/db_rig.h"
#include "accounts/token_user.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int set_up(void **state)
{
	struct db_rig *rig = test_calloc(1, sizeof(*rig));

	db_rig_init(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct db_rig *rig = *state;

	assert_int_equal(accounts_service.audit(rig->db, &rig->note), ERR_OK);
	db_rig_fini(rig);
	test_free(rig);
	return 0;
}

static enum token_verdict settle_on(struct db_rig *rig, const char *nodes, const char *user,
    int64_t g, int64_t k, const char *s, struct token_user *u)
{
	const struct token_claims claims = { .fxa_uid = slice_str(user),
		.generation = g,
		.keys_changed_ms = k,
		.client_state = slice_str(s) };
	enum token_verdict verdict = TOKEN_VERDICTS;

	assert_int_equal(
	    token_user_settle(&rig->txn, &claims, slice_str(nodes), true, &verdict, u, &rig->note),
	    ERR_OK);
	return verdict;
}

static enum token_verdict settle(
    struct db_rig *rig, int64_t g, int64_t k, const char *s, int64_t *ret_uid)
{
	struct token_user u = { .uid = 0 };
	enum token_verdict verdict = settle_on(rig, "", "someone", g, k, s, &u);

	*ret_uid = u.uid;
	return verdict;
}

static void a_user_keeps_the_store(void **state)
{
	struct db_rig *rig = *state;
	int64_t first = 0, again = 0;

	assert_int_equal(settle(rig, 10, 10, A, &first), TOKEN_NEW);
	assert_true(first > 0);
	assert_int_equal(settle(rig, 10, 10, A, &again), TOKEN_USE);
	assert_int_equal(again, first);
	/* A later password; then nothing older is taken. */
	assert_int_equal(settle(rig, 20, 10, A, &again), TOKEN_RAISE);
	assert_int_equal(again, first);
	assert_int_equal(settle(rig, 10, 10, A, &again), TOKEN_BAD_GENERATION);
	/* Who does not say is believed. */
	assert_int_equal(settle(rig, 0, 10, A, &again), TOKEN_USE);
	assert_int_equal(again, first);
}

static void other_keys_get_another_store(void **state)
{
	struct db_rig *rig = *state;
	int64_t first = 0, second = 0;

	rig->txn.now_ms++;
	assert_int_equal(settle(rig, 10, 10, A, &first), TOKEN_NEW);
	rig->txn.now_ms++;
	assert_int_equal(settle(rig, 20, 20, B, &second), TOKEN_ANEW);
	assert_int_not_equal(first, second);
	assert_int_equal(settle(rig, 20, 20, B, &first), TOKEN_USE);
	assert_int_equal(first, second);
	/* The old keys have gone. */
	assert_int_equal(settle(rig, 30, 30, A, &first), TOKEN_BAD_CLIENT_STATE);
	assert_int_equal(db_rig_number(rig, "SELECT COUNT(*) FROM token_user"), 2);
	assert_int_equal(
	    db_rig_number(rig, "SELECT COUNT(*) FROM token_user WHERE replaced_ms = 0"), 1);
}

static void the_rules_in_their_order(void **state)
{
	static const struct {
		int64_t g, k;
		const char *s;
		enum token_verdict verdict;
	} cases[] = {
		{ 20, 30, A, TOKEN_BAD_KEYS_CHANGED }, /* keys newer than the account's change */
		{ 30, 30, "", TOKEN_BAD_CLIENT_STATE },
		{ 10, 30, B, TOKEN_BAD_KEYS_CHANGED },
		{ 20, 20, B, TOKEN_BAD_CLIENT_STATE }, /* other keys, but not later */
		{ 30, 20, B, TOKEN_BAD_CLIENT_STATE },
		{ 10, 20, A, TOKEN_BAD_GENERATION },
		{ 20, 10, A, TOKEN_BAD_KEYS_CHANGED },
		{ 20, 0, A, TOKEN_BAD_KEYS_CHANGED },
		{ 0, 30, A, TOKEN_RAISE },
		{ 0, 0, B, TOKEN_BAD_KEYS_CHANGED },
	};
	struct db_rig *rig = *state;
	int64_t uid = 0;

	assert_int_equal(settle(rig, 20, 20, A, &uid), TOKEN_NEW);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum token_verdict got = settle(rig, cases[i].g, cases[i].k, cases[i].s, &uid);
		if (got != cases[i].verdict) {
			fail_msg("case %zu: %d", i, (int)got);
		}
	}
}

static void the_keys_of_a_user_without_any_are_taken(void **state)
{
	struct db_rig *rig = *state;
	int64_t first = 0, second = 0;

	assert_int_equal(settle(rig, 0, 0, "", &first), TOKEN_NEW);
	assert_int_equal(settle(rig, 10, 10, A, &second), TOKEN_ANEW);
	assert_int_not_equal(first, second);
	assert_int_equal(settle(rig, 10, 10, "", &second), TOKEN_BAD_CLIENT_STATE);
}

static void who_is_retired_does_not_come_in(void **state)
{
	struct db_rig *rig = *state;
	int64_t uid = 0;

	assert_int_equal(settle(rig, 10, 10, A, &uid), TOKEN_NEW);
	assert_int_equal(token_user_retire(&rig->txn, SLICE("someone"), &rig->note), ERR_OK);
	assert_int_equal(settle(rig, 99, 10, A, &uid), TOKEN_BAD_GENERATION);
	assert_int_equal(settle(rig, 99, 99, B, &uid), TOKEN_BAD_CLIENT_STATE);
}

static void an_older_generation_is_refused_once_it_is_outdated(void **state)
{
	struct db_rig *rig = *state;
	const struct slice fxa_uid = SLICE("someone");
	int64_t first = 0, uid = 0;

	assert_int_equal(settle(rig, 10, 10, A, &first), TOKEN_NEW);
	assert_int_equal(token_user_outdate(&rig->txn, fxa_uid, 20, &rig->note), ERR_OK);
	assert_int_equal(token_user_outdate(&rig->txn, fxa_uid, 15, &rig->note), ERR_OK);
	assert_int_equal(settle(rig, 19, 10, A, &uid), TOKEN_BAD_GENERATION);
	assert_int_equal(settle(rig, 20, 10, A, &uid), TOKEN_USE);
	assert_int_equal(uid, first);
	/* Who is gone stays so. */
	assert_int_equal(token_user_retire(&rig->txn, fxa_uid, &rig->note), ERR_OK);
	assert_int_equal(token_user_outdate(&rig->txn, fxa_uid, 30, &rig->note), ERR_OK);
	assert_int_equal(settle(rig, 40, 10, A, &uid), TOKEN_BAD_GENERATION);
}

static void a_row_replaced_by_hand_gets_a_new_store(void **state)
{
	struct db_rig *rig = *state;
	int64_t first = 0, second = 0;

	assert_int_equal(settle(rig, 10, 10, A, &first), TOKEN_NEW);
	db_rig_run(rig, "UPDATE token_user SET replaced_ms = 5");
	rig->txn.now_ms++;
	assert_int_equal(settle(rig, 10, 10, A, &second), TOKEN_AGAIN);
	assert_int_not_equal(first, second);
	assert_int_equal(settle(rig, 10, 10, A, &first), TOKEN_USE);
	assert_int_equal(first, second);
}

static void new_users_may_be_refused(void **state)
{
	struct db_rig *rig = *state;
	const struct token_claims claims = { .fxa_uid = SLICE("new"), .client_state = SLICE_EMPTY };
	enum token_verdict verdict = TOKEN_VERDICTS;
	struct token_user u;

	assert_int_equal(
	    token_user_settle(&rig->txn, &claims, SLICE_EMPTY, false, &verdict, &u, &rig->note),
	    ERR_OK);
	assert_int_equal(verdict, TOKEN_NO_NEW_USERS);
	assert_int_equal(db_rig_number(rig, "SELECT COUNT(*) FROM token_user"), 0);
}

/* By their size: the larger node gets more, the full one nobody, and then it is over. */
static void nodes_fill_by_their_size(void **state)
{
	static const char nodes[] = "https://a.example=3, https://b.example=2";
	struct db_rig *rig = *state;
	struct token_user u;
	char name[] = "user-0";
	unsigned on_a = 0;

	for (unsigned i = 0; i < 5; i++) {
		name[5] = (char)('0' + i);
		assert_int_equal(settle_on(rig, nodes, name, 1, 1, A, &u), TOKEN_NEW);
		on_a += slice_eq(u.node, SLICE("https://a.example")) ? 1 : 0;
	}
	assert_int_equal(on_a, 3);
	assert_int_equal(settle_on(rig, nodes, "user-9", 1, 1, A, &u), TOKEN_NO_NODE);
	assert_int_equal(settle_on(rig, nodes, "user-1", 1, 1, A, &u), TOKEN_USE);
	/* Other keys stay where the user is. */
	struct slice node = u.node;
	assert_int_equal(settle_on(rig, nodes, "user-1", 2, 2, B, &u), TOKEN_ANEW);
	assert_true(slice_eq(u.node, node));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_user_keeps_the_store, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_keys_get_another_store, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_rules_in_their_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    the_keys_of_a_user_without_any_are_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_retired_does_not_come_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    an_older_generation_is_refused_once_it_is_outdated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_row_replaced_by_hand_gets_a_new_store, set_up, tear_down),
		cmocka_unit_test_setup_teardown(new_users_may_be_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nodes_fill_by_their_size, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
