/*
 * Connections to the SQLite file, and what its result codes mean to us.
 *
 * The writer. WAL with synchronous=FULL: a commit is on the disk when it returns. Automatic
 * checkpoints are off, a thread of the store does them. The -wal and -shm files stay when it closes
 * (PERSIST_WAL), because readers may not be able to make them.
 *
 * Readers may be unable to write anything in the folder (Landlock, or another user). SQLite then
 * opens -shm read-only; what follows from that, as tested in reader_test.c:
 *  - A reader takes shared locks only and sees every commit at once. It cannot move the read marks
 * of the WAL index, so it may hold up a checkpoint a little longer; the writer's own transactions
 * keep the marks fresh.
 *  - While nobody who can write has the file open, a reader gets SQLITE_READONLY_CANTINIT inside
 * and builds an index of the WAL in its own memory. That works, and it returns to the shared index
 * by itself when the store is back. A reader that stays connected keeps the shared index valid.
 *  - After a kill in the middle of a change of the index, reads fail with SQLITE_READONLY_RECOVERY
 *    until the store has opened the file again. That is ERR_LOCKED: try again shortly.
 *  - Before the store first made the database there is no file, or one without our application id:
 *    ERR_NOT_FOUND, try again.
 *
 * POSIX locks belong to the process: whoever opens and closes the file by other means in a process
 * with a connection drops that connection's locks. Nothing here does.
 */
#include "core/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"

enum {
	OPEN_BUSY_MS = 2000, /* readers may be connected while the store starts */
	READ_BUSY_MS = 5     /* the WAL index is locked for microseconds; the loop waits */
};

/* foreign_keys, temp_store: kept per connection. Sizes: 4 MiB and 1 MiB at most, used on demand. */
static const char write_pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
				    "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
				    "PRAGMA cache_size=-4096; PRAGMA journal_size_limit=67108864";
/*
 * Readers see the file through the kernel's page cache without a call and a copy for each page; of
 * a larger file the rest is read. A page that the disk cannot read ends such a process instead of
 * failing its statement, and the supervisor starts it again.
 */
static const char read_pragmas[] =
    "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024";

/* The operating system's view: a full disk and a missing right hide behind SQLite's I/O errors. */
static enum err error_of_errno(int sys, enum err otherwise)
{
	switch (sys) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_DISK_FULL;
	case ENOENT:
	case EACCES:
	case EPERM:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return err_from_errno(sys);
	case EROFS:
		return ERR_DENIED;
	default:
		return otherwise;
	}
}

static enum err error_of_code(int rc, int sys)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ERR_LOCKED;
	case SQLITE_READONLY:
		return rc == SQLITE_READONLY_RECOVERY || rc == SQLITE_READONLY_CANTLOCK ||
			       rc == SQLITE_READONLY_CANTINIT
			   ? ERR_LOCKED
			   : ERR_DENIED;
	case SQLITE_FULL:
		return ERR_DISK_FULL;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return error_of_errno(sys, ERR_IO);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_CONSTRAINT:
		return ERR_EXISTS;
	case SQLITE_NOMEM:
		return ERR_MEMORY;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return ERR_DENIED;
	case SQLITE_INTERRUPT:
		return ERR_CANCELLED;
	default:
		return ERR_SYSTEM; /* a statement that does not fit the database */
	}
}

enum err sqlite_error(struct sqlite_db *db, int rc, const char *what, struct err_note *note)
{
	bool is_io = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
	int sys = errno != 0 ? errno : sqlite3_system_errno(db->handle);

	CHECK(rc != SQLITE_MISUSE && rc != SQLITE_RANGE);
	errno = is_io ? sys : 0;
	return err_note_set(note, error_of_code(rc, sys), "%s: %s (SQLite code %d)", what,
	    sqlite3_errmsg(db->handle), rc);
}

static enum err script(
    struct sqlite_db *db, const char *text, const char *what, struct err_note *note)
{
	struct buf expanded = buf_new(SQL_MAX_TEXT);
	enum err e = ERR_OK;
	char *message = NULL;
	int rc;

	sql_expand(text, SQL_FOR_SQLITE, &expanded);
	buf_append_char(&expanded, '\0');
	CHECK(!expanded.failed);
	errno = 0;
	rc = sqlite3_exec(db->handle, expanded.data, NULL, NULL, &message);
	if (rc != SQLITE_OK) {
		e = sqlite_error(db, rc, what, note);
	}
	sqlite3_free(message);
	buf_free(&expanded);
	return e;
}

static int on_pragma_row(void *arg, int n, char **values, char **names)
{
	long long *number = arg;

	(void)names;
	if (n > 0 && values[0] != NULL) {
		*number = strtoll(values[0], NULL, 10);
	}
	return 0;
}

/* The first number of a pragma's or query's answer. */
static enum err query_number(
    struct sqlite_db *db, const char *path, const char *text, long long *ret, struct err_note *note)
{
	int rc;

	errno = 0;
	rc = sqlite3_exec(db->handle, text, on_pragma_row, ret, NULL);
	return rc == SQLITE_OK ? ERR_OK : sqlite_error(db, rc, path, note);
}

static enum err sync_folder(const char *path, struct err_note *note)
{
	char copy[PATH_MAX];
	int fd;
	enum err e = slice_to_cstr(slice_str(path), copy, sizeof(copy));

	if (e != ERR_OK) {
		return err_note_set(note, e, "database path is too long");
	}
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0) {
		e = err_note_set(
		    note, err_from_errno(errno), "folder of %s: %s", path, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
	}
	return e;
}

/*
 * Makes the file with mode 0600 (SQLite gives -wal and -shm the same). Only a file that was not
 * there is opened, so that no lock of this process can be lost.
 */
static enum err create_file(const char *path, struct err_note *note)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST) {
		return err_note_set(
		    note, err_from_errno(errno), "create %s: %s", path, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
	}
	/* Also when it is there: whoever made it may have failed to sync its name. */
	return sync_folder(path, note);
}

/*
 * Settings of the library for this connection: nothing but plain SQL, strict quoting; and one plan
 * for a statement whatever is bound. Without that SQLite asks of a statement near a partial index
 * whether the values make the index fit, and parses and plans it anew each time they change.
 */
static void harden(sqlite3 *handle)
{
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
	sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024);
}

/* Refuses a database of another program before anything in it is touched. */
static enum err check_owner(
    struct sqlite_db *db, const char *path, bool *ret_new, struct err_note *note)
{
	long long id = 0, tables = 0;
	enum err e = query_number(db, path, "PRAGMA application_id", &id, note);

	if (e == ERR_OK && id == 0) {
		e = query_number(db, path, "SELECT count(*) FROM sqlite_schema", &tables, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (id != SQL_APPLICATION_ID && (id != 0 || tables != 0)) {
		return err_note_set(note, ERR_CONFIG, "%s is a database of another program", path);
	}
	*ret_new = id == 0;
	return ERR_OK;
}

static enum err set_number(
    struct sqlite_db *db, const char *path, const char *pragma, int value, struct err_note *note)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "PRAGMA %s=%d", pragma, value);
	return script(db, text, path, note);
}

static enum err set_up_writer(struct sqlite_db *db, const char *path, struct err_note *note)
{
	bool is_new = false;
	int keep = 1;
	enum err e;

	if (sqlite3_db_readonly(db->handle, "main") != 0) {
		return err_note_set(note, ERR_DENIED, "%s may not be written", path);
	}
	sqlite3_busy_timeout(db->handle, OPEN_BUSY_MS);
	e = check_owner(db, path, &is_new, note);
	if (e == ERR_OK) {
		e = script(db, write_pragmas, path, note);
	}
	sqlite3_wal_autocheckpoint(db->handle, 0);
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	if (e == ERR_OK && is_new) {
		/* Last of all: readers take a database without it for one that is not there yet. */
		e = set_number(db, path, "application_id", SQL_APPLICATION_ID, note);
	}
	sqlite3_busy_timeout(db->handle, SQL_WRITE_BUSY_MS);
	return e;
}

static enum err set_up_reader(struct sqlite_db *db, const char *path, struct err_note *note)
{
	long long id = 0;
	enum err e;

	sqlite3_busy_timeout(db->handle, READ_BUSY_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	e = script(db, read_pragmas, path, note);
	if (e == ERR_OK) {
		e = set_number(db, path, "mmap_size", SQL_MAP_BYTES, note);
	}
	if (e == ERR_OK) {
		e = query_number(db, path, "PRAGMA application_id", &id, note);
	}
	if (e == ERR_OK && id != SQL_APPLICATION_ID) {
		e = err_note_set(note, ERR_NOT_FOUND, "%s has not been set up yet", path);
	}
	return e;
}

/* ---- the engine ---- */

static enum err run_script(
    struct sql_db *base, const char *text, const char *what, struct err_note *note)
{
	struct sqlite_db *db = sqlite_db_of(base);
	enum err e = script(db, text, what, note);

	base->changes = sqlite3_changes64(db->handle);
	return e;
}

static bool in_txn(const struct sql_db *base)
{
	return sqlite3_get_autocommit(sqlite_handle(base)) == 0;
}

static enum err begin_exclusive(struct sql_db *base, const char *what, struct err_note *note)
{
	return script(sqlite_db_of(base), "BEGIN IMMEDIATE", what, note);
}

static void close_db(struct sql_db *base)
{
	struct sqlite_db *db = sqlite_db_of(base);

	sqlite_cache_free(db);
	sqlite_snapshot_free(db);
	CHECK(sqlite3_close(db->handle) == SQLITE_OK); /* a statement of ours is left over */
	free(db);
}

static const struct sql_engine engine = {
	.name = "sqlite",
	.query = &sqlite_query_ops,
	.script = run_script,
	.begin_exclusive = begin_exclusive,
	.in_txn = in_txn,
	.snapshot = sqlite_snapshot,
	.close = close_db,
};

struct sqlite_db *sqlite_db_of(struct sql_db *db)
{
	CHECK(db->engine == &engine);
	return (struct sqlite_db *)db;
}

sqlite3 *sqlite_handle(const struct sql_db *db)
{
	CHECK(db->engine == &engine);
	return ((const struct sqlite_db *)db)->handle;
}

enum err sql_open(const char *path, enum sql_mode mode, struct sql_db **ret, struct err_note *note)
{
	int flags = mode == SQL_READ_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	struct sqlite_db *db = calloc(1, sizeof(*db));
	enum err e = mode == SQL_READ_WRITE ? create_file(path, note) : ERR_OK;
	int rc;

	if (db == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for a database connection");
	}
	db->base = (struct sql_db){ .engine = &engine, .mode = mode };
	list_init(&db->idle);
	if (e != ERR_OK) {
		goto fail;
	}
	errno = 0;
	rc = sqlite3_open_v2(
	    path, &db->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK) {
		e = sqlite_error(db, rc, path, note);
		goto fail;
	}
	harden(db->handle);
	e = mode == SQL_READ_WRITE ? set_up_writer(db, path, note) : set_up_reader(db, path, note);
	if (e != ERR_OK) {
		goto fail;
	}
	*ret = &db->base;
	return ERR_OK;
fail:
	close_db(&db->base);
	return e;
}
