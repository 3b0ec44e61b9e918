/*
 * See pg_grant.h. Run after every migration, because a new table is nobody's but its owner's.
 */
#include "core/store/pg_grant.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/store/sql_priv.h"

enum {
	TEXT_MAX = 1024
};

static const struct sql_stmt find_role = { .name = "store.find_role",
	.text = "SELECT COUNT(*) FROM pg_roles WHERE rolname = :role" };
static const struct sql_stmt count_writable = {
	.name = "store.count_writable",
	.text =
	    "SELECT COUNT(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	    " WHERE n.nspname = current_schema() AND c.relkind = 'r' AND"
	    " has_table_privilege(CAST(:role AS NAME), c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
};
static const struct sql_stmt find_schema = { .name = "store.find_schema",
	.text = "SELECT CAST(current_schema() AS TEXT)" };

static enum err ask_number(struct sql_db *db, const struct sql_stmt *stmt, const char *role,
    int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, stmt, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "role", slice_str(role));
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e;
}

static void append_quoted(struct buf *out, struct slice name)
{
	buf_append_char(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"') {
			buf_append_char(out, '"');
		}
		buf_append_char(out, name.ptr[i]);
	}
	buf_append_char(out, '"');
}

static enum err append_grants(
    struct sql_db *db, const char *role, struct buf *out, struct err_note *note)
{
	static const char *const rights[] = { "GRANT USAGE ON SCHEMA ",
		"; GRANT SELECT ON ALL TABLES IN SCHEMA " };
	struct sql_query *q;
	enum err e = sql_begin(db, &find_schema, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	for (size_t i = 0; i < 2 && e == ERR_OK; i++) {
		buf_append_str(out, rights[i]);
		append_quoted(out, sql_col_text(q, 0));
		buf_append_str(out, " TO ");
		append_quoted(out, slice_str(role));
	}
	sql_end(q);
	buf_append_char(out, '\0');
	return e == ERR_OK && out->failed ? ERR_LIMIT : e;
}

enum err pg_grant_reader(
    struct sql_db *db, const char *role, bool *ret_may_write, struct err_note *note)
{
	struct buf text = buf_new(TEXT_MAX);
	int64_t n = 0;
	enum err e = ask_number(db, &find_role, role, &n, note);

	if (e == ERR_OK && n == 0) {
		e = err_note_set(note, ERR_CONFIG,
		    "[store] read_url: the server has no role \"%s\"; make it with CREATE ROLE \"%s\" "
		    "LOGIN PASSWORD '...'",
		    role, role);
	}
	if (e == ERR_OK) {
		e = append_grants(db, role, &text, note);
	}
	if (e == ERR_OK) {
		e = sql_script(db, text.data, "rights of the reading role", note);
	}
	if (e == ERR_OK) {
		e = ask_number(db, &count_writable, role, &n, note);
	}
	*ret_may_write = n > 0;
	buf_free(&text);
	return e;
}
