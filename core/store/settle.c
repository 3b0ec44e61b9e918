/*
 * What a new store finds in the write-ahead log may be in the page cache only: when a sync fails,
 * Linux counts the pages as clean, shows them to every reader and never writes them. A store that
 * goes on is safe, because SQLite writes the frames of a failed commit again. A store that is
 * started anew is not: recovery takes such frames for committed, later commits are appended behind
 * them, and after a power cut the log ends at the hole, with all that was acknowledged since. So
 * each start writes the log over itself, same bytes at the same place, and syncs it, before the
 * first commit. That is some 16 MiB at most in the ordinary case.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/store/sqlite.h"
#include "core/store/store_priv.h"

enum {
	CHUNK_BYTES = 64 * 1024, /* SQLite writes at most 128 KiB less one byte at a time */
	SETTLE_BUSY_MS = 2000	 /* a store that is just ending may hold the lock */
};

static int rewrite(sqlite3_file *file, void *chunk)
{
	sqlite3_int64 size = 0;
	int rc = file->pMethods->xFileSize(file, &size);

	for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += CHUNK_BYTES) {
		int len = size - at < CHUNK_BYTES ? (int)(size - at) : CHUNK_BYTES;
		rc = file->pMethods->xRead(file, chunk, len, at);
		if (rc == SQLITE_OK) {
			rc = file->pMethods->xWrite(file, chunk, len, at);
		}
	}
	return rc == SQLITE_OK && size > 0 ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : rc;
}

static enum err rewrite_log(struct sql_db *db, struct err_note *note)
{
	sqlite3_file *file = NULL;
	void *chunk = malloc(CHUNK_BYTES);
	enum err e = ERR_OK;

	if (chunk == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for the write-ahead log");
	}
	errno = 0;
	int rc =
	    sqlite3_file_control(sqlite_handle(db), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
	if (rc == SQLITE_OK && file != NULL && file->pMethods != NULL) {
		rc = rewrite(file, chunk);
	}
	if (rc != SQLITE_OK) {
		e = err_note_set(note, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO,
		    "the write-ahead log cannot be written: SQLite code %d", rc);
	}
	free(chunk);
	return e;
}

/* The write lock keeps everybody from the log meanwhile. */
enum err store_settle_log(struct sql_db *db, struct err_note *note)
{
	sqlite3_busy_timeout(sqlite_handle(db), SETTLE_BUSY_MS);
	enum err e = sql_script(db, "BEGIN IMMEDIATE", "begin", note);
	sqlite3_busy_timeout(sqlite_handle(db), SQL_WRITE_BUSY_MS);
	if (e != ERR_OK) {
		return e;
	}
	e = rewrite_log(db, note);
	enum err undone = sql_script(db, "ROLLBACK", "rollback", NULL);
	CHECK(undone == ERR_OK || !sql_in_txn(db));
	return e;
}
