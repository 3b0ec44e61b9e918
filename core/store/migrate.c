/*
 * Migrations: numbered per service, forward only, each in one transaction together with the row
 * that records it, so that a half-applied one cannot exist, whatever dies when.
 */
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/sql.h"
#include "core/store/sql_priv.h"

static const char create_records[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations (service TEXT NOT NULL, number BIGINT NOT NULL,"
    " applied_ms BIGINT NOT NULL, PRIMARY KEY (service, number))";

enum {
	COUNT_APPLIED,
	RECORD_APPLIED
};

static const struct sql_stmt stmts[] = {
	[COUNT_APPLIED] = { .name = "store.migrations_applied",
	    .text = "SELECT COUNT(*), COALESCE(MAX(number), 0) FROM schema_migrations"
		    " WHERE service = :service" },
	[RECORD_APPLIED] = { .name = "store.migration_record",
	    .text = "INSERT INTO schema_migrations (service, number, applied_ms)"
		    " VALUES (:service, :number, :now)",
	    .flags = SQL_WRITES },
};

const struct sql_table sql_migrate_stmts = { stmts, sizeof(stmts) / sizeof(stmts[0]) };

/* The number of the last migration in the database; they are recorded without gaps. */
static enum err last_applied(
    struct sql_db *db, const char *service, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	int64_t count = 0;
	enum err e = sql_begin(db, &stmts[COUNT_APPLIED], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "service", slice_str(service));
	e = sql_step(q);
	if (e == ERR_OK) {
		count = sql_col_i64(q, 0);
		*ret = sql_col_i64(q, 1);
	}
	sql_end(q);
	if (e == ERR_OK && count != *ret) {
		e = err_note_set(note, ERR_CORRUPT,
		    "%s: %lld migrations are recorded, the last is number %lld", service,
		    (long long)count, (long long)*ret);
	}
	return e;
}

enum err sql_migrated(struct sql_db *db, const char *service, unsigned n, struct err_note *note)
{
	int64_t last = 0;
	enum err e = last_applied(db, service, &last, NULL);

	if (e == ERR_SYSTEM || (e == ERR_OK && last < (int64_t)n)) {
		return err_note_set(
		    note, ERR_NOT_FOUND, "the tables of %s are not up to date yet", service);
	}
	return e == ERR_OK ? e : err_note_set(note, e, "%s: %s", service, err_text(e));
}

static enum err record(
    struct sql_db *db, const char *service, unsigned number, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &stmts[RECORD_APPLIED], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "service", slice_str(service));
	sql_bind_i64(q, "number", number);
	sql_bind_i64(q, "now", clock_wall_ms());
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* Inside of a transaction that excludes other migrations. */
static enum err apply_in_txn(
    struct sql_db *db, const char *service, const struct migration *m, struct err_note *note)
{
	char what[96];
	int64_t last = 0;
	enum err e = last_applied(db, service, &last, note);

	if (e != ERR_OK || last >= (int64_t)m->number) {
		return e; /* another process was first */
	}
	snprintf(what, sizeof(what), "migration %s %u", service, m->number);
	e = sql_script(db, m->text, what, note);
	return e == ERR_OK ? record(db, service, m->number, note) : e;
}

static enum err end_txn(struct sql_db *db, enum err e, const char *what, struct err_note *note)
{
	if (e == ERR_OK) {
		e = sql_script(db, "COMMIT", what, note);
	}
	if (e != ERR_OK && sql_in_txn(db)) {
		enum err undo = sql_script(db, "ROLLBACK", what, NULL);

		CHECK(undo == ERR_OK || !sql_in_txn(db));
	}
	return e;
}

static enum err apply(
    struct sql_db *db, const char *service, const struct migration *m, struct err_note *note)
{
	enum err e = db->engine->begin_exclusive(db, service, note);

	if (e == ERR_OK) {
		e = end_txn(db, apply_in_txn(db, service, m, note), service, note);
	}
	return e;
}

static enum err make_records(struct sql_db *db, struct err_note *note)
{
	enum err e = db->engine->begin_exclusive(db, "migrations", note);

	if (e == ERR_OK) {
		e = sql_script(db, create_records, "migrations", note);
		e = end_txn(db, e, "migrations", note);
	}
	return e;
}

enum err sql_migrate(struct sql_db *db, const char *service, const struct migration *migrations,
    unsigned n, struct err_note *note)
{
	int64_t last = 0;
	enum err e = make_records(db, note);

	if (e == ERR_OK) {
		e = last_applied(db, service, &last, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (last > (int64_t)n) {
		return err_note_set(note, ERR_CONFIG,
		    "the database is newer than this program: it has migration %lld of %s, known here "
		    "are %u",
		    (long long)last, service, n);
	}
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		CHECK(migrations[i].number == i + 1);
		if (i >= last) {
			e = apply(db, service, &migrations[i], note);
		}
	}
	return e;
}
