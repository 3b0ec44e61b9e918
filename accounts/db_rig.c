/*
 * A database for unit tests.
 */
#include "accounts/db_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "accounts/accounts.h"
#include "core/store/pg_rig.h"

enum {
	ARENA_MAX = 8 * 1024 * 1024,
	REPLY_MAX = 2 * 1024 * 1024
};

static void init(struct db_rig *rig, bool sqlite)
{
	const struct service *s = &accounts_service;

	memset(rig, 0, sizeof(*rig));
	(void)snprintf(rig->dir, sizeof(rig->dir), "/tmp/accounts-test-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	(void)snprintf(rig->path, sizeof(rig->path), "%s/plimsoll.db", rig->dir);
	if (pg_rig_is_wanted() && !sqlite) {
		pg_rig_reset(pg_rig_shared());
		rig->db = pg_rig_session(pg_rig_shared(), SQL_READ_WRITE);
	} else {
		assert_int_equal(sql_open(rig->path, SQL_READ_WRITE, &rig->db, &rig->note), ERR_OK);
	}
	assert_int_equal(
	    sql_migrate(rig->db, s->name, s->migrations, s->n_migrations, &rig->note), ERR_OK);
	rig->arena = arena_new(ARENA_MAX);
	rig->reply = buf_new(REPLY_MAX);
	rig->txn = (struct txn){ .db = rig->db, .arena = &rig->arena, .now_ms = 1000000 };
}

void db_rig_init(struct db_rig *rig)
{
	init(rig, false);
}

void db_rig_init_sqlite(struct db_rig *rig)
{
	init(rig, true);
}

void db_rig_fini(struct db_rig *rig)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[128];

	sql_close(&rig->db);
	arena_reset(&rig->arena);
	buf_free(&rig->reply);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", rig->path, suffixes[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(rig->dir), 0);
}

enum err db_rig_call(struct db_rig *rig, const struct rpc_def *def, struct slice request)
{
	const struct rpc_call_info info = { .from = ROLE_WEB };

	buf_clear(&rig->reply);
	rig->note = (struct err_note){ 0 };
	rig->txn.n_after = 0;
	assert_true(request.len <= def->max_req);
	enum err e = def->handle(&rig->txn, &info, request, &rig->reply, &rig->note);
	assert_true(rig->reply.len <= def->max_rep);
	return e;
}

void db_rig_run(struct db_rig *rig, const char *sql)
{
	assert_int_equal(sql_run(rig->db, sql, &rig->note), ERR_OK);
}

int64_t db_rig_number(struct db_rig *rig, const char *sql)
{
	/* A statement is known by its address: one at a time, so that none is reused. */
	struct sql_stmt *stmt = arena_alloc(&rig->arena, sizeof(*stmt));
	struct sql_query *q = NULL;

	assert_non_null(stmt);
	*stmt = (struct sql_stmt){ .name = "test.number", .text = sql };
	assert_int_equal(sql_begin(rig->db, stmt, &q, &rig->note), ERR_OK);
	assert_int_equal(sql_step(q), ERR_OK);
	int64_t n = sql_col_i64(q, 0);
	sql_end(q);
	return n;
}
