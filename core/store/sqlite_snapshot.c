/*
 * One read transaction around many reads. Outside of one, SQLite locks the WAL index and unlocks it
 * for every statement, two calls into the kernel that cost as much as finding a row does.
 *
 * BEGIN is deferred: it takes nothing before the first read does, so a snapshot that was wanted and
 * not used costs nothing but the look at a flag.
 *
 * Readers map the file (decisions/0050). SQLite gives the whole map back when it sees that somebody
 * has written, so where most snapshots find a change, mapping again and the page faults cost more
 * than calls that read the few pages needed. There the file is read until changes get rare.
 */
#include "core/base/check.h"
#include "core/store/sqlite.h"

enum {
	NEWS_ALL = 1024,
	NEWS_STEP = 64, /* snapshots that an average goes over */
	UNMAP_ABOVE = NEWS_ALL / 2,
	MAP_BELOW = NEWS_ALL / 8
};

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

static void map_or_not(struct sqlite_db *db)
{
	unsigned version = 0;

	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_DATA_VERSION, &version);
	db->news -= db->news / NEWS_STEP;
	db->news += version == db->version ? 0 : NEWS_ALL / NEWS_STEP;
	db->version = version;
	/* The pager goes on asking for mapped pages; of a map of nothing it gets none. */
	bool is_unmapped = db->news > (db->is_unmapped ? MAP_BELOW : UNMAP_ABOVE);
	if (is_unmapped != db->is_unmapped) {
		sqlite3_int64 size = is_unmapped ? 0 : SQL_MAP_BYTES;
		sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_MMAP_SIZE, &size);
		db->is_unmapped = is_unmapped;
	}
}

void sqlite_snapshot(struct sql_db *base, bool on)
{
	struct sqlite_db *db = sqlite_db_of(base);

	CHECK(on == (db->snapshot == SNAPSHOT_OFF));
	/* SQLite may have ended the transaction by itself, after an I/O error. */
	if (db->snapshot == SNAPSHOT_OPEN && sqlite3_get_autocommit(db->handle) == 0) {
		CHECK(run(db, &db->snapshot_end, "ROLLBACK"));
		map_or_not(db);
	}
	db->snapshot = on ? SNAPSHOT_WANTED : SNAPSHOT_OFF;
}

void sqlite_snapshot_free(struct sqlite_db *db)
{
	sqlite3_finalize(db->snapshot_begin);
	sqlite3_finalize(db->snapshot_end);
}
