/*
 * See foreign.h: SQLite files, and reading from either kind.
 */
#include "core/store/foreign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/store/foreign_priv.h"

enum {
	SQL_BYTES = 512
};

static const char file_magic[] = "SQLite format 3";

struct foreign_rows {
	sqlite3_stmt *handle;
	sqlite3 *db;
	struct err_note *note;
};

enum err foreign_failed(sqlite3 *db, const char *what, struct err_note *note)
{
	int code = sqlite3_errcode(db) & 0xff;
	bool is_damage = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
	enum err e = is_damage ? ERR_CORRUPT : code == SQLITE_FULL ? ERR_DISK_FULL : ERR_IO;

	return err_note_set(note, e, "%s: %s", what, sqlite3_errmsg(db));
}

enum err foreign_run(sqlite3 *db, const char *sql, struct err_note *note)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK
								    : foreign_failed(db, sql, note);
}

/* ---- opening ---- */

/* False: no SQLite file. */
static enum err look_at(const char *path, bool *ret_sqlite, struct err_note *note)
{
	char head[sizeof(file_magic)] = "";
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		return err_note_set(note, err_from_errno(errno), "%s: %s", path, strerror(errno));
	}
	size_t n = fread(head, 1, sizeof(head), file);
	bool failed = ferror(file) != 0;
	(void)fclose(file);
	if (failed) {
		return err_note_set(note, ERR_IO, "%s: cannot be read", path);
	}
	*ret_sqlite = n == sizeof(head) && memcmp(head, file_magic, sizeof(head)) == 0;
	return ERR_OK;
}

/* Looks at every page: half a copy of a file is found here. */
static enum err check_pages(struct foreign *f, const char *path, struct err_note *note)
{
	struct foreign_rows *rows = NULL;
	enum err e = foreign_select(f, "PRAGMA quick_check(1)", NULL, 0, &rows, note);

	if (e == ERR_OK) {
		e = foreign_step(rows);
	}
	if (e == ERR_OK && !slice_eq(foreign_text(rows, 0), SLICE("ok"))) {
		e = err_note_set(
		    note, ERR_CORRUPT, "%s: %.*s", path, SLICE_ARG(foreign_text(rows, 0)));
	}
	foreign_end(&rows);
	return e;
}

static enum err open_file(struct foreign *f, const char *path, struct err_note *note)
{
	if (sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		return foreign_failed(f->db, path, note);
	}
	/* Nothing in a schema of others is executed. */
	(void)sqlite3_db_config(f->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(f->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* One state of it, however long it takes. */
	enum err e = foreign_run(f->db, "BEGIN", note);
	return e == ERR_OK ? check_pages(f, path, note) : e;
}

enum err foreign_open(const char *path, bool (*is_wanted)(struct slice table), struct foreign **ret,
    struct err_note *note)
{
	struct foreign *f = calloc(1, sizeof(*f));
	bool is_sqlite = false;
	enum err e = f == NULL ? ERR_MEMORY : look_at(path, &is_sqlite, note);

	if (e == ERR_OK) {
		f->is_dump = !is_sqlite;
		e = is_sqlite ? open_file(f, path, note) : foreign_load(f, path, is_wanted, note);
	}
	if (e != ERR_OK) {
		foreign_close(&f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

void foreign_close(struct foreign **f)
{
	if (*f != NULL) {
		(void)sqlite3_close((*f)->db);
		free(*f);
		*f = NULL;
	}
}

/* ---- what there is ---- */

bool foreign_has(struct foreign *f, const char *table, const char *column)
{
	return sqlite3_table_column_metadata(
		   f->db, "main", table, column, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

enum err foreign_tables(
    struct foreign *f, void (*fn)(void *arg, const char *table), void *arg, struct err_note *note)
{
	struct foreign_rows *rows = NULL;
	enum err e =
	    foreign_select(f, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
		NULL, 0, &rows, note);

	while (e == ERR_OK && (e = foreign_step(rows)) == ERR_OK) {
		char name[FOREIGN_NAME_MAX];
		if (slice_to_cstr(foreign_text(rows, 0), name, sizeof(name)) == ERR_OK) {
			fn(arg, name);
		}
	}
	foreign_end(&rows);
	return e == ERR_END ? ERR_OK : e;
}

enum err foreign_index(
    struct foreign *f, const char *table, const char *columns, struct err_note *note)
{
	char sql[SQL_BYTES];

	if (!f->is_dump) {
		return ERR_OK;
	}
	(void)snprintf(
	    sql, sizeof(sql), "CREATE INDEX \"of_%s\" ON \"%s\" (%s)", table, table, columns);
	return foreign_run(f->db, sql, note);
}

/* ---- rows ---- */

enum err foreign_select(struct foreign *f, const char *sql, const int64_t *params, unsigned n,
    struct foreign_rows **ret, struct err_note *note)
{
	struct foreign_rows *rows = calloc(1, sizeof(*rows));

	if (rows == NULL) {
		return ERR_MEMORY;
	}
	rows->db = f->db;
	rows->note = note;
	if (sqlite3_prepare_v2(f->db, sql, -1, &rows->handle, NULL) != SQLITE_OK) {
		free(rows);
		return foreign_failed(f->db, sql, note);
	}
	for (unsigned i = 0; i < n; i++) {
		(void)sqlite3_bind_int64(rows->handle, (int)i + 1, params[i]);
	}
	*ret = rows;
	return ERR_OK;
}

enum err foreign_step(struct foreign_rows *rows)
{
	int rc = sqlite3_step(rows->handle);

	return rc == SQLITE_ROW	   ? ERR_OK
	       : rc == SQLITE_DONE ? ERR_END
				   : foreign_failed(rows->db, "reading", rows->note);
}

void foreign_end(struct foreign_rows **rows)
{
	if (*rows != NULL) {
		(void)sqlite3_finalize((*rows)->handle);
		free(*rows);
		*rows = NULL;
	}
}

bool foreign_is_null(struct foreign_rows *rows, int column)
{
	return sqlite3_column_type(rows->handle, column) == SQLITE_NULL;
}

int64_t foreign_i64(struct foreign_rows *rows, int column)
{
	return sqlite3_column_int64(rows->handle, column);
}

struct slice foreign_text(struct foreign_rows *rows, int column)
{
	const void *bytes = sqlite3_column_blob(rows->handle, column);
	int len = sqlite3_column_bytes(rows->handle, column);

	return bytes == NULL ? SLICE_EMPTY : SLICE_OF(bytes, (size_t)len);
}
