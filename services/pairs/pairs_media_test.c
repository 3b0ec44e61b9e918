/*
 * What the store does for pictures, straight on a database: room, leases, outcomes, avatars, and
 * the removal of what nobody finds any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "services/pairs/pairs.h"
#include "services/pairs/pairs_chores.h"
#include "services/pairs/pairs_media.h"
#include "services/pairs/pairs_rig.h"

enum {
	SOON = 109, /* who has not answered the mail yet */
	PICTURE = 9001,
	QUOTA = 1000,
	LEASE_MS = 60000,
};

static int start(void **state)
{
	(void)pairs_rig_start(state);
	pairs_rig_couple();
	return 0;
}

static struct pairs_changed add(const char *client_id, int64_t id, int64_t bytes)
{
	return pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_ADD_MEDIA,
	    .user = ADA,
	    .couple = COUPLE,
	    .idem = slice_str(client_id),
	    .new_id = id,
	    .name = SLICE("jpeg"),
	    .bytes = bytes,
	    .quota = QUOTA });
}

static struct pairs_changed add_avatar(int64_t user, int64_t id)
{
	char idem[32];

	snprintf(idem, sizeof(idem), "a%lld", (long long)id);
	return pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_ADD_AVATAR,
	    .user = user,
	    .idem = slice_str(idem),
	    .new_id = id,
	    .name = SLICE("png"),
	    .bytes = 10,
	    .lifetime_ms = 3600000 });
}

static struct pairs_picture_job lease(int64_t number)
{
	struct buf message = buf_new(64);
	struct pairs_picture_job job;

	pairs_lease_put(&message, number, LEASE_MS);
	assert_int_equal(db_rig_call(&rig, &pairs_picture_lease, buf_slice(&message)), ERR_OK);
	assert_true(pairs_lease_take(buf_slice(&rig.reply), &job));
	buf_free(&message);
	return job;
}

static struct pairs_changed done(const struct pairs_picture_job *j, const char *sizes)
{
	return pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_MEDIA_DONE,
	    .owner = j->owner,
	    .id = j->id,
	    .lease = j->lease,
	    .given = 1,
	    .width = 400,
	    .height = 300,
	    .text = slice_str(sizes) });
}

static enum pairs_outcome later(const struct pairs_picture_job *j, bool has_crashed)
{
	return pairs_rig_change(
	    &(struct pairs_change_req){ .kind = PAIRS_MEDIA_LATER,
		.owner = j->owner,
		.id = j->id,
		.lease = j->lease,
		.given = has_crashed ? PAIRS_CHORE_CRASHED | PAIRS_CHORE_TRIED : 0,
		.until_ms = rig.txn.now_ms + 1000 })
	    .outcome;
}

static struct pairs_clean_list clean(const struct pairs_clean_list *confirmed)
{
	const struct pairs_clean_list none = { .n = 0 };
	struct buf message = buf_new(512);
	struct pairs_clean_list list;

	pairs_clean_put(&message, confirmed == NULL ? &none : confirmed);
	assert_int_equal(db_rig_call(&rig, &pairs_clean, buf_slice(&message)), ERR_OK);
	assert_true(pairs_clean_take(buf_slice(&rig.reply), &list));
	buf_free(&message);
	return list;
}

static int64_t count(const char *table)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s", table);
	return db_rig_number(&rig, sql);
}

/* ---- uploads ---- */

static void one_client_id_is_one_picture(void **state)
{
	(void)state;
	struct pairs_changed c = add("c1", PICTURE, 10);
	assert_int_equal(c.outcome, PAIRS_DONE);
	assert_int_equal(c.id, PICTURE);
	assert_int_equal(c.seq, 0);
	assert_true(slice_starts(
	    c.body, SLICE("{\"id\":\"9001\",\"use\":\"photo\",\"state\":\"pending\"")));
	c = add("c1", PICTURE + 1, 20);
	assert_int_equal(c.outcome, PAIRS_REPEATED);
	assert_int_equal(c.id, PICTURE);
	assert_int_equal(count("pairs_media"), 1);
}

static void a_couple_has_room_for_so_many_bytes(void **state)
{
	(void)state;
	assert_int_equal(add("a", 1, 600).outcome, PAIRS_DONE);
	assert_int_equal(add("b", 2, 401).outcome, PAIRS_FULL);
	assert_int_equal(add("b", 2, 400).outcome, PAIRS_DONE);
	assert_int_equal(add("c", 3, 1).outcome, PAIRS_FULL);
	assert_int_equal(
	    pairs_rig_change(
		&(struct pairs_change_req){
		    .kind = PAIRS_DELETE_MEDIA, .user = BOB, .couple = COUPLE, .id = 1 })
		.outcome,
	    PAIRS_NOT_OWN);
	struct pairs_changed c = pairs_rig_change(&(struct pairs_change_req){
	    .kind = PAIRS_DELETE_MEDIA, .user = ADA, .couple = COUPLE, .id = 1 });
	assert_int_equal(c.outcome, PAIRS_DONE);
	assert_true(slice_ends(c.body, SLICE("\"deleted\":true}")));
	assert_int_equal(add("c", 3, 600).outcome, PAIRS_DONE);
	/* Its own name is free again. */
	assert_int_equal(add("a", 4, 0).outcome, PAIRS_DONE);
}

/* ---- leases ---- */

static void a_picture_is_leased_to_one_at_a_time(void **state)
{
	(void)state;
	assert_false(lease(1).is_there);
	add("a", PICTURE, 10);
	struct pairs_picture_job first = lease(11);
	assert_true(first.is_there);
	assert_int_equal(first.owner, COUPLE);
	assert_int_equal(first.id, PICTURE);
	assert_int_equal(first.tries, 0);
	assert_false(lease(12).is_there);
	rig.txn.now_ms += LEASE_MS;
	struct pairs_picture_job second = lease(12);
	assert_true(second.is_there);
	assert_int_equal(second.tries, 1);
	/* The first one comes back too late. */
	assert_int_equal(done(&first, "x").outcome, PAIRS_NOTHING);
	assert_int_equal(later(&first, true), PAIRS_NOTHING);
	struct pairs_changed c = done(&second, "1x1,1,jpeg;1x1,1,jpeg;1x1,1,jpeg;1x1,1,jpeg;");
	assert_int_equal(c.outcome, PAIRS_DONE);
	assert_int_equal(c.seq, 1);
	assert_true(slice_eq(c.event, SLICE("media")));
	assert_int_equal(done(&second, "x").outcome, PAIRS_NOTHING);
	rig.txn.now_ms += LEASE_MS;
	assert_false(lease(13).is_there);
}

static void what_was_put_off_counts_only_if_it_was_the_pictures_fault(void **state)
{
	(void)state;
	add("a", PICTURE, 10);
	for (int i = 0; i < 5; i++) {
		struct pairs_picture_job j = lease(20 + i);
		assert_true(j.is_there);
		assert_int_equal(j.tries, i < 3 ? 0 : i - 3);
		assert_int_equal(j.crashes, i < 3 ? 0 : i - 3);
		assert_int_equal(later(&j, i >= 3), PAIRS_DONE);
		assert_false(lease(30).is_there);
		rig.txn.now_ms += 1000;
	}
	struct pairs_picture_job j = lease(40);
	assert_int_equal(j.crashes, 2);
	struct pairs_changed c =
	    pairs_rig_change(&(struct pairs_change_req){ .kind = PAIRS_MEDIA_DONE,
		.owner = j.owner,
		.id = j.id,
		.lease = j.lease,
		.text = SLICE("gave_up") });
	assert_int_equal(c.outcome, PAIRS_DONE);
	buf_append_char(&rig.reply, '\0');
	assert_non_null(strstr(c.body.ptr, "\"state\":\"failed\",\"reason\":\"gave_up\""));
}

/* ---- avatars ---- */

#define AVATAR_SIZES "1x1,1,jpeg;1x1,1,jpeg;1x1,1,jpeg;"

static void an_avatar_takes_the_place_of_the_one_before(void **state)
{
	(void)state;
	for (int64_t id = 31; id <= 32; id++) {
		assert_int_equal(add_avatar(ADA, id).outcome, PAIRS_DONE);
		struct pairs_picture_job j = lease(id);
		assert_int_equal(j.use, PICTURE_AVATAR);
		struct pairs_changed c = done(&j, AVATAR_SIZES);
		assert_true(slice_eq(c.event, SLICE("user")));
	}
	assert_int_equal(
	    db_rig_number(&rig, "SELECT COUNT(*) FROM pairs_user WHERE avatar = '32'"), 1);
	assert_int_equal(
	    db_rig_number(&rig, "SELECT COUNT(*) FROM pairs_media WHERE id = 31 AND state = 3"), 1);
	for (int64_t id = 41; id < 41 + PAIRS_AVATARS_MAX - 1; id++) {
		assert_int_equal(add_avatar(ADA, id).outcome, PAIRS_DONE);
	}
	assert_int_equal(add_avatar(ADA, 49).outcome, PAIRS_FULL);
}

static void an_avatar_of_nobody_goes_by_itself(void **state)
{
	(void)state;
	assert_int_equal(add_avatar(SOON, 51).outcome, PAIRS_DONE);
	struct pairs_picture_job j = lease(1);
	assert_int_equal(done(&j, AVATAR_SIZES).outcome, PAIRS_DONE);
	assert_int_equal(clean(NULL).n, 0);
	rig.txn.now_ms += 3600000;
	struct pairs_clean_list list = clean(NULL);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.pictures[0].owner, SOON);
	assert_int_equal(list.pictures[0].use, PICTURE_AVATAR);
	assert_int_equal(clean(&list).n, 0);
	assert_int_equal(count("pairs_media"), 0);
}

/* ---- removing ---- */

static void files_go_before_rows_and_after_leases(void **state)
{
	(void)state;
	add("a", PICTURE, 10);
	assert_true(lease(1).is_there);
	pairs_rig_change(&(struct pairs_change_req){
	    .kind = PAIRS_DELETE_MEDIA, .user = ADA, .couple = COUPLE, .id = PICTURE });
	assert_int_equal(clean(NULL).n, 0); /* somebody may be writing its sizes still */
	rig.txn.now_ms += LEASE_MS;
	struct pairs_clean_list list = clean(NULL);
	assert_int_equal(list.n, 1);
	assert_int_equal(count("pairs_media"), 1);
	assert_int_equal(clean(NULL).n, 1); /* nobody has said that they are gone */
	assert_int_equal(clean(&list).n, 0);
	assert_int_equal(count("pairs_media"), 0);
}

static void fill_couple(int n)
{
	char sql[512];

	for (int i = 1; i <= n; i++) {
		snprintf(sql, sizeof(sql),
		    "INSERT INTO pairs_stream (couple_id, seq, id, event, user_id, at_ms, body)"
		    " VALUES (7001, %d, %d, 'activity', 101, 1, '{}')",
		    i, 1000 + i);
		db_rig_run(&rig, sql);
		snprintf(sql, sizeof(sql),
		    "INSERT INTO pairs_done (user_id, client_id, kind, couple_id, seq, expires_ms)"
		    " VALUES (101, 'c%d', 1, 7001, %d, 9)",
		    i, i);
		db_rig_run(&rig, sql);
		snprintf(sql, sizeof(sql),
		    "INSERT INTO pairs_item (couple_id, list_id, id, place, label, complete,"
		    " important, user_id, updated_ms) VALUES (7001, 1, %d, %d, 'x', 0, 0, 101, 1)",
		    i, i - 1);
		db_rig_run(&rig, sql);
	}
	snprintf(sql, sizeof(sql), "UPDATE pairs_couple SET head = %d WHERE id = 7001", n);
	db_rig_run(&rig, sql);
	db_rig_run(&rig,
	    "INSERT INTO pairs_list (couple_id, id, name, version, user_id, updated_ms)"
	    " VALUES (7001, 1, 'x', 1, 101, 1)");
	db_rig_run(&rig, "INSERT INTO pairs_event (couple_id, id, title, place, rrule, reminders,"
			 " start_ms, end_ms, version, user_id, updated_ms)"
			 " VALUES (7001, 1, 'x', '', '', '[]', 1, 2, 1, 101, 1)");
}

static void a_couple_that_has_ended_goes_bit_by_bit(void **state)
{
	static const char *const tables[] = { "pairs_stream", "pairs_done", "pairs_item",
		"pairs_list", "pairs_event", "pairs_media", "pairs_couple" };
	struct pairs_clean_list list = { .more = true };
	int calls = 0;

	(void)state;
	fill_couple(PAIRS_CLEAN_ROWS + 50);
	for (int64_t id = 1; id <= PAIRS_CLEAN_MAX + 3; id++) {
		char idem[16];
		snprintf(idem, sizeof(idem), "%d", (int)id);
		assert_int_equal(add(idem, id, 1).outcome, PAIRS_DONE);
	}
	assert_int_equal(pairs_rig_change(&(struct pairs_change_req){
					      .kind = PAIRS_LEAVE, .user = ADA, .couple = COUPLE })
			     .outcome,
	    PAIRS_DONE);
	assert_false(clean(NULL).more); /* not at once: requests may be under way */
	rig.txn.now_ms += 1000;
	for (; (list.more || list.n > 0) && calls < 50; calls++) {
		struct err_note note = { 0 };
		list = clean(&list);
		if (pairs_service.audit(rig.db, &note) != ERR_OK) {
			fail_msg("after call %d: %s", calls, note.text);
		}
	}
	assert_in_range(calls, 6, 20);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		assert_int_equal(count(tables[i]), 0);
	}
	assert_int_equal(count("pairs_user"), 2);
}

static void a_job_of_a_couple_that_has_ended_is_told_to_nobody(void **state)
{
	(void)state;
	add("a", PICTURE, 10);
	struct pairs_picture_job j = lease(1);
	pairs_rig_change(
	    &(struct pairs_change_req){ .kind = PAIRS_LEAVE, .user = ADA, .couple = COUPLE });
	struct pairs_changed c = done(&j, "1x1,1,jpeg;1x1,1,jpeg;1x1,1,jpeg;1x1,1,jpeg;");
	assert_int_equal(c.outcome, PAIRS_DONE);
	assert_int_equal(c.seq, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, pairs_rig_stop)
	const struct CMUnitTest tests[] = {
		TEST(one_client_id_is_one_picture),
		TEST(a_couple_has_room_for_so_many_bytes),
		TEST(a_picture_is_leased_to_one_at_a_time),
		TEST(what_was_put_off_counts_only_if_it_was_the_pictures_fault),
		TEST(an_avatar_takes_the_place_of_the_one_before),
		TEST(an_avatar_of_nobody_goes_by_itself),
		TEST(files_go_before_rows_and_after_leases),
		TEST(a_couple_that_has_ended_goes_bit_by_bit),
		TEST(a_job_of_a_couple_that_has_ended_is_told_to_nobody),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
