/*
 * See snapshot.h. SQLite's backup interface begins anew whenever somebody else writes between two
 * steps, so under constant sign-ups it would never end. Here the source keeps a read transaction
 * open from first to last step: it sees one moment, and in WAL mode no writer waits for it. The
 * price is that the log cannot be started over meanwhile and grows by what is written.
 */
#include "core/store/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/store/backup_file.h"
#include "core/store/sqlite.h"

enum {
	STEP_PAGES = 256, /* 1 MiB */
	BUSY_MS = 5000,
	REST_MAX_MS = 100,
	PATH_SIZE = 4352
};

/* SQLite's words about a raw connection. */
static enum err sqlite_failed(sqlite3 *db, int rc, const char *path, struct err_note *note)
{
	struct sqlite_db as_ours = { .handle = db };

	return sqlite_error(&as_ours, rc, path, note);
}

static enum err open_raw(const char *path, int flags, sqlite3 **ret, struct err_note *note)
{
	int rc;

	errno = 0;
	rc = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK) {
		return sqlite_failed(*ret, rc, path, note);
	}
	sqlite3_busy_timeout(*ret, BUSY_MS);
	return ERR_OK;
}

static enum err run(sqlite3 *db, const char *path, const char *text, struct err_note *note)
{
	int rc;

	errno = 0;
	rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	return rc == SQLITE_OK ? ERR_OK : sqlite_failed(db, rc, path, note);
}

/* The only value of a query's only row is text? False also when the query fails. */
static enum err expect(sqlite3 *db, const char *path, const char *query, const char *text,
    enum err otherwise, const char *why, struct err_note *note)
{
	sqlite3_stmt *stmt = NULL;
	enum err e = ERR_OK;
	int rc;

	errno = 0;
	rc = sqlite3_prepare_v2(db, query, -1, &stmt, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(stmt);
	}
	if (rc != SQLITE_ROW) {
		e = sqlite_failed(db, rc, path, note);
	} else if (strcmp((const char *)sqlite3_column_text(stmt, 0), text) != 0) {
		errno = 0;
		e = err_note_set(note, otherwise, "%s %s: %s", path, why,
		    (const char *)sqlite3_column_text(stmt, 0));
	}
	sqlite3_finalize(stmt);
	return e;
}

static enum err is_ours(sqlite3 *db, const char *path, struct err_note *note)
{
	char id[24];

	snprintf(id, sizeof(id), "%d", SQL_APPLICATION_ID);
	return expect(db, path, "PRAGMA application_id", id, ERR_CONFIG,
	    "is not a database of Plimsoll, its application id is", note);
}

/* The first read fixes the moment that the transaction sees. */
static enum err open_source(const char *path, sqlite3 **ret, struct err_note *note)
{
	enum err e = open_raw(path, SQLITE_OPEN_READONLY, ret, note);

	if (e == ERR_OK) {
		e = run(*ret, path, "BEGIN", note);
	}
	return e == ERR_OK ? is_ours(*ret, path, note) : e;
}

static enum err make_file(const char *path, struct err_note *note)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0) {
		return err_note_set(
		    note, err_from_errno(errno), "cannot make %s: %s", path, strerror(errno));
	}
	close(fd);
	return ERR_OK;
}

static void rest(int64_t us)
{
	int64_t ms = us / 1000;

	(void)poll(NULL, 0, ms > REST_MAX_MS ? REST_MAX_MS : (int)ms);
}

static enum err copy_pages(sqlite3 *from, sqlite3 *to, const char *to_path, snapshot_fn *watch,
    void *arg, struct err_note *note)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc = SQLITE_OK;

	while (backup != NULL && rc == SQLITE_OK) {
		int64_t begun_us = clock_mono_us();
		errno = 0;
		rc = sqlite3_backup_step(backup, STEP_PAGES);
		if (watch != NULL) {
			int all = sqlite3_backup_pagecount(backup);
			watch(arg, all - sqlite3_backup_remaining(backup), all);
		}
		if (rc == SQLITE_OK) {
			rest(clock_mono_us() - begun_us);
		}
	}
	int sys = errno;
	int ended = backup == NULL ? sqlite3_extended_errcode(to) : sqlite3_backup_finish(backup);
	if (rc == SQLITE_DONE && ended == SQLITE_OK) {
		return ERR_OK;
	}
	errno = sys;
	return sqlite_failed(to, ended == SQLITE_OK ? rc : ended, to_path, note);
}

/* The header of the copy says WAL, as the source's does; one file alone says rollback journal. */
static enum err settle(sqlite3 *db, const char *path, struct err_note *note)
{
	enum err e = expect(db, path, "PRAGMA journal_mode=DELETE", "delete", ERR_IO,
	    "stays in the journal mode", note);

	return e == ERR_OK ? expect(db, path, "PRAGMA quick_check(1)", "ok", ERR_CORRUPT,
				 "is damaged", note)
			   : e;
}

static enum err finish_copy(const char *to, enum err e, struct err_note *note)
{
	if (e == ERR_OK) {
		e = backup_sync(to, note);
	}
	if (e != ERR_OK && sql_remove_files(to, NULL) != ERR_OK) {
		return e; /* what failed first is what to tell */
	}
	return e;
}

enum err sql_snapshot(
    const char *from, const char *to, snapshot_fn *watch, void *arg, struct err_note *note)
{
	sqlite3 *source = NULL, *copy = NULL;
	enum err e = open_source(from, &source, note);

	if (e != ERR_OK) {
		goto close_source;
	}
	e = make_file(to, note);
	if (e != ERR_OK) {
		goto close_source;
	}
	e = open_raw(to, SQLITE_OPEN_READWRITE, &copy, note);
	if (e == ERR_OK) {
		e = run(copy, to, "PRAGMA synchronous=OFF", note);
	}
	if (e == ERR_OK) {
		e = copy_pages(source, copy, to, watch, arg, note);
	}
	if (e == ERR_OK) {
		e = settle(copy, to, note);
	}
	sqlite3_close(copy);
	e = finish_copy(to, e, note);
close_source:
	sqlite3_close(source);
	return e;
}

enum err sql_rewrite(const char *from, const char *to, struct err_note *note)
{
	sqlite3 *source = NULL;
	sqlite3_stmt *stmt = NULL;
	enum err e = make_file(to, note);
	int rc;

	if (e != ERR_OK) {
		return e;
	}
	e = open_raw(from, SQLITE_OPEN_READWRITE, &source, note);
	if (e == ERR_OK) {
		errno = 0;
		rc = sqlite3_prepare_v2(source, "VACUUM INTO ?1", -1, &stmt, NULL);
		if (rc == SQLITE_OK) {
			sqlite3_bind_text(stmt, 1, to, -1, SQLITE_STATIC);
			rc = sqlite3_step(stmt);
		}
		if (rc != SQLITE_DONE) {
			e = sqlite_failed(source, rc, to, note);
		}
		sqlite3_finalize(stmt);
	}
	sqlite3_close(source);
	return finish_copy(to, e, note);
}

enum err sql_remove_files(const char *path, struct err_note *note)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char name[PATH_SIZE];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < sizeof(ends) / sizeof(ends[0]); i++) {
		int n = snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		e = n > 0 && (size_t)n < sizeof(name)
			? backup_remove(name, note)
			: err_note_set(note, ERR_LIMIT, "the path %s is too long", path);
	}
	return e;
}
