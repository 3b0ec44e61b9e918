/*
 * Queries on PostgreSQL. The first step sends the statement, prepared at its first use on each
 * connection, and waits for all rows; later steps walk them. Numbers travel as text towards the
 * server, which then may take them for any of its integer types, everything else in binary form.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/pg_priv.h"

enum {
	NUMBER_BYTES = 21, /* of a BIGINT, with sign and end */
	READ_TRIES = 2	   /* of a read whose connection breaks */
};

/* Types of columns: numbers of PostgreSQL's own catalogue, which never change. */
enum {
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
};

enum {
	FORMAT_TEXT,
	FORMAT_BINARY
};

struct pg_query {
	struct sql_query base;
	struct pg_stmt *stmt;
	uint64_t bound; /* bit per parameter that has a value */
	const char *values[SQL_MAX_PARAMS];
	int lengths[SQL_MAX_PARAMS], formats[SQL_MAX_PARAMS];
	char numbers[SQL_MAX_PARAMS][NUMBER_BYTES];
	PGresult *rows; /* owned; NULL before the first step */
	int row;	/* -1: before the first */
	enum err failed;
	bool stepped;
};

static struct pg_query *query_of(struct sql_query *q)
{
	return (struct pg_query *)q;
}

static struct pg_db *db_of(const struct pg_query *q)
{
	return (struct pg_db *)q->base.db;
}

static enum err begin(
    struct sql_db *base, const struct sql_stmt *stmt, struct sql_query **ret, struct err_note *note)
{
	struct pg_db *db = (struct pg_db *)base;
	struct pg_stmt *translated = NULL;
	enum err e = pg_stmts_find(&db->pool->stmts, stmt, &translated, note);

	if (e != ERR_OK) {
		return e;
	}
	struct pg_query *q = calloc(1, sizeof(*q));
	if (q == NULL) {
		return err_note_set(note, ERR_MEMORY, "%s: no memory", stmt->name);
	}
	q->stmt = translated;
	q->row = -1;
	*ret = &q->base;
	return ERR_OK;
}

static unsigned parameter(struct pg_query *q, const char *name)
{
	unsigned i = 0;

	CHECK(!q->stepped);
	while (i < q->stmt->n_params && strcmp(q->stmt->names[i], name) != 0) {
		i++;
	}
	CHECK(i < q->stmt->n_params);
	q->bound |= UINT64_C(1) << i;
	return i;
}

static void bind_value(struct sql_query *base, const char *name, const struct sql_value *v)
{
	struct pg_query *q = query_of(base);
	unsigned i = parameter(q, name);

	switch (v->kind) {
	case SQL_NULL:
		q->values[i] = NULL;
		q->formats[i] = FORMAT_TEXT;
		break;
	case SQL_I64:
		snprintf(q->numbers[i], NUMBER_BYTES, "%lld", (long long)v->i64);
		q->values[i] = q->numbers[i];
		q->formats[i] = FORMAT_TEXT;
		break;
	case SQL_TEXT:
	case SQL_BLOB:
		CHECK(v->bytes.len <= INT32_MAX);
		q->values[i] = v->bytes.ptr == NULL ? "" : v->bytes.ptr;
		q->lengths[i] = (int)v->bytes.len;
		q->formats[i] = FORMAT_BINARY;
		break;
	}
}

/* ---- running ---- */

/* Puts the commands of a flight into the pipeline. False: the connection is gone. */
static bool send_flight(struct pg_query *q, struct pg_conn *c, unsigned *ret_before)
{
	struct pg_db *db = db_of(q);
	const struct pg_stmt *s = q->stmt;
	char name[16];
	bool good = true;

	*ret_before = 0;
	snprintf(name, sizeof(name), "s%u", s->number);
	if (db->begin_text != NULL && !db->begun) {
		good = PQsendQueryParams(c->handle, db->begin_text, 0, NULL, NULL, NULL, NULL,
			   FORMAT_BINARY) == 1;
		db->begun = good;
		*ret_before += 1;
	}
	if (good && !c->prepared[s->number]) {
		good = PQsendPrepare(c->handle, name, s->text, 0, NULL) == 1;
		*ret_before += 1;
	}
	return good && PQsendQueryPrepared(c->handle, name, (int)s->n_params, q->values, q->lengths,
			   q->formats, FORMAT_BINARY) == 1;
}

static enum err fly(struct pg_query *q, struct pg_conn *c, enum pg_fault *ret_fault)
{
	unsigned before = 0, done = 0;
	int64_t deadline_us =
	    c->pool->o.loop == NULL ? DEADLINE_NONE : clock_mono_us() + PG_STATEMENT_US;
	enum err e;

	if (!send_flight(q, c, &before)) {
		c->broken = true;
		*ret_fault = PG_FAULT_BROKEN;
		return pg_conn_error(c->handle, q->base.stmt->name, q->base.note);
	}
	e = pg_conn_fly(
	    c, deadline_us, q->base.stmt->name, &q->rows, &done, ret_fault, q->base.note);
	if (before > 0 && done >= before) {
		c->prepared[q->stmt->number] = true;
	} else if (done < before && (e == ERR_DEADLINE || e == ERR_CANCELLED)) {
		c->broken = true; /* nobody will know whether it is prepared there */
	}
	return e;
}

/* A statement of its own, on any connection. */
static enum err run_alone(struct pg_query *q)
{
	bool writes = (q->base.stmt->flags & SQL_WRITES) != 0;
	struct err_note *note = q->base.note, first = { 0 };
	enum pg_fault fault = PG_FAULT_NONE;
	enum err e = ERR_OK;

	for (unsigned tries = 1;; tries++) {
		struct pg_conn *c = NULL;
		bool last = writes || tries == READ_TRIES;

		q->base.note = last ? note : &first;
		e = pg_pool_take(db_of(q)->pool, q->base.stmt->name, &c, q->base.note);
		if (e == ERR_OK) {
			e = fly(q, c, &fault);
			pg_pool_give(c);
		}
		if (last || fault != PG_FAULT_BROKEN) {
			break;
		}
		fault = PG_FAULT_NONE;
		first = (struct err_note){ 0 };
		PQclear(q->rows);
		q->rows = NULL;
	}
	if (e != ERR_OK && q->base.note == &first) {
		e = err_note_set(note, e, "%s", first.text);
	}
	q->base.note = note;
	return e;
}

static enum err run(struct pg_query *q)
{
	struct pg_db *db = db_of(q);

	if (db->conn == NULL) {
		return run_alone(q);
	}
	if (db->fault != PG_FAULT_NONE) { /* a function that goes on after an error */
		return err_note_set(
		    q->base.note, ERR_CONFLICT, "%s: the transaction is over", q->base.stmt->name);
	}
	return fly(q, db->conn, &db->fault);
}

static bool all_bound(const struct pg_query *q)
{
	unsigned n = q->stmt->n_params;
	uint64_t all = n == SQL_MAX_PARAMS ? UINT64_MAX : (UINT64_C(1) << n) - 1;

	return q->bound == all;
}

static enum err step(struct sql_query *base)
{
	struct pg_query *q = query_of(base);

	if (!q->stepped) {
		CHECK(all_bound(q));
		q->stepped = true;
		q->failed = run(q);
	}
	if (q->failed != ERR_OK) {
		return q->failed;
	}
	if (q->row < PQntuples(q->rows)) {
		q->row++;
	}
	return q->row < PQntuples(q->rows) ? ERR_OK : ERR_END;
}

/* ---- columns ---- */

static void check_column(const struct pg_query *q, int column)
{
	CHECK(q->rows != NULL && q->row >= 0 && q->row < PQntuples(q->rows));
	CHECK(column >= 0 && column < PQnfields(q->rows));
}

static int64_t col_i64(struct sql_query *base, int column)
{
	const struct pg_query *q = query_of(base);
	uint64_t n = 0;

	check_column(q, column);
	Oid type = PQftype(q->rows, column);
	CHECK(type == OID_INT8 || type == OID_INT4 || type == OID_INT2 || type == OID_BOOL);
	if (PQgetisnull(q->rows, q->row, column) != 0) {
		return 0;
	}
	const unsigned char *bytes = (const unsigned char *)PQgetvalue(q->rows, q->row, column);
	int len = PQgetlength(q->rows, q->row, column);
	if (type != OID_BOOL && bytes[0] >= 0x80) {
		n = UINT64_MAX; /* negative: extend the sign */
	}
	for (int i = 0; i < len; i++) {
		n = n << 8 | bytes[i];
	}
	return (int64_t)n;
}

static struct slice col_bytes(struct sql_query *base, int column, enum sql_kind kind)
{
	const struct pg_query *q = query_of(base);

	(void)kind; /* both are their bytes in binary form */
	check_column(q, column);
	Oid type = PQftype(q->rows, column);
	CHECK(type != OID_INT8 && type != OID_INT4 && type != OID_INT2 && type != OID_BOOL);
	return SLICE_OF(
	    PQgetvalue(q->rows, q->row, column), (size_t)PQgetlength(q->rows, q->row, column));
}

static bool col_is_null(struct sql_query *base, int column)
{
	const struct pg_query *q = query_of(base);

	check_column(q, column);
	return PQgetisnull(q->rows, q->row, column) != 0;
}

static int64_t end(struct sql_query *base)
{
	struct pg_query *q = query_of(base);
	int64_t changes = 0;

	if (q->rows != NULL && q->failed == ERR_OK && (q->base.stmt->flags & SQL_WRITES) != 0) {
		changes = strtoll(PQcmdTuples(q->rows), NULL, 10);
	}
	PQclear(q->rows);
	free(q);
	return changes;
}

/* ---- the engine ---- */

static enum err script(
    struct sql_db *base, const char *text, const char *what, struct err_note *note)
{
	struct pg_db *db = (struct pg_db *)base;
	struct buf expanded = buf_new(SQL_MAX_TEXT);

	CHECK(db->conn != NULL);
	pg_expand_script(text, &expanded);
	buf_append_char(&expanded, '\0');
	CHECK(!expanded.failed);
	enum err e = pg_conn_script(db->conn, expanded.data, what, note);
	buf_free(&expanded);
	return e;
}

/* Two migrations at once would both make the same tables. The number is "plimsoll" in letters. */
static enum err begin_exclusive(struct sql_db *db, const char *what, struct err_note *note)
{
	return script(db, "BEGIN; SELECT pg_advisory_xact_lock(8101811378936671340)", what, note);
}

static bool in_txn(const struct sql_db *base)
{
	const struct pg_db *db = (const struct pg_db *)base;
	PGTransactionStatusType status;

	CHECK(db->conn != NULL);
	status = PQtransactionStatus(db->conn->handle);
	return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

static bool is_there(const struct sql_db *base)
{
	return pg_pool_is_up(((const struct pg_db *)base)->pool);
}

static void close_db(struct sql_db *base)
{
	struct pg_db *db = (struct pg_db *)base;

	if (db->pool->o.loop == NULL) { /* a session */
		struct pg_pool *p = db->pool;
		pg_pool_close(&p);
	}
}

static const struct sql_query_ops query_ops = {
	.begin = begin,
	.bind = bind_value,
	.step = step,
	.col_i64 = col_i64,
	.col_bytes = col_bytes,
	.col_is_null = col_is_null,
	.end = end,
};

static const struct sql_engine engine = {
	.name = "postgres",
	.query = &query_ops,
	.script = script,
	.begin_exclusive = begin_exclusive,
	.in_txn = in_txn,
	.is_there = is_there,
	.close = close_db,
};

void pg_db_init(struct pg_db *db, struct pg_pool *p, struct pg_conn *c, enum sql_mode mode)
{
	*db = (struct pg_db){ .base = { .engine = &engine, .mode = mode }, .pool = p, .conn = c };
}
