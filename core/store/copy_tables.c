/*
 * What there is to copy, as the SQLite side says: tables, their columns and what these hold.
 */
#include "core/store/copy_priv.h"

#include <ctype.h>
#include <stdio.h>

enum {
	TEXT_BYTES = 256
};

/* Our own names: nothing that would have to be quoted. */
static enum err take_name(struct copy *c, struct slice name, char ret[COPY_NAME_MAX_BYTES])
{
	for (size_t i = 0; i < name.len; i++) {
		char k = name.ptr[i];
		if (islower((unsigned char)k) == 0 && isdigit((unsigned char)k) == 0 && k != '_') {
			return err_note_set(c->note, ERR_UNSUPPORTED,
			    "\"%.*s\" is not a name of this program's tables", SLICE_ARG(name));
		}
	}
	return slice_to_cstr(name, ret, COPY_NAME_MAX_BYTES);
}

static enum err take_column(struct copy *c, struct sql_query *q, struct copy_column *ret)
{
	struct slice type = sql_col_text(q, 1);

	*ret = (struct copy_column){ .kind = slice_eq_nocase(type, SLICE("TEXT"))   ? SQL_TEXT
					     : slice_eq_nocase(type, SLICE("BLOB")) ? SQL_BLOB
										    : SQL_I64,
		.is_serial = slice_eq_nocase(type, SLICE("INTEGER")) && sql_col_i64(q, 2) == 1 };
	return take_name(c, sql_col_text(q, 0), ret->name);
}

static enum err find_columns(struct copy *c, struct sql_db *sqlite, struct copy_table *t)
{
	char text[TEXT_BYTES];
	struct sql_query *q;
	enum err e;

	snprintf(text, sizeof(text), "SELECT name, type, pk FROM pragma_table_info('%s')", t->name);
	e = copy_begin(c, sqlite, text, &q);
	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK) {
		e = t->n < COPY_COLUMNS_MAX ? take_column(c, q, &t->columns[t->n]) : ERR_LIMIT;
		t->n++;
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* All tables but the record of migrations, which both sides have. */
enum err copy_find_tables(
    struct copy *c, struct sql_db *sqlite, struct copy_table *tables, unsigned *ret_n)
{
	struct sql_query *q;
	unsigned n = 0;
	enum err e = copy_begin(c, sqlite,
	    "SELECT name FROM sqlite_schema WHERE type = 'table'"
	    " AND SUBSTR(name, 1, 7) <> 'sqlite_' AND name <> 'schema_migrations' ORDER BY name",
	    &q);

	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK) {
		e = n < COPY_TABLES_MAX ? take_name(c, sql_col_text(q, 0), tables[n].name)
					: ERR_LIMIT;
		n++;
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	e = e == ERR_END ? ERR_OK : e;
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = find_columns(c, sqlite, &tables[i]);
	}
	*ret_n = n;
	return e;
}
