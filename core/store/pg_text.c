/*
 * Statements in PostgreSQL's words: ":name" becomes "$1", "$2", ... in order of first appearance,
 * once per statement and process. Scripts get the engine's macros, and a COLLATE "C" behind each
 * TEXT column, so that order is by bytes as in SQLite, whatever the database's own order is.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/store/pg_priv.h"

static bool in_name(char c)
{
	return isalnum((unsigned char)c) != 0 || c == '_';
}

/* The place of a parameter's name, which is added when it is new; -1: no memory. */
static int parameter(struct pg_stmt *s, struct slice name)
{
	for (unsigned i = 0; i < s->n_params; i++) {
		if (slice_eq(name, slice_str(s->names[i]))) {
			return (int)i;
		}
	}
	CHECK(s->n_params < SQL_MAX_PARAMS && name.len > 0 && name.len <= SQL_MAX_NAME);
	s->names[s->n_params] = strndup(name.ptr, name.len);
	return s->names[s->n_params] == NULL ? -1 : (int)s->n_params++;
}

/* Appends text with its parameters numbered. False: no memory. */
static bool translate(struct pg_stmt *s, struct slice text, struct buf *out)
{
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		size_t end = i + 1;

		quoted = quoted != (c == '\'');
		while (c == ':' && !quoted && end < text.len && in_name(text.ptr[end])) {
			end++;
		}
		if (end == i + 1) {
			buf_append_char(out, c);
			continue;
		}
		int n = parameter(s, slice_sub(text, i + 1, end));
		if (n < 0) {
			return false;
		}
		buf_printf(out, "$%d", n + 1);
		i = end - 1;
	}
	return true;
}

static void stmt_free(struct pg_stmt *s)
{
	for (unsigned i = 0; i < s->n_params; i++) {
		free(s->names[i]);
	}
	free(s->text);
	free(s);
}

static struct pg_stmt *stmt_new(const struct sql_stmt *stmt)
{
	struct buf expanded = buf_new(SQL_MAX_TEXT), text = buf_new(SQL_MAX_TEXT);
	struct pg_stmt *s = calloc(1, sizeof(*s));
	bool good = s != NULL;

	sql_expand(stmt->postgres_text != NULL ? stmt->postgres_text : stmt->text, SQL_FOR_POSTGRES,
	    &expanded);
	good = good && translate(s, buf_slice(&expanded), &text);
	CHECK(!expanded.failed && !text.failed);
	if (good) {
		s->stmt = stmt;
		s->text = strndup(text.data, text.len);
		good = s->text != NULL;
	}
	buf_free(&expanded);
	buf_free(&text);
	if (!good && s != NULL) {
		stmt_free(s);
	}
	return good ? s : NULL;
}

enum err pg_stmts_find(
    struct pg_stmts *t, const struct sql_stmt *stmt, struct pg_stmt **ret, struct err_note *note)
{
	uintptr_t at = (uintptr_t)stmt / sizeof(void *);
	struct pg_stmt **bucket = &t->bucket[(at ^ (at >> 8)) % PG_STMT_BUCKETS], *s = *bucket;

	while (s != NULL && s->stmt != stmt) {
		s = s->next;
	}
	if (s == NULL) {
		if (t->n == PG_STMTS_MAX) {
			return err_note_set(
			    note, ERR_LIMIT, "%s: too many different statements", stmt->name);
		}
		s = stmt_new(stmt);
		if (s == NULL) {
			return err_note_set(note, ERR_MEMORY, "%s: no memory", stmt->name);
		}
		s->number = t->n++;
		s->next = *bucket;
		*bucket = s;
	}
	*ret = s;
	return ERR_OK;
}

void pg_stmts_free(struct pg_stmts *t)
{
	for (unsigned i = 0; i < PG_STMT_BUCKETS; i++) {
		while (t->bucket[i] != NULL) {
			struct pg_stmt *s = t->bucket[i];
			t->bucket[i] = s->next;
			stmt_free(s);
		}
	}
	t->n = 0;
}

void pg_expand_script(const char *text, struct buf *out)
{
	struct buf expanded = buf_new(SQL_MAX_TEXT);
	struct slice rest, piece, before = SLICE_EMPTY;

	sql_expand(text, SQL_FOR_POSTGRES, &expanded);
	rest = buf_slice(&expanded);
	const char *done = rest.ptr;
	while (sql_next_piece(&rest, &piece)) {
		buf_append(out, done, (size_t)(piece.ptr + piece.len - done));
		done = piece.ptr + piece.len;
		if (slice_eq_nocase(piece, SLICE("TEXT")) &&
		    !slice_eq_nocase(before, SLICE("AS"))) {
			buf_append_str(out, " COLLATE \"C\"");
		}
		before = piece;
	}
	buf_append(out, done, (size_t)(expanded.data + expanded.len - done));
	buf_free(&expanded);
}
