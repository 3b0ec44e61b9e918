/*
 * SQL text: the macros that differ between engines, and a small lint for what SQLite would take but
 * PostgreSQL would not, or would understand otherwise. The lint reads words and signs, not grammar;
 * its rules are the table at the end. The full proof is to run each statement on both engines.
 */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "core/base/check.h"
#include "core/store/sql_priv.h"

struct macro {
	const char *name, *sqlite;
};

static const struct macro macros[] = {
	{ "{{BLOB}}", "BLOB" },			 /* PostgreSQL: BYTEA */
	{ "{{SERIAL}}", "INTEGER PRIMARY KEY" }, /* PostgreSQL: BIGSERIAL PRIMARY KEY */
};

enum {
	N_MACROS = sizeof(macros) / sizeof(macros[0])
};

static const struct macro *macro_at(struct slice text)
{
	for (unsigned i = 0; i < N_MACROS; i++) {
		if (slice_starts(text, slice_str(macros[i].name))) {
			return &macros[i];
		}
	}
	return NULL;
}

void sql_expand(const char *text, struct buf *out)
{
	struct slice rest = slice_str(text);

	while (rest.len > 0) {
		if (!slice_starts(rest, SLICE("{{"))) {
			buf_append_char(out, rest.ptr[0]);
			rest = slice_sub(rest, 1, rest.len);
			continue;
		}
		const struct macro *m = macro_at(rest);
		CHECK(m != NULL);
		buf_append_str(out, m->sqlite);
		rest = slice_sub(rest, strlen(m->name), rest.len);
	}
}

/* A rule: words (or signs) that may not follow each other. A word alone has NULL behind it. */
struct rule {
	const char *first, *second, *why;
};

static const struct rule rules[] = {
	{ "INSERT", "OR", "use ON CONFLICT" },
	{ "UPDATE", "OR", "use ON CONFLICT" },
	{ "REPLACE", "INTO", "use ON CONFLICT" },
	{ "AUTOINCREMENT", NULL, "use {{SERIAL}}" },
	{ "INTEGER", "PRIMARY", "use {{SERIAL}}" },
	{ "BIGSERIAL", NULL, "use {{SERIAL}}" },
	{ "SERIAL", NULL, "use {{SERIAL}}" },
	{ "BLOB", NULL, "use {{BLOB}}" },
	{ "BYTEA", NULL, "use {{BLOB}}" },
	{ "BOOLEAN", NULL, "use INTEGER 0/1" },
	{ "DATETIME", NULL, "times are BIGINT milliseconds" },
	{ "TIMESTAMP", NULL, "times are BIGINT milliseconds" },
	{ "CURRENT_TIMESTAMP", NULL, "bind the time" },
	{ "STRFTIME", NULL, "bind the time" },
	{ "UNIXEPOCH", NULL, "bind the time" },
	{ "ROWID", NULL, "only SQLite has it" },
	{ "_ROWID_", NULL, "only SQLite has it" },
	{ "LAST_INSERT_ROWID", NULL, "use RETURNING" },
	{ "CHANGES", "(", "use sql_changes()" },
	{ "STRICT", NULL, "only SQLite has it" },
	{ "PRAGMA", NULL, "only SQLite has it" },
	{ "VACUUM", NULL, "not in a statement" },
	{ "BEGIN", NULL, "transactions are the store's" },
	{ "COMMIT", NULL, "transactions are the store's" },
	{ "ROLLBACK", NULL, "transactions are the store's" },
	{ "SAVEPOINT", NULL, "transactions are the store's" },
	{ "ATTACH", NULL, "only SQLite has it" },
	{ "INDEXED", NULL, "only SQLite has it" },
	{ "GLOB", NULL, "only SQLite has it" },
	{ "LIKE", NULL, "its letter case differs between the engines" },
	{ "ILIKE", NULL, "only PostgreSQL has it" },
	{ "NOCASE", NULL, "order is by bytes" },
	{ "IFNULL", NULL, "use COALESCE" },
	{ "IIF", NULL, "use CASE" },
	{ "RANDOM", NULL, "bind random values" },
	{ "GROUP_CONCAT", NULL, "only SQLite has it" },
	{ "=", "=", "use =" },
	{ "\"", NULL, "no double quotes" },
	{ "`", NULL, "no quoted names" },
	{ "[", NULL, "no quoted names" },
	{ "?", NULL, "bind by name" },
	{ "$", NULL, "bind by name" },
	{ "@", NULL, "bind by name" },
	{ ":", ":", "use CAST" },
};

enum {
	N_RULES = sizeof(rules) / sizeof(rules[0])
};

static bool in_word(char c)
{
	return isalnum((unsigned char)c) != 0 || c == '_';
}

/* Without spaces and comments in front. */
static struct slice skip_blank(struct slice s)
{
	size_t at = 0;

	while (at < s.len) {
		if (isspace((unsigned char)s.ptr[at])) {
			at++;
		} else if (slice_starts(slice_sub(s, at, s.len), SLICE("--"))) {
			at = slice_find(s, '\n', at);
		} else {
			break;
		}
	}
	return slice_sub(s, at, s.len);
}

/*
 * Cuts the next word or sign; a macro and a 'string' are one piece each. False at the end (*rest is
 * empty) or at a string that does not end.
 */
static bool next_piece(struct slice *rest, struct slice *ret)
{
	struct slice s = skip_blank(*rest);
	size_t end = 1;

	*rest = s;
	if (s.len == 0) {
		return false;
	}
	if (macro_at(s) != NULL) {
		end = strlen(macro_at(s)->name);
	} else if (s.ptr[0] == '\'') {
		end = slice_find(s, '\'', 1) + 1;
	} else if (in_word(s.ptr[0])) {
		while (end < s.len && in_word(s.ptr[end])) {
			end++;
		}
	}
	if (end > s.len) {
		return false;
	}
	*ret = slice_sub(s, 0, end);
	*rest = slice_sub(s, end, s.len);
	return true;
}

static bool is_word(struct slice piece, const char *word)
{
	return slice_eq_nocase(piece, slice_str(word));
}

static const struct rule *broken_rule(struct slice a, struct slice b)
{
	for (unsigned i = 0; i < N_RULES; i++) {
		if (is_word(a, rules[i].first) &&
		    (rules[i].second == NULL || is_word(b, rules[i].second))) {
			return &rules[i];
		}
	}
	return NULL;
}

/* PostgreSQL's SUM of BIGINT is NUMERIC: it must stand as CAST(SUM(...) AS BIGINT). */
static bool is_bare_sum(struct slice before2, struct slice before, struct slice piece)
{
	return is_word(piece, "SUM") && !(is_word(before2, "CAST") && is_word(before, "("));
}

enum err sql_lint(const char *what, const char *text, struct err_note *note)
{
	struct slice rest = slice_str(text), piece, next, after;
	struct slice before = SLICE_EMPTY, before2 = SLICE_EMPTY;
	const struct rule *r;

	while (next_piece(&rest, &piece)) {
		after = rest;
		if (!next_piece(&after, &next)) {
			next = SLICE_EMPTY;
		}
		r = is_word(before, ":") ? NULL
					 : broken_rule(piece, next); /* names of parameters */
		if (r != NULL) {
			return err_note_set(note, ERR_INVALID, "%s: \"%s%s%s\": %s", what, r->first,
			    r->second == NULL ? "" : " ", r->second == NULL ? "" : r->second,
			    r->why);
		}
		if (is_bare_sum(before2, before, piece)) {
			return err_note_set(
			    note, ERR_INVALID, "%s: write CAST(SUM(...) AS BIGINT)", what);
		}
		before2 = before;
		before = piece;
	}
	return rest.len == 0 ? ERR_OK
			     : err_note_set(note, ERR_INVALID, "%s: a string does not end", what);
}
