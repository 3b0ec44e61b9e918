/*
 * The checks that every service's test runs over its statement and migration tables.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/store/sql.h"
#include "core/store/sqlite.h"

/* "service.what_it_does" */
static bool is_name(const char *name)
{
	const char *dot = strchr(name, '.');

	if (dot == NULL || dot == name || dot[1] == '\0') {
		return false;
	}
	for (const char *p = name; *p != '\0'; p++) {
		if (islower((unsigned char)*p) == 0 && isdigit((unsigned char)*p) == 0 &&
		    *p != '_' && p != dot) {
			return false;
		}
	}
	return true;
}

static enum err check_names(const struct sql_table *table, unsigned i, struct err_note *note)
{
	const char *name = table->stmts[i].name;

	if (!is_name(name)) {
		return err_note_set(
		    note, ERR_INVALID, "%s: names have the form service.what_it_does", name);
	}
	for (unsigned k = 0; k < i; k++) {
		if (strcmp(table->stmts[k].name, name) == 0) {
			return err_note_set(note, ERR_INVALID, "%s: the name stands twice", name);
		}
	}
	return ERR_OK;
}

/* Does a line of EXPLAIN QUERY PLAN visit all rows of something? VALUES and no FROM do not. */
static bool is_scan(const char *detail)
{
	return strncmp(detail, "SCAN ", 5) == 0 && strstr(detail, "CONSTANT ROW") == NULL;
}

static enum err check_plan(
    struct sqlite_db *db, const struct sql_stmt *stmt, const char *text, struct err_note *note)
{
	enum {
		DETAIL_COLUMN = 3
	};
	sqlite3_stmt *plan = NULL;
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);
	enum err e = ERR_OK;
	int rc;

	if (explain == NULL) {
		return ERR_MEMORY;
	}
	rc = sqlite3_prepare_v2(db->handle, explain, -1, &plan, NULL);
	while (rc == SQLITE_OK && e == ERR_OK && sqlite3_step(plan) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(plan, DETAIL_COLUMN);

		if (detail != NULL && is_scan(detail) && (stmt->flags & SQL_SCANS) == 0) {
			e = err_note_set(
			    note, ERR_INVALID, "%s: its plan has \"%s\"", stmt->name, detail);
		}
	}
	if (rc != SQLITE_OK) {
		e = sqlite_error(db, rc, stmt->name, note);
	}
	sqlite3_finalize(plan);
	sqlite3_free(explain);
	return e;
}

/* Prepares; checks that it is one statement, that its flag is true and that its plan is good. */
static enum err check_statement(
    struct sqlite_db *db, const struct sql_stmt *stmt, struct err_note *note)
{
	struct buf text = buf_new(SQL_MAX_TEXT);
	sqlite3_stmt *handle = NULL;
	const char *tail = NULL;
	enum err e = ERR_OK;
	int rc;

	sql_expand(stmt->text, SQL_FOR_SQLITE, &text);
	buf_append_char(&text, '\0');
	if (text.failed) {
		e = err_note_set(note, ERR_INVALID, "%s: its text is too long", stmt->name);
		goto out;
	}
	rc = sqlite3_prepare_v2(db->handle, text.data, -1, &handle, &tail);
	if (rc != SQLITE_OK) {
		e = err_note_set(
		    note, ERR_INVALID, "%s: %s", stmt->name, sqlite3_errmsg(db->handle));
	} else if (handle == NULL || *tail != '\0') {
		e = err_note_set(note, ERR_INVALID, "%s: not exactly one statement", stmt->name);
	} else if ((sqlite3_stmt_readonly(handle) == 0) != ((stmt->flags & SQL_WRITES) != 0)) {
		e = err_note_set(note, ERR_INVALID, "%s: SQL_WRITES is %s", stmt->name,
		    (stmt->flags & SQL_WRITES) != 0 ? "set but it only reads" : "missing");
	} else if (sqlite3_bind_parameter_count(handle) > SQL_MAX_PARAMS) {
		e = err_note_set(note, ERR_INVALID, "%s: too many parameters", stmt->name);
	} else {
		e = check_plan(db, stmt, text.data, note);
	}
	sqlite3_finalize(handle);
out:
	buf_free(&text);
	return e;
}

enum err sql_table_check(struct sql_db *db, const struct sql_table *table, struct err_note *note)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < table->n && e == ERR_OK; i++) {
		const struct sql_stmt *stmt = &table->stmts[i];

		e = check_names(table, i, note);
		if (e == ERR_OK && stmt->postgres_text == NULL) {
			e = sql_lint(stmt->name, stmt->text, note);
		}
		if (e == ERR_OK) {
			e = check_statement(sqlite_db_of(db), stmt, note);
		}
	}
	return e;
}

enum err sql_migrations_check(const struct migration *migrations, unsigned n, struct err_note *note)
{
	char what[32];
	enum err e = ERR_OK;

	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		snprintf(what, sizeof(what), "migration %u", i + 1);
		if (migrations[i].number != i + 1) {
			e = err_note_set(
			    note, ERR_INVALID, "%s: has number %u", what, migrations[i].number);
		} else {
			e = sql_lint(what, migrations[i].text, note);
		}
	}
	return e;
}
