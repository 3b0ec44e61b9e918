/*
 * SQL dumps into a temporary database: CREATE TABLE tells the columns, INSERT the rows; all other
 * statements are passed over.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/dump_load.h"

/* ---- helpers ---- */

enum err load_expect_sign(struct dump_load *l, char sign)
{
	char what[32];
	enum err e = dump_next(&l->d);

	if (e != ERR_OK || dump_is_sign(&l->d, sign)) {
		return e;
	}
	(void)snprintf(what, sizeof(what), "a %c should stand here", sign);
	return dump_fault(&l->d, l->d.kind == DUMP_END ? ERR_CORRUPT : ERR_SYNTAX, what);
}

enum err load_skip_statement(struct dump_load *l)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && !dump_is_sign(&l->d, ';')) {
		if (l->d.kind == DUMP_END) {
			return dump_fault(
			    &l->d, ERR_CORRUPT, "the file ends in the middle of a statement");
		}
		e = dump_next(&l->d);
	}
	return e;
}

enum err load_take_name(struct dump_load *l, char ret[FOREIGN_NAME_MAX])
{
	enum err e = ERR_OK;

	if (l->d.kind != DUMP_WORD && l->d.kind != DUMP_NAME) {
		return dump_fault(&l->d, ERR_SYNTAX, "a name should stand here");
	}
	e = slice_to_cstr(buf_slice(&l->d.text), ret, FOREIGN_NAME_MAX);
	return e == ERR_OK ? e : dump_fault(&l->d, ERR_SYNTAX, "a name is too long");
}

struct dump_table *load_find_table(struct dump_load *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (strcmp(l->tables[i]->name, name) == 0) {
			return l->tables[i];
		}
	}
	return NULL;
}

/* ---- CREATE TABLE ---- */

static enum err make_table(struct dump_load *l, struct dump_table *t)
{
	struct buf sql = buf_new(16 * 1024);
	struct slice text = SLICE_EMPTY;

	buf_printf(&sql, "CREATE TABLE \"%s\" (", t->name);
	for (unsigned i = 0; i < t->n; i++) {
		buf_printf(&sql, "%s\"%s\"", i == 0 ? "" : ", ", t->columns[i]);
	}
	buf_append(&sql, ")", 2);
	enum err e = buf_finish(&sql, &text);
	e = e == ERR_OK ? foreign_run(l->db, text.ptr, l->d.note) : e;
	buf_clear(&sql);
	buf_printf(&sql, "INSERT INTO \"%s\" VALUES (", t->name);
	for (unsigned i = 0; i < t->n; i++) {
		buf_append_str(&sql, i == 0 ? "?" : ", ?");
	}
	buf_append(&sql, ")", 2);
	if (e == ERR_OK && sqlite3_prepare_v2(l->db, sql.data, -1, &t->insert, NULL) != SQLITE_OK) {
		e = foreign_failed(l->db, t->name, l->d.note);
	}
	buf_free(&sql);
	return e;
}

/* Does a definition begin here that is of no column? */
static bool is_constraint(const struct dump_load *l)
{
	static const char *const words[] = { "PRIMARY", "KEY", "UNIQUE", "CONSTRAINT", "INDEX",
		"FOREIGN", "CHECK", "FULLTEXT" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (dump_is_word(&l->d, words[i])) {
			return true;
		}
	}
	return false;
}

/* One definition, from its first word to the comma or bracket behind it. */
static enum err take_definition(struct dump_load *l, struct dump_table *t, bool *ret_last)
{
	unsigned depth = 1;
	enum err e = ERR_OK;

	if (!is_constraint(l)) {
		if (t->n == FOREIGN_COLUMNS_MAX) {
			return dump_fault(&l->d, ERR_SYNTAX, "too many columns");
		}
		e = load_take_name(l, t->columns[t->n++]);
	}
	while (e == ERR_OK && (e = dump_next(&l->d)) == ERR_OK) {
		depth += dump_is_sign(&l->d, '(') ? 1 : 0;
		depth -= dump_is_sign(&l->d, ')') ? 1 : 0;
		*ret_last = depth == 0;
		if (depth == 0 || (depth == 1 && dump_is_sign(&l->d, ','))) {
			return ERR_OK;
		}
		if (l->d.kind == DUMP_END) {
			return dump_fault(&l->d, ERR_CORRUPT, "the file ends in a table");
		}
	}
	return e;
}

static enum err take_definitions(struct dump_load *l, struct dump_table *t)
{
	bool is_last = false;
	enum err e = load_expect_sign(l, '(');

	while (e == ERR_OK && !is_last) {
		e = dump_next(&l->d);
		e = e == ERR_OK ? take_definition(l, t, &is_last) : e;
	}
	return e == ERR_OK ? make_table(l, t) : e;
}

/* The present token is TABLE. */
static enum err read_create(struct dump_load *l)
{
	char name[FOREIGN_NAME_MAX];
	enum err e = dump_next(&l->d);

	while (e == ERR_OK && (dump_is_word(&l->d, "IF") || dump_is_word(&l->d, "NOT") ||
				  dump_is_word(&l->d, "EXISTS"))) {
		e = dump_next(&l->d);
	}
	e = e == ERR_OK ? load_take_name(l, name) : e;
	if (e != ERR_OK || !l->is_wanted(slice_str(name))) {
		return e == ERR_OK ? load_skip_statement(l) : e;
	}
	if (load_find_table(l, name) != NULL || l->n == TABLES_MAX) {
		return dump_fault(&l->d, ERR_SYNTAX,
		    "the same table again: dump one database of the server, not all");
	}
	struct dump_table *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return ERR_MEMORY;
	}
	memcpy(t->name, name, sizeof(name));
	l->tables[l->n++] = t;
	e = take_definitions(l, t);
	return e == ERR_OK ? load_skip_statement(l) : e;
}

/* ---- the file ---- */

static enum err read_statement(struct dump_load *l)
{
	bool is_create = dump_is_word(&l->d, "CREATE");
	bool is_insert = dump_is_word(&l->d, "INSERT") || dump_is_word(&l->d, "REPLACE");

	/* How SQLite's shell begins, and other programs that write its dumps. */
	if (dump_is_word(&l->d, "PRAGMA") || dump_is_word(&l->d, "BEGIN")) {
		l->is_sqlite = true;
		l->d.backslashes = false;
	}
	l->is_committed = dump_is_word(&l->d, "COMMIT");
	enum err e = is_create ? dump_next(&l->d) : ERR_OK;
	if (e != ERR_OK) {
		return e;
	}
	if (is_create && dump_is_word(&l->d, "TABLE")) {
		return read_create(l);
	}
	return is_insert ? load_read_insert(l) : load_skip_statement(l);
}

static enum err read_all(struct dump_load *l)
{
	enum err e = dump_next(&l->d);

	while (e == ERR_OK && l->d.kind != DUMP_END) {
		e = dump_is_sign(&l->d, ';') ? ERR_OK : read_statement(l);
		e = e == ERR_OK ? dump_next(&l->d) : e;
	}
	if (e == ERR_OK && !(l->is_sqlite ? l->is_committed : l->d.is_dump_complete)) {
		e = dump_fault(&l->d, ERR_CORRUPT,
		    "the file is not whole: its last line should say that the dump is complete");
	}
	return e == ERR_OK && l->n == 0
		   ? dump_fault(&l->d, ERR_SYNTAX, "no tables of a sync server")
		   : e;
}

enum err foreign_load(struct foreign *f, const char *path, bool (*is_wanted)(struct slice table),
    struct err_note *note)
{
	struct dump_load l = { .is_wanted = is_wanted };
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		return err_note_set(note, err_from_errno(errno), "%s: %s", path, strerror(errno));
	}
	dump_reader_init(&l.d, file, path, note);
	/* A name of nothing: a temporary file, which is gone when it is closed. */
	enum err e =
	    sqlite3_open("", &f->db) == SQLITE_OK ? ERR_OK : foreign_failed(f->db, path, note);
	l.db = f->db;
	if (e == ERR_OK) {
		e = foreign_run(f->db, "PRAGMA journal_mode=OFF; BEGIN", note);
	}
	if (e == ERR_OK) {
		e = read_all(&l);
	}
	if (e == ERR_OK && ferror(file) != 0) {
		e = err_note_set(note, ERR_IO, "%s: cannot be read to its end", path);
	}
	for (unsigned i = 0; i < l.n; i++) {
		(void)sqlite3_finalize(l.tables[i]->insert);
		free(l.tables[i]);
	}
	if (e == ERR_OK) {
		e = foreign_run(f->db, "COMMIT", note);
	}
	dump_reader_fini(&l.d);
	(void)fclose(file);
	return e;
}
