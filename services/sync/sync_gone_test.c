/*
 * What becomes of the stores and names of accounts that are deleted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "accounts/account.h"
#include "accounts/db_rig.h"
#include "accounts/firefox.h"
#include "accounts/token_user.h"
#include "core/store/pg_rig.h"
#include "services/sync/bso_record.h"
#include "services/sync/db.h"
#include "services/sync/sync_gone.h"
#include "services/sync/purge.h"
#include "services/sync/sync.h"
#include "services/sync/write.h"

enum {
	HOUR_MS = 3600 * 1000,
	MOST = 20, /* rows of a step */
	RECORDS = 70
};

#define FXA_UID "0123456789abcdef0123456789abcdef"
#define OTHER	"fedcba9876543210fedcba9876543210"

static struct db_rig rig;

static int start(void **state)
{
	const struct service *s = &sync_service;

	(void)state;
	db_rig_init(&rig);
	rig.txn.now_ms = 1000000007;
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

static int64_t account(const char *address, const char *fxa_uid)
{
	const struct kdf kdf = { .kind = KDF_PLAIN };
	struct firefox_account fx;
	int64_t id = 0;

	assert_int_equal(account_create(&rig.txn, SLICE("$2b$hash"), &kdf, &id, &rig.note), ERR_OK);
	assert_int_equal(
	    account_give_email(&rig.txn, id, slice_str(address), false, &rig.note), ERR_OK);
	assert_int_equal(
	    firefox_account_need(&rig.txn, id, slice_str(fxa_uid), &fx, &rig.note), ERR_OK);
	return id;
}

/* The number of the store that tokens of that user are for. */
static int64_t store_of(const char *fxa_uid, const char *keys)
{
	static int64_t generation;
	const struct token_claims claims = { .fxa_uid = slice_str(fxa_uid),
		.generation = ++generation,
		.client_state = slice_str(keys) };
	enum token_verdict verdict = TOKEN_VERDICTS;
	struct token_user u;

	assert_int_equal(
	    token_user_settle(&rig.txn, &claims, SLICE_EMPTY, true, &verdict, &u, &rig.note),
	    ERR_OK);
	assert_false(token_verdict_is_refusal(verdict));
	return u.uid;
}

static void put(int64_t uid, const char *collection, int n, enum sync_write_kind kind)
{
	struct buf records = buf_new(1024 * 1024), message = buf_new(1024 * 1024);
	char id[24];

	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%d", i);
		sync_record_put(&records,
		    &(struct sync_record){
			.id = slice_str(id), .has_payload = true, .payload = SLICE("0123456789") });
	}
	sync_write_req_put(&message, &(struct sync_write_req){ .kind = kind,
					 .uid = uid,
					 .collection = slice_str(collection),
					 .item = SLICE_EMPTY,
					 .batch_lifetime_ms = HOUR_MS,
					 .max_total_records = 100000,
					 .max_total_bytes = 100000000,
					 .records = buf_slice(&records) });
	if (db_rig_call(&rig, &sync_write, buf_slice(&message)) != ERR_OK) {
		fail_msg("%s", rig.note.text);
	}
	buf_free(&message);
	buf_free(&records);
	arena_reset(&rig.arena);
}

static void name(const char *username, int64_t account_id, int64_t uid)
{
	struct sql_query *q;

	assert_int_equal(sync_begin(rig.db, SYNC_WEAVE_USER_PUT, &q, &rig.note), ERR_OK);
	sql_bind_text(q, "username", slice_str(username));
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_i64(q, "uid", uid);
	sql_bind_text(q, "address", SLICE("somebody@example.org"));
	sql_bind_i64(q, "now_ms", rig.txn.now_ms);
	assert_int_equal(sql_finish(q), ERR_OK);
}

static int64_t count(const char *table, const char *where)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s WHERE %s", table, where);
	return db_rig_number(&rig, sql);
}

static int64_t rows_of(const char *table, int64_t uid)
{
	char where[64];

	snprintf(where, sizeof(where), "uid = %lld", (long long)uid);
	return count(table, where);
}

/* Until nothing is left to do; no step is larger than it may be. */
static void purge(void)
{
	struct sync_purged done = { .has_more = true };

	for (int steps = 0; done.has_more; steps++) {
		assert_true(steps < 100);
		assert_int_equal(
		    sync_purge_step(rig.db, &rig.arena, rig.txn.now_ms, 0, MOST, &done, &rig.note),
		    ERR_OK);
		assert_true(done.rows <= MOST);
		arena_reset(&rig.arena);
	}
}

static void delete_account(int64_t id)
{
	assert_int_equal(account_delete(&rig.txn, id, &rig.note), ERR_OK);
	arena_reset(&rig.arena);
}

/* ---- tests ---- */

static void the_stores_of_a_deleted_account_are_removed(void **state)
{
	int64_t id = account("somebody@example.org", FXA_UID);
	int64_t other = account("other@example.org", OTHER);
	int64_t first = store_of(FXA_UID, "aa"), second = store_of(FXA_UID, "bb");
	int64_t stays = store_of(OTHER, "cc");

	(void)state;
	assert_true(first != second);
	put(first, "bookmarks", RECORDS, SYNC_WRITE_PUT);
	put(second, "bookmarks", RECORDS, SYNC_WRITE_PUT);
	put(second, "tabs", 3, SYNC_WRITE_PUT);
	put(second, "tabs", 2, SYNC_WRITE_APPEND);
	put(stays, "bookmarks", RECORDS, SYNC_WRITE_PUT);
	purge();
	assert_int_equal(count("sync_bso", "1 = 1"), 3 * RECORDS + 3);

	delete_account(id);
	purge();
	assert_int_equal(count("sync_bso", "1 = 1"), RECORDS);
	assert_int_equal(count("sync_batch", "1 = 1"), 0);
	assert_int_equal(rows_of("sync_bso", stays), RECORDS);
	assert_int_equal(count("account_gone", "1 = 1"), 0);

	/* A browser that still has a token. */
	rig.txn.now_ms += HOUR_MS;
	put(second, "tabs", 1, SYNC_WRITE_PUT);
	purge();
	assert_int_equal(rows_of("sync_bso", second), 1);
	rig.txn.now_ms += SYNC_GONE_AGAIN_MS;
	purge();
	assert_int_equal(rows_of("sync_bso", second), 0);
	assert_int_equal(rows_of("sync_meta", first) + rows_of("sync_meta", second), 0);
	assert_int_equal(count("store_gone", "1 = 1"), 0);
	assert_int_equal(count("sync_garbage", "1 = 1"), 0);

	assert_int_equal(rows_of("sync_bso", stays), RECORDS);
	delete_account(other);
	purge();
	assert_int_equal(count("sync_bso", "1 = 1"), 0);
}

static void the_name_of_the_old_protocol_goes_along(void **state)
{
	int64_t id = account("somebody@example.org", FXA_UID);
	int64_t other = account("other@example.org", OTHER);
	int64_t uid = store_of("weave:1", ""), stays = store_of("weave:2", "");

	(void)state;
	name("somebody", id, uid);
	name("other", other, stays);
	put(uid, "bookmarks", RECORDS, SYNC_WRITE_PUT);
	put(stays, "bookmarks", 1, SYNC_WRITE_PUT);
	delete_account(id);
	purge();
	assert_int_equal(count("sync_weave_user", "username = 'somebody'"), 0);
	assert_int_equal(count("sync_weave_user", "username = 'other'"), 1);
	assert_int_equal(rows_of("sync_bso", uid), 0);
	assert_int_equal(rows_of("sync_bso", stays), 1);
	rig.txn.now_ms += SYNC_GONE_AGAIN_MS;
	purge();
	assert_int_equal(rows_of("sync_meta", uid), 0);
	assert_int_equal(rows_of("sync_meta", stays), 1);
}

static void an_account_without_a_store_leaves_nothing_to_do(void **state)
{
	int64_t id = account("somebody@example.org", FXA_UID);

	(void)state;
	delete_account(id);
	purge();
	assert_int_equal(count("account_gone", "1 = 1"), 0);
	assert_int_equal(count("store_gone", "1 = 1"), 0);
	assert_int_equal(count("sync_meta", "1 = 1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    the_stores_of_a_deleted_account_are_removed, start, stop),
		cmocka_unit_test_setup_teardown(
		    the_name_of_the_old_protocol_goes_along, start, stop),
		cmocka_unit_test_setup_teardown(
		    an_account_without_a_store_leaves_nothing_to_do, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
