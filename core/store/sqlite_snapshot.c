/*
 * One read transaction around many reads. Outside of one, SQLite locks the WAL index and unlocks it
 * for every statement, two calls into the kernel that cost as much as finding a row does.
 *
 * BEGIN is deferred: it takes nothing before the first read does, so a snapshot that was wanted and
 * not used costs nothing but the look at a flag.
 */
#include "core/base/check.h"
#include "core/store/sqlite.h"

/* Runs a statement that has no rows, prepared at its first use. */
static bool run(struct sqlite_db *db, sqlite3_stmt **stmt, const char *text)
{
	if (*stmt == NULL && sqlite3_prepare_v3(db->handle, text, -1, SQLITE_PREPARE_PERSISTENT,
				 stmt, NULL) != SQLITE_OK) {
		return false;
	}
	int rc = sqlite3_step(*stmt);
	sqlite3_reset(*stmt);
	return rc == SQLITE_DONE;
}

void sqlite_snapshot_open(struct sqlite_db *db)
{
	if (run(db, &db->snapshot_begin, "BEGIN")) {
		db->snapshot = SNAPSHOT_OPEN;
	}
}

void sqlite_snapshot(struct sql_db *base, bool on)
{
	struct sqlite_db *db = sqlite_db_of(base);

	CHECK(on == (db->snapshot == SNAPSHOT_OFF));
	/* SQLite may have ended the transaction by itself, after an I/O error. */
	if (db->snapshot == SNAPSHOT_OPEN && sqlite3_get_autocommit(db->handle) == 0) {
		CHECK(run(db, &db->snapshot_end, "ROLLBACK"));
	}
	db->snapshot = on ? SNAPSHOT_WANTED : SNAPSHOT_OFF;
}

void sqlite_snapshot_free(struct sqlite_db *db)
{
	sqlite3_finalize(db->snapshot_begin);
	sqlite3_finalize(db->snapshot_end);
}
