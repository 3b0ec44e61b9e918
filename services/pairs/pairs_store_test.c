/*
 * What the store does for pairs, straight on a database: signing up, pairing, the stream's numbers,
 * lists and their places, and that the audit sees what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/store/pg_rig.h"
#include "services/pairs/pairs.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_rig.h"
#include "services/pairs/pairs_user.h"

enum {
	HOUR_MS = 3600 * 1000,
	EVE = 103,
	LIST = 8001
};

static struct slice hash_of(char digit)
{
	static char text[64];

	memset(text, digit, sizeof(text));
	return SLICE_OF(text, sizeof(text));
}

static struct pairs_changed sign_up(const char *address, int64_t user, char hash, const char *idem)
{
	return pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_SIGN_UP,
	    .user = user,
	    .hash = hash_of(hash),
	    .idem = slice_str(idem),
	    .name = SLICE("Somebody"),
	    .address = slice_str(address),
	    .password_hash = SLICE("$2b$04$"),
	    .lifetime_ms = HOUR_MS,
	    .interval_ms = 60000,
	    .hold_ms = HOUR_MS,
	    .text = SLICE("you have an account"),
	    .mail_kind = SLICE("pairs-signup"),
	    .mail_subject = SLICE("Confirm"),
	    .mail_link = SLICE("http://x/#verify=t"),
	    .mail_text = SLICE("follow the link") });
}

static enum pairs_outcome verify(char hash, char session)
{
	char text[64];

	memset(text, session, sizeof(text));
	return pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_VERIFY,
				    .hash = hash_of(hash),
				    .session_hash = SLICE_OF(text, sizeof(text)),
				    .session_ms = HOUR_MS })
	    .outcome;
}

static void member(const char *address, int64_t user, char digit)
{
	assert_int_equal(sign_up(address, user, digit, "").outcome, PAIRS_DONE);
	assert_int_equal(verify(digit, digit), PAIRS_DONE);
}

static enum pairs_outcome invite(int64_t user, const char *address, char hash)
{
	rig.txn.now_ms += 61000;
	return pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_INVITE,
				    .user = user,
				    .hash = hash_of(hash),
				    .address = slice_str(address),
				    .lifetime_ms = HOUR_MS,
				    .interval_ms = 60000,
				    .hold_ms = HOUR_MS,
				    .mail_kind = SLICE("pairs-invite"),
				    .mail_subject = SLICE("Come"),
				    .mail_link = SLICE("http://x/#invite=t"),
				    .mail_text = SLICE("follow the link") })
	    .outcome;
}

static enum pairs_outcome take_up(int64_t user, char hash, int64_t couple)
{
	return pairs_rig_change(
	    &(struct pairs_change_req){
		.kind = PAIRS_ACCEPT, .user = user, .hash = hash_of(hash), .new_id = couple })
	    .outcome;
}

static void pair(void)
{
	member("ada@example.org", ADA, 'a');
	member("bob@example.org", BOB, 'b');
	assert_int_equal(invite(ADA, "Bob@example.org", 'c'), PAIRS_DONE);
	assert_int_equal(take_up(BOB, 'c', COUPLE), PAIRS_DONE);
}

static struct pairs_changed say(int64_t user, const char *client_id, int64_t id)
{
	return pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_ADD_ACTIVITY,
	    .user = user,
	    .couple = COUPLE,
	    .client_id = slice_str(client_id),
	    .new_id = id,
	    .body = SLICE("{\"type\":\"message\",\"text\":\"hello\"}") });
}

static struct pairs_changed of_list(
    enum pairs_kind kind, int64_t item, int64_t place, int64_t given, int64_t version)
{
	return pairs_rig_change(&(struct pairs_change_req){ .kind = kind,
	    .user = ADA,
	    .couple = COUPLE,
	    .id = LIST,
	    .item = item,
	    .new_id = kind == PAIRS_ADD_LIST ? LIST : item,
	    .name = SLICE("Shopping"),
	    .text = SLICE("Milk"),
	    .place = place,
	    .given = given,
	    .version = version });
}

/* The items in their order, as digits. */
static void assert_order(const char *want)
{
	char sql[128];

	for (int i = 0; want[i] != '\0'; i++) {
		snprintf(sql, sizeof(sql), "SELECT id FROM pairs_item WHERE place = %d", i);
		assert_int_equal(db_rig_number(&rig, sql), want[i] - '0');
	}
	assert_int_equal(
	    db_rig_number(&rig, "SELECT COUNT(*) FROM pairs_item"), (int64_t)strlen(want));
}

static void assert_broken(const char *sql, const char *undo)
{
	struct err_note note = { 0 };

	db_rig_run(&rig, sql);
	assert_int_equal(pairs_service.audit(rig.db, &note), ERR_CORRUPT);
	db_rig_run(&rig, undo);
}

/* ---- the tests ---- */

static void the_tables_are_as_they_must_be(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	if (sql_migrations_check(pairs_service.migrations, pairs_service.n_migrations, &note) !=
	    ERR_OK) {
		fail_msg("%s", note.text);
	}
	if (!pg_rig_is_wanted() && sql_table_check(rig.db, &pairs_service.stmts, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
}

static void a_sign_up_is_known_by_its_key_and_answered_once(void **state)
{
	(void)state;
	assert_int_equal(sign_up("ada@example.org", ADA, 'a', "k").user, ADA);
	assert_int_equal(sign_up("Ada@example.org", EVE, 'e', "k").user, ADA); /* no second mail */
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM outbox"), 1);
	assert_int_equal(sign_up("ada@example.org", EVE, 'e', "l").outcome, PAIRS_TOO_SOON);
	assert_int_equal(verify('x', 'x'), PAIRS_BAD_TOKEN);
	assert_int_equal(verify('a', 'a'), PAIRS_DONE);
	assert_int_equal(verify('a', 'b'), PAIRS_USED);
	rig.txn.now_ms += 61000;
	/* To who asks it looks the same; the owner is told. */
	assert_int_equal(sign_up("ada@example.org", EVE, 'f', "m").outcome, PAIRS_DONE);
	assert_int_equal(
	    db_rig_number(&rig, "SELECT COUNT(*) FROM outbox WHERE kind = 'pairs-known'"), 1);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM pairs_user"), 1);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM account"), 1);
}

static void an_expired_sign_up_is_over(void **state)
{
	(void)state;
	assert_int_equal(sign_up("ada@example.org", ADA, 'a', "").outcome, PAIRS_DONE);
	rig.txn.now_ms += HOUR_MS;
	assert_int_equal(verify('a', 'a'), PAIRS_USED);
	assert_int_equal(sign_up("ada@example.org", ADA, 'b', "").outcome, PAIRS_DONE);
	assert_int_equal(verify('b', 'b'), PAIRS_DONE);
}

static void a_mail_sent_again_leaves_the_first_link_good(void **state)
{
	(void)state;
	assert_int_equal(sign_up("ada@example.org", ADA, 'a', "").outcome, PAIRS_DONE);
	rig.txn.now_ms += 61000;
	struct pairs_change_req r = { .kind = PAIRS_RESEND,
		.hash = hash_of('b'),
		.address = SLICE("ada@example.org"),
		.lifetime_ms = HOUR_MS,
		.interval_ms = 60000,
		.mail_kind = SLICE("pairs-signup"),
		.mail_subject = SLICE("Confirm"),
		.mail_text = SLICE("once more") };
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_DONE);
	r.address = SLICE("nobody@example.org");
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_NOTHING);
	assert_int_equal(verify('a', 'a'), PAIRS_DONE);
	assert_int_equal(verify('b', 'b'), PAIRS_USED);
}

static void an_invitation_is_for_one_address_and_one_use(void **state)
{
	(void)state;
	member("ada@example.org", ADA, 'a');
	member("bob@example.org", BOB, 'b');
	member("eve@example.org", EVE, 'e');
	assert_int_equal(invite(ADA, "bob@example.org", 'c'), PAIRS_DONE);
	assert_int_equal(take_up(EVE, 'c', COUPLE), PAIRS_NOT_FOUND);
	assert_int_equal(take_up(ADA, 'c', COUPLE), PAIRS_NOT_FOUND);
	assert_int_equal(take_up(BOB, 'x', COUPLE), PAIRS_NOT_FOUND);
	assert_int_equal(invite(EVE, "bob@example.org", 'd'), PAIRS_DONE);
	assert_int_equal(take_up(BOB, 'c', COUPLE), PAIRS_DONE);
	assert_int_equal(take_up(BOB, 'c', COUPLE + 1), PAIRS_USED);
	assert_int_equal(take_up(BOB, 'd', COUPLE + 1), PAIRS_PAIRED);
	assert_int_equal(invite(ADA, "eve@example.org", 'f'), PAIRS_PAIRED);
}

static void a_later_invitation_takes_the_place_of_the_first(void **state)
{
	(void)state;
	member("ada@example.org", ADA, 'a');
	member("bob@example.org", BOB, 'b');
	assert_int_equal(invite(ADA, "bob@example.org", 'c'), PAIRS_DONE);
	assert_int_equal(invite(ADA, "bob@example.org", 'd'), PAIRS_DONE);
	assert_int_equal(take_up(BOB, 'c', COUPLE), PAIRS_USED);
	assert_int_equal(take_up(BOB, 'd', COUPLE), PAIRS_DONE);
}

static void who_parts_is_alone_and_may_pair_again(void **state)
{
	(void)state;
	pair();
	struct pairs_change_req leave = { .kind = PAIRS_LEAVE, .user = BOB, .couple = COUPLE };
	struct pairs_changed c = pairs_rig_change(&leave);
	assert_int_equal(c.outcome, PAIRS_DONE);
	assert_int_equal(c.seq, 2);
	assert_int_equal(pairs_rig_change(&leave).outcome, PAIRS_NOT_FOUND);
	assert_int_equal(say(ADA, "", 1).outcome, PAIRS_NOT_FOUND);
	assert_int_equal(invite(ADA, "bob@example.org", 'd'), PAIRS_DONE);
	assert_int_equal(take_up(BOB, 'd', COUPLE + 1), PAIRS_DONE);
}

static void numbers_have_no_gaps_and_a_client_id_counts_once(void **state)
{
	(void)state;
	pair();
	assert_int_equal(say(ADA, "one", 1).seq, 2);
	assert_int_equal(say(BOB, "one", 2).seq, 3);
	struct pairs_changed again = say(ADA, "one", 3);
	assert_int_equal(again.outcome, PAIRS_REPEATED);
	assert_int_equal(again.seq, 2);
	assert_true(slice_eq(again.event, SLICE("activity")));
	assert_int_equal(say(EVE, "", 4).outcome, PAIRS_NOT_FOUND);
	struct pairs_change_req list = { .kind = PAIRS_ADD_LIST,
		.user = ADA,
		.couple = COUPLE,
		.client_id = SLICE("one"),
		.new_id = LIST,
		.name = SLICE("x") };
	assert_int_equal(pairs_rig_change(&list).outcome, PAIRS_OTHER_USE);
	rig.txn.now_ms += 25 * HOUR_MS;
	assert_int_equal(say(ADA, "one", 5).seq, 4);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM pairs_stream"), 4);
}

static void a_deleted_activity_leaves_its_number(void **state)
{
	struct pairs_change_req r = {
		.kind = PAIRS_DELETE_ACTIVITY, .user = BOB, .couple = COUPLE, .id = 1
	};

	(void)state;
	pair();
	assert_int_equal(say(ADA, "", 1).seq, 2);
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_NOT_OWN);
	r.user = ADA;
	struct pairs_changed c = pairs_rig_change(&r);
	assert_int_equal(c.outcome, PAIRS_DONE);
	assert_int_equal(c.seq, 3);
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_NOT_FOUND);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM pairs_stream WHERE body LIKE "
					     "'%hello%'"),
	    0);
}

static void marks_only_go_forward(void **state)
{
	struct pairs_change_req r = {
		.kind = PAIRS_READ, .user = BOB, .couple = COUPLE, .up_to = 1
	};

	(void)state;
	pair();
	assert_int_equal(pairs_rig_change(&r).seq, 2);
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_NOTHING);
	r.up_to = 99;
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_BAD_PLACE);
	assert_int_equal(db_rig_number(&rig, "SELECT head FROM pairs_couple"), 2);
}

static void items_keep_their_places(void **state)
{
	const int64_t text = PAIRS_GIVEN_TEXT, place = PAIRS_GIVEN_PLACE;

	(void)state;
	pair();
	assert_int_equal(of_list(PAIRS_ADD_LIST, 0, 0, 0, 0).outcome, PAIRS_DONE);
	for (int i = 1; i <= 4; i++) {
		assert_int_equal(of_list(PAIRS_ADD_ITEM, i, 0, text, 0).outcome, PAIRS_DONE);
	}
	assert_order("1234");
	of_list(PAIRS_ADD_ITEM, 5, 1, text | place, 0);
	assert_order("15234");
	of_list(PAIRS_EDIT_ITEM, 1, 4, place, 0);
	assert_order("52341");
	of_list(PAIRS_EDIT_ITEM, 4, 0, place, 0);
	assert_order("45231");
	of_list(PAIRS_DELETE_ITEM, 2, 0, 0, 0);
	assert_order("4531");
	assert_int_equal(of_list(PAIRS_EDIT_ITEM, 4, 4, place, 0).outcome, PAIRS_BAD_PLACE);
	assert_int_equal(of_list(PAIRS_ADD_ITEM, 6, 5, text | place, 0).outcome, PAIRS_BAD_PLACE);
	assert_int_equal(of_list(PAIRS_EDIT_ITEM, 9, 0, place, 0).outcome, PAIRS_NOT_FOUND);
	assert_int_equal(of_list(PAIRS_EDIT_LIST, 0, 0, 0, 2).outcome, PAIRS_STALE);
	assert_int_equal(of_list(PAIRS_EDIT_LIST, 0, 0, 0, 9).outcome, PAIRS_DONE);
	assert_int_equal(of_list(PAIRS_DELETE_LIST, 0, 0, 0, 0).outcome, PAIRS_DONE);
	assert_int_equal(of_list(PAIRS_DELETE_LIST, 0, 0, 0, 0).outcome, PAIRS_NOT_FOUND);
	assert_order("");
}

static void a_list_has_an_end(void **state)
{
	(void)state;
	pair();
	of_list(PAIRS_ADD_LIST, 0, 0, 0, 0);
	db_rig_run(&rig,
	    "WITH RECURSIVE g(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM g WHERE n < 498)"
	    " INSERT INTO pairs_item SELECT 7001, 8001, n + 1, n, 'x', 0, 0, 101, 1, 0 FROM g");
	assert_int_equal(PAIRS_ITEMS_MAX, 500);
	assert_int_equal(of_list(PAIRS_ADD_ITEM, 9998, 0, PAIRS_GIVEN_TEXT, 0).outcome, PAIRS_DONE);
	assert_int_equal(of_list(PAIRS_ADD_ITEM, 9999, 0, PAIRS_GIVEN_TEXT, 0).outcome, PAIRS_FULL);
}

static void events_end_after_they_begin(void **state)
{
	struct pairs_change_req r = { .kind = PAIRS_ADD_EVENT,
		.user = ADA,
		.couple = COUPLE,
		.new_id = 5,
		.id = 5,
		.name = SLICE("Dinner"),
		.start_ms = 2000,
		.end_ms = 1000,
		.given = PAIRS_GIVEN_NAME | PAIRS_GIVEN_START | PAIRS_GIVEN_END };

	(void)state;
	pair();
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_BAD_TIMES);
	r.end_ms = 3000;
	assert_int_equal(pairs_rig_change(&r).seq, 2);
	r.kind = PAIRS_EDIT_EVENT;
	r.given = PAIRS_GIVEN_START;
	r.start_ms = 4000;
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_BAD_TIMES);
	r.start_ms = 2500;
	r.version = 2;
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_STALE);
	r.version = 1;
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_DONE);
	assert_int_equal(db_rig_number(&rig, "SELECT end_ms FROM pairs_event"), 3000);
	r.kind = PAIRS_DELETE_EVENT;
	r.version = 0;
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_DONE);
	assert_int_equal(pairs_rig_change(&r).outcome, PAIRS_NOT_FOUND);
}

static void the_audit_sees_what_is_wrong(void **state)
{
	(void)state;
	pair();
	say(ADA, "one", 1);
	of_list(PAIRS_ADD_LIST, 0, 0, 0, 0);
	of_list(PAIRS_ADD_ITEM, 1, 0, PAIRS_GIVEN_TEXT, 0);
	assert_broken(
	    "UPDATE pairs_couple SET head = head + 1", "UPDATE pairs_couple SET head = head - 1");
	assert_broken("UPDATE pairs_stream SET seq = 99 WHERE seq = 3",
	    "UPDATE pairs_stream SET seq = 3 WHERE seq = 99");
	assert_broken("UPDATE pairs_user SET couple_id = 5 WHERE id = 101",
	    "UPDATE pairs_user SET couple_id = 7001 WHERE id = 101");
	assert_broken("UPDATE pairs_user SET couple_id = 0 WHERE id = 101",
	    "UPDATE pairs_user SET couple_id = 7001 WHERE id = 101");
	assert_broken("UPDATE pairs_item SET place = 1", "UPDATE pairs_item SET place = 0");
	assert_broken("UPDATE pairs_item SET list_id = 1", "UPDATE pairs_item SET list_id = 8001");
	assert_broken("UPDATE pairs_session SET user_id = 5 WHERE user_id = 101",
	    "UPDATE pairs_session SET user_id = 101 WHERE user_id = 5");
	assert_broken("UPDATE pairs_done SET seq = 50", "UPDATE pairs_done SET seq = 2");
}

static void a_copy_for_staging_has_no_words(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	pair();
	say(ADA, "", 1);
	assert_int_equal(pairs_service.anonymise(rig.db, NULL, &note), ERR_OK);
	assert_int_equal(
	    db_rig_number(&rig, "SELECT COUNT(*) FROM pairs_stream WHERE body <> '{}'"), 0);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM pairs_session"), 0);
}

/* ---- presence ---- */

/* What the member has become by it, or -1: nothing else. */
static int be_there(int64_t holder, int64_t for_ms, bool away)
{
	const struct pairs_changed c =
	    pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_SET_PRESENCE,
		.user = ADA,
		.holder = holder,
		.until_ms = for_ms == 0 ? 0 : rig.txn.now_ms + for_ms,
		.away = away ? 1 : 0 });

	assert_int_equal(c.outcome, PAIRS_DONE);
	assert_int_equal(c.seq, 0);
	assert_int_equal(c.user, ADA);
	assert_int_equal(c.couple, COUPLE);
	return (int)c.presence - 1;
}

static void being_there_is_what_all_leases_come_to(void **state)
{
	(void)state;
	pair();
	assert_int_equal(be_there(1, 1000, false), PAIRS_ONLINE);
	assert_int_equal(be_there(2, 5000, true), -1);
	assert_int_equal(be_there(1, 0, false), PAIRS_AWAY);
	assert_int_equal(be_there(1, 0, false), -1);
	assert_int_equal(be_there(2, 5000, false), PAIRS_ONLINE);
	assert_int_equal(be_there(2, 0, false), PAIRS_OFFLINE);
}

static void a_lease_that_has_run_out_counts_no_more(void **state)
{
	(void)state;
	pair();
	assert_int_equal(be_there(1, 1000, false), PAIRS_ONLINE);
	assert_int_equal(be_there(2, 9000, true), -1);
	rig.txn.now_ms += 1001;
	/* The other's renewal finds that nobody looks any more, or, later, that nobody was there.
	 */
	assert_int_equal(be_there(2, 9000, true), PAIRS_AWAY);
	rig.txn.now_ms += 9001;
	assert_int_equal(be_there(3, 1000, true), PAIRS_AWAY);
	assert_int_equal(be_there(3, 0, true), PAIRS_OFFLINE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pairs_rig_start, pairs_rig_stop)
	const struct CMUnitTest tests[] = {
		TEST(being_there_is_what_all_leases_come_to),
		TEST(a_lease_that_has_run_out_counts_no_more),
		TEST(the_tables_are_as_they_must_be),
		TEST(a_sign_up_is_known_by_its_key_and_answered_once),
		TEST(an_expired_sign_up_is_over),
		TEST(a_mail_sent_again_leaves_the_first_link_good),
		TEST(an_invitation_is_for_one_address_and_one_use),
		TEST(a_later_invitation_takes_the_place_of_the_first),
		TEST(who_parts_is_alone_and_may_pair_again),
		TEST(numbers_have_no_gaps_and_a_client_id_counts_once),
		TEST(a_deleted_activity_leaves_its_number),
		TEST(marks_only_go_forward),
		TEST(items_keep_their_places),
		TEST(a_list_has_an_end),
		TEST(events_end_after_they_begin),
		TEST(the_audit_sees_what_is_wrong),
		TEST(a_copy_for_staging_has_no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
