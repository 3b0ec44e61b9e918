/*
 * The tables of sync and what the store does with them, straight on a database: stamps, sweeping,
 * expiry, batches, and that the audit sees what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "accounts/db_rig.h"
#include "core/store/pg_rig.h"
#include "services/sync/db.h"
#include "services/sync/meta.h"
#include "services/sync/purge.h"
#include "services/sync/bso_record.h"
#include "services/sync/stamp.h"
#include "services/sync/sync.h"
#include "services/sync/write.h"

enum {
	UID = 42,
	HOUR_MS = 3600 * 1000,
	NOW_MS = 1000000007
};

static struct db_rig rig;

static int start(void **state)
{
	const struct service *s = &sync_service;

	(void)state;
	db_rig_init(&rig);
	rig.txn.now_ms = NOW_MS;
	assert_int_equal(
	    sql_migrate(rig.db, s->name, s->migrations, s->n_migrations, &rig.note), ERR_OK);
	return 0;
}

static int stop(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	if (sync_service.audit(rig.db, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	db_rig_fini(&rig);
	return 0;
}

/* ---- helpers ---- */

static struct sync_written write_req(struct sync_write_req *r)
{
	struct buf message = buf_new(1024 * 1024);
	struct sync_written w;

	r->uid = UID;
	r->item = r->item.ptr == NULL ? SLICE_EMPTY : r->item;
	r->batch_lifetime_ms = HOUR_MS;
	r->max_total_records = 100000;
	r->max_total_bytes = 100000000;
	sync_write_req_put(&message, r);
	if (db_rig_call(&rig, &sync_write, buf_slice(&message)) != ERR_OK) {
		fail_msg("%s", rig.note.text);
	}
	assert_true(sync_written_take(buf_slice(&rig.reply), &w));
	buf_free(&message);
	arena_reset(&rig.arena);
	return w;
}

/* Records from .. to - 1 with that ttl (-1: none). */
static struct sync_written put(enum sync_write_kind kind, const char *collection, int from, int to,
    int64_t ttl_s, int64_t batch)
{
	struct buf records = buf_new(1024 * 1024);
	char id[24];

	for (int i = from; i < to; i++) {
		snprintf(id, sizeof(id), "%d", i);
		sync_record_put(&records, &(struct sync_record){ .id = slice_str(id),
					      .has_payload = true,
					      .payload = SLICE("0123456789"),
					      .has_ttl = ttl_s >= 0,
					      .ttl_s = ttl_s });
	}
	struct sync_written w = write_req(&(struct sync_write_req){ .kind = kind,
	    .collection = slice_str(collection),
	    .batch = batch,
	    .records = buf_slice(&records) });
	buf_free(&records);
	return w;
}

static struct sync_written delete_collection(const char *collection)
{
	return write_req(&(struct sync_write_req){ .kind = SYNC_WRITE_DELETE_COLLECTION,
	    .collection = slice_str(collection),
	    .records = SLICE_EMPTY });
}

static struct sync_purged purge(int64_t most)
{
	struct sync_purged done;

	assert_int_equal(sync_purge_step(rig.db, &rig.arena, rig.txn.now_ms, 24 * HOUR_MS, most,
			     &done, &rig.note),
	    ERR_OK);
	arena_reset(&rig.arena);
	return done;
}

static int64_t rows(const char *table)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s", table);
	return db_rig_number(&rig, sql);
}

static void count(const char *collection, int64_t want, int64_t want_bytes)
{
	struct sync_meta *m = sync_meta_new(&rig.arena, UID);

	assert_int_equal(sync_meta_load(rig.db, m, false, &rig.note), ERR_OK);
	const struct sync_collection *c = sync_meta_find(m, slice_str(collection));
	assert_non_null(c);
	assert_int_equal(c->count, want);
	assert_int_equal(c->bytes, want_bytes);
	arena_reset(&rig.arena);
}

static void assert_broken(void)
{
	struct err_note note = { 0 };

	assert_int_equal(sync_service.audit(rig.db, &note), ERR_CORRUPT);
}

/* ---- tests ---- */

static void statements_are_common_sql_without_scans(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	if (sql_migrations_check(sync_migrations, SYNC_MIGRATIONS, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	if (!pg_rig_is_wanted() && sql_table_check(rig.db, &sync_service.stmts, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
}

static void times_are_read_and_written_in_hundredths(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "0", 0 }, { "12", 12000 }, { "12.3", 12300 }, { "12.34", 12340 },
		{ "12.349999", 12340 }, { "12.05", 12050 }, { "1795247130.3", 1795247130300 },
		{ "99999999999999999999", INT64_C(1000000000000000) } };
	static const char *const bad[] = { "", ".", "1.", ".5", "-1", "+1", " 1", "1 ", "1e3",
		"1,5", "1.2.3", "x", "0x1", "NaN" };
	char text[SYNC_TIME_SIZE];
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(sync_time_parse(slice_str(good[i].text), &ms), ERR_OK);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(sync_time_parse(slice_str(bad[i]), &ms), ERR_SYNTAX);
	}
	assert_true(slice_eq(sync_time_text(1234567890100, text), SLICE("1234567890.10")));
	assert_true(slice_eq(sync_time_text(0, text), SLICE("0.00")));
	assert_true(slice_eq(sync_time_text(50, text), SLICE("0.05")));
}

static void stamps_rise_whatever_the_clock_does(void **state)
{
	(void)state;
	int64_t first = put(SYNC_WRITE_PUT, "a", 0, 1, -1, 0).stamp_ms;
	assert_int_equal(first, NOW_MS - NOW_MS % 10);
	assert_int_equal(put(SYNC_WRITE_PUT, "a", 0, 1, -1, 0).stamp_ms, first + 10);
	rig.txn.now_ms = 10;
	assert_int_equal(put(SYNC_WRITE_PUT, "b", 0, 1, -1, 0).stamp_ms, first + 20);
	assert_int_equal(delete_collection("b").stamp_ms, first + 30);
	struct sync_written all = write_req(&(struct sync_write_req){
	    .kind = SYNC_WRITE_DELETE_ALL, .collection = SLICE_EMPTY, .records = SLICE_EMPTY });
	assert_int_equal(all.stamp_ms, first + 40);
	assert_int_equal(put(SYNC_WRITE_PUT, "a", 0, 1, -1, 0).stamp_ms, first + 50);
	rig.txn.now_ms = NOW_MS + HOUR_MS;
	assert_int_equal(
	    put(SYNC_WRITE_PUT, "a", 0, 1, -1, 0).stamp_ms, sync_grid_ms(NOW_MS + HOUR_MS));
}

static void a_deleted_collection_is_swept_a_little_at_a_time(void **state)
{
	(void)state;
	put(SYNC_WRITE_PUT, "a", 0, 450, -1, 0);
	put(SYNC_WRITE_PUT, "b", 0, 20, -1, 0);
	delete_collection("a");
	put(SYNC_WRITE_PUT, "a", 0, 30, -1, 0);
	assert_int_equal(rows("sync_bso"), 500);
	for (int left = 400; left >= 100; left -= 100) {
		assert_int_equal(purge(100).rows, 100);
		assert_int_equal(rows("sync_bso"), left);
	}
	while (purge(100).has_more) {
	}
	assert_int_equal(rows("sync_bso"), 50);
	assert_int_equal(rows("sync_garbage"), 0);
	count("a", 30, 300);
	count("b", 20, 200);
}

static void expired_records_go_after_a_day_and_totals_follow(void **state)
{
	(void)state;
	put(SYNC_WRITE_PUT, "a", 0, 10, 60, 0);
	put(SYNC_WRITE_PUT, "a", 10, 15, 7200, 0);
	put(SYNC_WRITE_PUT, "a", 20, 22, -1, 0);
	rig.txn.now_ms += HOUR_MS;
	assert_false(purge(4).has_more);
	count("a", 17, 170);
	rig.txn.now_ms = NOW_MS + 61000 + 24 * HOUR_MS;
	assert_int_equal(purge(4).rows, 4);
	count("a", 13, 130);
	while (purge(4).has_more) {
	}
	/* Of what has expired since, some went with them; the rest has a day of its own. */
	count("a", 5, 50);
	rig.txn.now_ms += 2 * HOUR_MS;
	while (purge(4).has_more) {
	}
	count("a", 2, 20);
	assert_int_equal(db_rig_number(&rig, "SELECT expiry_ms FROM sync_meta"), 0);
}

static void what_is_left_of_batches_is_removed(void **state)
{
	(void)state;
	int64_t left = put(SYNC_WRITE_APPEND, "a", 0, 5, -1, 0).batch;
	int64_t large = put(SYNC_WRITE_APPEND, "a", 0, 5, -1, 0).batch;
	for (int i = 1; i < 12; i++) {
		assert_int_equal(
		    put(SYNC_WRITE_APPEND, "a", 5 * i, 5 * i + 5, -1, large).outcome, SYNC_DONE);
	}
	assert_int_equal(put(SYNC_WRITE_COMMIT, "a", 60, 61, -1, large).outcome, SYNC_DONE);
	count("a", 61, 610);
	assert_int_equal(put(SYNC_WRITE_COMMIT, "a", 60, 61, -1, large).outcome, SYNC_NO_BATCH);
	assert_int_equal(rows("sync_chunk"), 13);
	assert_true(purge(100).has_more);
	assert_true(rows("sync_chunk") < 13); /* some only */
	while (purge(100).has_more) {
	}
	assert_int_equal(rows("sync_chunk"), 1); /* of the open one */
	rig.txn.now_ms += HOUR_MS + 1;
	assert_int_equal(put(SYNC_WRITE_COMMIT, "a", 0, 1, -1, left).outcome, SYNC_NO_BATCH);
	while (purge(100).has_more) {
	}
	assert_int_equal(rows("sync_chunk"), 0);
	assert_int_equal(rows("sync_batch"), 0);
}

static void a_packed_list_that_is_damaged_is_refused(void **state)
{
	struct sync_meta *m = sync_meta_new(&rig.arena, UID),
			 *again = sync_meta_new(&rig.arena, UID);
	struct buf packed = buf_new(4096);

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sync_collection *c = sync_meta_add(m, SLICE("abc"));
		c->name[0] = (char)('a' + i);
		c->count = INT32_MAX;
		c->bytes = INT64_MAX;
		c->modified_ms = 10;
	}
	sync_meta_pack(&packed, m);
	assert_true(sync_meta_unpack(buf_slice(&packed), again));
	assert_int_equal(again->n, 3);
	assert_int_equal(again->list[2].bytes, INT64_MAX);
	for (size_t len = 0; len < packed.len; len++) {
		struct slice part = slice_sub(buf_slice(&packed), 0, len);
		bool is_whole = sync_meta_unpack(part, again);
		assert_true(!is_whole || (len - 1) % ((packed.len - 1) / 3) == 0);
	}
	packed.data[0] = 9;
	assert_false(sync_meta_unpack(buf_slice(&packed), again));
	buf_free(&packed);
	arena_reset(&rig.arena);
}

static void a_copy_for_staging_keeps_sizes_and_nothing_else(void **state)
{
	(void)state;
	put(SYNC_WRITE_PUT, "a", 0, 3, -1, 0);
	put(SYNC_WRITE_APPEND, "a", 0, 3, -1, 0);
	assert_int_equal(sync_service.anonymise(rig.db, NULL, &rig.note), ERR_OK);
	assert_int_equal(rows("sync_chunk"), 0);
	assert_int_equal(
	    db_rig_number(&rig, "SELECT COUNT(*) FROM sync_bso WHERE LENGTH(payload) = 10"), 3);
	assert_int_equal(
	    db_rig_number(&rig,
		pg_rig_is_wanted()
		    ? "SELECT COUNT(*) FROM sync_bso WHERE payload <> '----------'"
		    : "SELECT COUNT(*) FROM sync_bso WHERE payload <> X'2d2d2d2d2d2d2d2d2d2d'"),
	    0);
}

static void the_audit_finds_what_is_wrong(void **state)
{
	static const char *const breaks[] = {
		"DELETE FROM sync_bso WHERE id = '1'",
		"UPDATE sync_bso SET payload = 'x' WHERE id = '1'",
		"UPDATE sync_bso SET uid = 7 WHERE id = '1'",
		"UPDATE sync_bso SET collection = 9 WHERE id = '1'",
		"UPDATE sync_bso SET modified_ms = modified_ms + 10 WHERE id = '1'",
		"UPDATE sync_bso SET modified_ms = modified_ms - 1 WHERE id = '1'",
		"UPDATE sync_bso SET expires_ms = 5 WHERE id = '1'",
		"UPDATE sync_bso SET sortindex = 1000000000 WHERE id = '1'",
		"INSERT INTO sync_garbage VALUES (42, 1)",
		"UPDATE sync_meta SET last_ms = 10",
		"UPDATE sync_meta SET next_number = 1",
		"UPDATE sync_meta SET storage_ms = 10",
		"UPDATE sync_meta SET collections = 'x'",
		"DELETE FROM sync_chunk",
		"DELETE FROM sync_batch",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		put(SYNC_WRITE_PUT, "a", 0, 3, -1, 0);
		put(SYNC_WRITE_APPEND, "a", 0, 3, -1, 0);
		assert_int_equal(sync_service.audit(rig.db, &rig.note), ERR_OK);
		db_rig_run(&rig, breaks[i]);
		assert_broken();
		static const char *const tables[] = { "sync_bso", "sync_meta", "sync_garbage",
			"sync_batch", "sync_chunk" };
		for (size_t k = 0; k < sizeof(tables) / sizeof(tables[0]); k++) {
			char sql[64];
			snprintf(sql, sizeof(sql), "DELETE FROM %s", tables[k]);
			db_rig_run(&rig, sql);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(statements_are_common_sql_without_scans),
		TEST(times_are_read_and_written_in_hundredths),
		TEST(stamps_rise_whatever_the_clock_does),
		TEST(a_deleted_collection_is_swept_a_little_at_a_time),
		TEST(expired_records_go_after_a_day_and_totals_follow),
		TEST(what_is_left_of_batches_is_removed),
		TEST(a_packed_list_that_is_damaged_is_refused),
		TEST(a_copy_for_staging_keeps_sizes_and_nothing_else),
		TEST(the_audit_finds_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
