/*
 * INSERT statements of SQL dumps.
 */
#include <string.h>

#include "core/store/dump_load.h"

/* The present token (and what belongs to it) as parameter i. */
static enum err bind_value(struct dump_load *l, sqlite3_stmt *q, int i)
{
	struct dump_reader *d = &l->d;
	bool is_negative = dump_is_sign(d, '-');
	enum err e = ERR_OK;

	/* _binary '...', _utf8mb4'...' */
	if (is_negative ||
	    (d->kind == DUMP_WORD && slice_starts(buf_slice(&d->text), SLICE("_")))) {
		e = dump_next(d);
	}
	if (e != ERR_OK) {
		return e;
	}
	int len = (int)d->text.len, rc = SQLITE_OK;
	const char *bytes = d->text.data == NULL ? "" : d->text.data;
	if (d->kind == DUMP_NUMBER) {
		uint64_t n = 0;
		if (slice_to_u64(buf_slice(&d->text), INT64_MAX, &n) == ERR_OK) {
			rc = sqlite3_bind_int64(q, i, is_negative ? -(int64_t)n : (int64_t)n);
		} else {
			/* A fraction or beyond 63 bits: none of the columns that are read. */
			rc = sqlite3_bind_text(q, i, bytes, len, SQLITE_TRANSIENT);
		}
	} else if (is_negative) {
		return dump_fault(d, ERR_SYNTAX, "a number should stand here");
	} else if (d->kind == DUMP_STRING) {
		rc = sqlite3_bind_text(q, i, bytes, len, SQLITE_TRANSIENT);
	} else if (d->kind == DUMP_BLOB) {
		rc = sqlite3_bind_blob(q, i, bytes, len, SQLITE_TRANSIENT);
	} else if (dump_is_word(d, "NULL")) {
		rc = sqlite3_bind_null(q, i);
	} else {
		return dump_fault(d, d->kind == DUMP_END ? ERR_CORRUPT : ERR_SYNTAX,
		    "a value that is not understood");
	}
	return rc == SQLITE_OK ? ERR_OK : foreign_failed(l->db, "temporary database", d->note);
}

/* "(a, b, c)" from its bracket on: order[i] is the parameter of the i-th value. */
static enum err read_row(
    struct dump_load *l, struct dump_table *t, const unsigned *order, unsigned n)
{
	enum err e = ERR_OK;
	bool is_last = false;

	(void)sqlite3_reset(t->insert);
	(void)sqlite3_clear_bindings(t->insert);
	for (unsigned i = 0; e == ERR_OK && !is_last; i++) {
		if (i == n) {
			return dump_fault(&l->d, ERR_SYNTAX, "more values than columns");
		}
		e = dump_next(&l->d);
		e = e == ERR_OK ? bind_value(l, t->insert, (int)order[i] + 1) : e;
		e = e == ERR_OK ? dump_next(&l->d) : e;
		is_last = e == ERR_OK && dump_is_sign(&l->d, ')');
		if (e == ERR_OK && !is_last && !dump_is_sign(&l->d, ',')) {
			return dump_fault(&l->d, l->d.kind == DUMP_END ? ERR_CORRUPT : ERR_SYNTAX,
			    "a comma should stand here");
		}
		if (is_last && i + 1 < n) {
			return dump_fault(&l->d, ERR_SYNTAX, "fewer values than columns");
		}
	}
	if (e == ERR_OK && sqlite3_step(t->insert) != SQLITE_DONE) {
		e = foreign_failed(l->db, "temporary database", l->d.note);
	}
	return e;
}

static enum err read_column_list(
    struct dump_load *l, struct dump_table *t, unsigned *order, unsigned *ret_n)
{
	enum err e = ERR_OK;

	*ret_n = 0;
	do {
		char name[FOREIGN_NAME_MAX];
		unsigned i = 0;
		e = dump_next(&l->d);
		e = e == ERR_OK ? load_take_name(l, name) : e;
		while (e == ERR_OK && i < t->n && strcmp(t->columns[i], name) != 0) {
			i++;
		}
		if (e == ERR_OK && (i == t->n || *ret_n == FOREIGN_COLUMNS_MAX)) {
			e = dump_fault(&l->d, ERR_SYNTAX, "a column that the table does not have");
		}
		if (e == ERR_OK) {
			order[(*ret_n)++] = i;
			e = dump_next(&l->d);
		}
	} while (e == ERR_OK && dump_is_sign(&l->d, ','));
	return e == ERR_OK ? dump_next(&l->d) : e;
}

enum err load_read_insert(struct dump_load *l)
{
	unsigned order[FOREIGN_COLUMNS_MAX], n = 0;
	char name[FOREIGN_NAME_MAX];
	enum err e = ERR_OK;

	while (e == ERR_OK && !dump_is_word(&l->d, "INTO") && l->d.kind == DUMP_WORD) {
		e = dump_next(&l->d);
	}
	e = e == ERR_OK ? dump_next(&l->d) : e;
	e = e == ERR_OK ? load_take_name(l, name) : e;
	if (e != ERR_OK || !l->is_wanted(slice_str(name))) {
		return e == ERR_OK ? load_skip_statement(l) : e;
	}
	struct dump_table *t = load_find_table(l, name);
	if (t == NULL) {
		return dump_fault(&l->d, ERR_SYNTAX,
		    "rows without their table: dump the structure, too (no --no-create-info)");
	}
	for (n = 0; n < t->n; n++) {
		order[n] = n;
	}
	e = dump_next(&l->d);
	if (e == ERR_OK && dump_is_sign(&l->d, '(')) {
		e = read_column_list(l, t, order, &n);
	}
	if (e == ERR_OK && !dump_is_word(&l->d, "VALUES")) {
		return dump_fault(&l->d, ERR_SYNTAX, "VALUES should stand here");
	}
	do {
		e = e == ERR_OK ? load_expect_sign(l, '(') : e;
		e = e == ERR_OK ? read_row(l, t, order, n) : e;
		e = e == ERR_OK ? dump_next(&l->d) : e;
	} while (e == ERR_OK && dump_is_sign(&l->d, ','));
	return e == ERR_OK ? load_skip_statement(l) : e;
}
