/*
 * Every named statement of every service on both engines. On equal data and with parameters made
 * from the names, it must yield equal rows and leave equal tables; and on PostgreSQL, with 100,000
 * rows in every table, it must touch few of them, the first time and when the server has got used
 * to it. A new statement is tested by standing in its table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/store/copy.h"
#include "core/store/pg_rig.h"
#include "services/table.h"

enum {
	FEW_ROWS = 300,
	MANY_ROWS = 50000,
	A_ROW = 200, /* state and flags are 0 in each hundredth */
	NO_ROW = 424242,
	MOST = 10,	    /* value of what bounds a statement */
	TOUCHED_MAX = 1250, /* rows of a large table that a statement may look at */
	TEXT_BYTES = 16384,
	FILL_BYTES = 6144, /* of the statement that fills a table */
	ROWS_MAX = 512,
	TABLES_MAX = 64
};

struct world {
	char dir[64], path[96];
	struct sql_db *sqlite, *postgres;
	struct arena arena;
	sqlite3 *raw; /* a second connection, to fill it by */
	struct pg_conn_rig *server;
	char tables[TABLES_MAX][64];
	unsigned n_tables;
};

/* ---- data ---- */

static void run_sqlite(struct world *w, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(w->raw, text, NULL, NULL, &why) != SQLITE_OK) {
		fail_msg("%s: %s", text, why);
	}
}

static void find_tables(struct world *w)
{
	sqlite3_stmt *q = NULL;

	assert_int_equal(
	    sqlite3_prepare_v2(w->raw,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
		" AND name <> 'schema_migrations' ORDER BY name",
		-1, &q, NULL),
	    SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW) {
		assert_true(w->n_tables < TABLES_MAX);
		snprintf(
		    w->tables[w->n_tables++], 64, "%s", (const char *)sqlite3_column_text(q, 0));
	}
	sqlite3_finalize(q);
	assert_true(w->n_tables >= 4);
}

/* "INSERT INTO table (columns) SELECT values of row n". */
static void make_fill(struct world *w, const char *table, const char *blob, char *out)
{
	char columns[4096] = "", values[8192] = "", query[128];
	sqlite3_stmt *q = NULL;
	size_t nc = 0, nv = 0;

	snprintf(query, sizeof(query), "SELECT name, type, pk FROM pragma_table_info('%s')", table);
	assert_int_equal(sqlite3_prepare_v2(w->raw, query, -1, &q, NULL), SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(q, 0);
		const char *type = (const char *)sqlite3_column_text(q, 1);
		const char *comma = nc == 0 ? "" : ", ";
		bool is_flag = strcmp(type, "INTEGER") == 0 && sqlite3_column_int(q, 2) == 0;

		nc += (size_t)snprintf(columns + nc, sizeof(columns) - nc, "%s%s", comma, name);
		if (strcmp(type, "TEXT") == 0) {
			nv += (size_t)snprintf(values + nv, sizeof(values) - nv,
			    "%s'%s' || CAST(n AS TEXT)", comma, name);
		} else {
			nv += (size_t)snprintf(values + nv, sizeof(values) - nv, "%s%s", comma,
			    strcmp(type, "BLOB") == 0 ? blob
			    : is_flag ? "CASE WHEN n % 100 = 0 THEN 0 ELSE 1 + n % 3 END"
				      : "n");
		}
	}
	sqlite3_finalize(q);
	snprintf(out, FILL_BYTES, "INSERT INTO %s (%s) SELECT %s", table, columns, values);
}

static void fill_sqlite(struct world *w)
{
	char insert[FILL_BYTES], text[FILL_BYTES + 256];

	for (unsigned i = 0; i < w->n_tables; i++) {
		make_fill(w, w->tables[i], "X'00ff'", insert);
		snprintf(text, sizeof(text),
		    "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %d) "
		    "%s FROM g",
		    FEW_ROWS, insert);
		run_sqlite(w, text);
	}
}

static void fill_postgres(struct world *w)
{
	char insert[FILL_BYTES], text[FILL_BYTES + 256];

	for (unsigned i = 0; i < w->n_tables; i++) {
		make_fill(w, w->tables[i], "CAST('\\x00ff' AS BYTEA)", insert);
		snprintf(text, sizeof(text), "TRUNCATE %s; %s FROM generate_series(1, %d) AS g(n)",
		    w->tables[i], insert, MANY_ROWS);
		pg_rig_run(pg_rig_shared(), text);
	}
	pg_rig_run(pg_rig_shared(),
	    "SELECT SETVAL(PG_GET_SERIAL_SEQUENCE(table_name, column_name), 1000000)"
	    " FROM information_schema.columns WHERE table_schema = 'public'"
	    " AND PG_GET_SERIAL_SEQUENCE(table_name, column_name) IS NOT NULL");
	pg_rig_run(pg_rig_shared(), "VACUUM ANALYZE");
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err_note note = { 0 };

	snprintf(w->dir, sizeof(w->dir), "/tmp/engines-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/plimsoll.db", w->dir);
	assert_int_equal(sql_open(w->path, SQL_READ_WRITE, &w->sqlite, &note), ERR_OK);
	pg_rig_reset(pg_rig_shared());
	w->postgres = pg_rig_session(pg_rig_shared(), SQL_READ_WRITE);
	for (size_t i = 0; i < service_table_count; i++) {
		const struct service *s = service_table[i];

		assert_int_equal(
		    sql_migrate(w->sqlite, s->name, s->migrations, s->n_migrations, &note), ERR_OK);
		if (sql_migrate(w->postgres, s->name, s->migrations, s->n_migrations, &note) !=
		    ERR_OK) {
			fail_msg("%s", note.text);
		}
	}
	w->arena = arena_new(256u * 1024 * 1024);
	w->server = pg_rig_connect(pg_rig_shared());
	assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
	find_tables(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	struct world *w = *state;
	char path[128];

	sql_close(&w->sqlite);
	sql_close(&w->postgres);
	sqlite3_close(w->raw);
	pg_rig_disconnect(w->server);
	arena_reset(&w->arena);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", w->path, suffixes[i]);
		unlink(path);
	}
	rmdir(w->dir);
	free(w);
	return 0;
}

/* ---- parameters ---- */

/* A number as make_fill() puts it into row n, a bound, or the row itself. */
static int64_t number_for(const char *name, enum pg_rig_type type, int row)
{
	if (strcmp(name, "most") == 0) {
		return MOST;
	}
	return type == PG_RIG_BIGINT ? row : row % 100 == 0 ? 0 : 1 + row % 3;
}

static const char *text_for(struct world *w, const char *name, int row)
{
	const char *text = arena_printf(&w->arena, "%s%d", name, row);

	assert_non_null(text);
	return text;
}

static void bind_all(struct world *w, struct sql_query *q, const struct pg_rig_stmt *s, int row)
{
	for (unsigned i = 0; i < s->n_params; i++) {
		const char *name = s->names[i];

		switch (s->types[i]) {
		case PG_RIG_BIGINT:
		case PG_RIG_INTEGER:
			sql_bind_i64(q, name, number_for(name, s->types[i], row));
			break;
		case PG_RIG_TEXT:
			sql_bind_text(q, name, slice_str(text_for(w, name, row)));
			break;
		case PG_RIG_BLOB:
			sql_bind_blob(q, name, SLICE("\x00\xff"));
			break;
		}
	}
}

/* ---- equal results ---- */

/* What a statement yielded, as text. */
struct outcome {
	enum err e;
	int64_t changes;
	unsigned n;
	const char *rows[ROWS_MAX];
};

static const char *row_text(struct world *w, struct sql_query *q, const struct pg_rig_stmt *s)
{
	struct buf out = buf_new(1024 * 1024);
	struct slice text;

	for (unsigned i = 0; i < s->n_columns; i++) {
		bool is_number = s->columns[i] == PG_RIG_BIGINT || s->columns[i] == PG_RIG_INTEGER;

		if (sql_col_is_null(q, (int)i)) {
			buf_append_str(&out, "NULL|");
		} else if (is_number) {
			buf_printf(&out, "%lld|", (long long)sql_col_i64(q, (int)i));
		} else {
			buf_append_slice(&out, sql_col_blob(q, (int)i));
			buf_append_char(&out, '|');
		}
	}
	buf_append_char(&out, '\0');
	assert_int_equal(arena_copy(&w->arena, buf_slice(&out), &text), ERR_OK);
	buf_free(&out);
	return text.ptr;
}

static void run(
    struct world *w, struct sql_db *db, const struct pg_rig_stmt *s, int row, struct outcome *ret)
{
	struct err_note note = { 0 };
	struct sql_query *q;

	*ret = (struct outcome){ .e = ERR_OK };
	if (sql_begin(db, s->stmt, &q, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	bind_all(w, q, s, row);
	while ((ret->e = sql_step(q)) == ERR_OK) {
		assert_true(ret->n < ROWS_MAX);
		ret->rows[ret->n++] = row_text(w, q, s);
	}
	if (ret->e != ERR_END) {
		fail_msg("%s on %s: %s", s->stmt->name, db == w->sqlite ? "SQLite" : "PostgreSQL",
		    note.text);
	}
	sql_end(q);
	ret->changes = sql_changes(db);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Without ORDER BY any order is right, and with LIMIT any of the rows. */
static void assert_equal_rows(const struct sql_stmt *stmt, struct outcome *a, struct outcome *b)
{
	bool ordered = strstr(stmt->text, "ORDER BY") != NULL;

	if (a->n != b->n || a->changes != b->changes) {
		fail_msg("%s: SQLite %u rows, %lld changes; PostgreSQL %u rows, %lld changes",
		    stmt->name, a->n, (long long)a->changes, b->n, (long long)b->changes);
	}
	if (!ordered && strstr(stmt->text, "LIMIT") != NULL) {
		return;
	}
	if (!ordered) {
		qsort(a->rows, a->n, sizeof(a->rows[0]), by_text);
		qsort(b->rows, b->n, sizeof(b->rows[0]), by_text);
	}
	for (unsigned i = 0; i < a->n; i++) {
		if (strcmp(a->rows[i], b->rows[i]) != 0) {
			fail_msg(
			    "%s: SQLite %s, PostgreSQL %s", stmt->name, a->rows[i], b->rows[i]);
		}
	}
}

static void compare_statement(struct world *w, const struct sql_stmt *stmt)
{
	static const int rows[] = { A_ROW, A_ROW, 1, NO_ROW };
	struct outcome *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	struct pg_rig_stmt s;

	pg_rig_describe(w->server, stmt, &s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(w, w->sqlite, &s, rows[i], a);
		run(w, w->postgres, &s, rows[i], b);
		assert_equal_rows(stmt, a, b);
	}
	free(s.text);
	free(a);
	free(b);
}

/* All rows of all tables on both sides. */
static void compare_tables(struct world *w)
{
	for (unsigned i = 0; i < w->n_tables; i++) {
		struct sql_stmt *stmt = arena_alloc(&w->arena, sizeof(*stmt));

		*stmt = (struct sql_stmt){ .name = w->tables[i],
			.text = arena_printf(&w->arena, "SELECT * FROM %s", w->tables[i]) };
		compare_statement(w, stmt);
	}
}

static void every_statement_does_the_same_on_both_engines(void **state)
{
	struct world *w = *state;
	struct err_note note = { 0 };
	unsigned n = 0;

	fill_sqlite(w);
	if (sql_copy(w->sqlite, w->postgres, NULL, NULL, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	for (size_t i = 0; i < service_table_count; i++) {
		const struct sql_table *t = &service_table[i]->stmts;

		for (unsigned k = 0; k < t->n; k++, n++) {
			compare_statement(w, &t->stmts[k]);
		}
	}
	compare_tables(w);
	assert_true(n >= 30);
}

static void audits_run_on_postgres(void **state)
{
	struct world *w = *state;
	struct err_note note = { 0 };

	for (size_t i = 0; i < service_table_count; i++) {
		if (service_table[i]->audit != NULL &&
		    service_table[i]->audit(w->postgres, &note) != ERR_OK) {
			fail_msg("%s", note.text);
		}
	}
	pg_rig_run(pg_rig_shared(),
	    "INSERT INTO email VALUES ('a@b', 7, 'a@b', 'primary', 1, 1)"); /* of no account */
	assert_int_equal(service_table[0]->audit(w->postgres, &note), ERR_CORRUPT);
}

/* ---- plans ---- */

struct cost {
	int64_t touched;
	const char *scanned; /* a table that is read from end to end, or NULL */
};

static double get_number(const struct json *v, const char *key)
{
	int64_t n = 0;

	(void)json_get_i64(json_member(v, key), &n);
	return (double)n;
}

/* Adds up a node of a plan and those below it. */
static void walk(struct world *w, const struct json *node, struct cost *cost)
{
	const struct json *below = json_member(node, "Plans");
	struct slice kind = SLICE_EMPTY, table = SLICE_EMPTY;

	(void)json_get_string(json_member(node, "Node Type"), &kind);
	if (json_get_string(json_member(node, "Relation Name"), &table) &&
	    !slice_eq(kind, SLICE("ModifyTable"))) {
		double rows = get_number(node, "Actual Rows") +
			      get_number(node, "Rows Removed by Filter") +
			      get_number(node, "Rows Removed by Index Recheck");
		double loops = get_number(node, "Actual Loops");

		cost->touched += (int64_t)(rows * loops);
		if (slice_eq(kind, SLICE("Seq Scan")) && loops > 0) {
			cost->scanned = arena_printf(&w->arena, "%.*s", SLICE_ARG(table));
		}
	}
	for (size_t i = 0; i < json_count(below); i++) {
		walk(w, json_element(below, i), cost);
	}
}

static void append_arguments(struct world *w, struct buf *text, const struct pg_rig_stmt *s)
{
	for (unsigned i = 0; i < s->n_params; i++) {
		const char *name = s->names[i];

		buf_append_str(text, i == 0 ? "(" : ", ");
		switch (s->types[i]) {
		case PG_RIG_BIGINT:
		case PG_RIG_INTEGER:
			buf_append_i64(text, number_for(name, s->types[i], A_ROW));
			break;
		case PG_RIG_TEXT:
			buf_printf(text, "'%s'", text_for(w, name, A_ROW));
			break;
		case PG_RIG_BLOB:
			buf_append_str(text, "'\\x00ff'");
			break;
		}
	}
	buf_append_str(text, s->n_params == 0 ? "" : ")");
}

/* Runs "WORDS statement(arguments)"; what it answers is to be freed. */
static char *execute(struct world *w, const struct pg_rig_stmt *s, const char *words)
{
	struct buf text = buf_new(TEXT_BYTES);
	char *answer;

	buf_printf(&text, "%s looked_at", words);
	append_arguments(w, &text, s);
	buf_append_char(&text, '\0');
	answer = pg_rig_answer(w->server, text.data);
	buf_free(&text);
	return answer;
}

static void must(struct world *w, const char *words, const char *more)
{
	struct buf text = buf_new(TEXT_BYTES);

	buf_printf(&text, "%s%s", words, more);
	buf_append_char(&text, '\0');
	free(pg_rig_answer(w->server, text.data));
	buf_free(&text);
}

static struct cost cost_of(struct world *w, const struct pg_rig_stmt *s, const char *mode)
{
	enum {
		TIMES = 6 /* then the server may choose a plan that fits any values */
	};
	struct cost cost = { 0 };
	const struct json *plan = NULL;
	char *text;

	must(w, "SET plan_cache_mode = ", mode);
	must(w, "BEGIN", "");
	must(w, "PREPARE looked_at AS ", s->text);
	for (int i = 0; i < TIMES; i++) {
		free(execute(w, s, "EXECUTE"));
	}
	text = execute(w, s, "EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) EXECUTE");
	assert_int_equal(json_parse(&w->arena, slice_str(text), &plan, NULL), ERR_OK);
	walk(w, json_member(json_element(plan, 0), "Plan"), &cost);
	free(text);
	must(w, "ROLLBACK", "");
	must(w, "DEALLOCATE looked_at", "");
	return cost;
}

static void check_plan(struct world *w, const struct sql_stmt *stmt)
{
	static const char *const modes[] = { "force_custom_plan", "auto" };
	struct pg_rig_stmt s;

	if ((stmt->flags & SQL_SCANS) != 0) {
		return;
	}
	pg_rig_describe(w->server, stmt, &s);
	for (size_t i = 0; i < 2; i++) {
		struct cost cost = cost_of(w, &s, modes[i]);

		if (cost.scanned != NULL || cost.touched > TOUCHED_MAX) {
			fail_msg("%s (%s): touches %lld rows, scans %s", stmt->name, modes[i],
			    (long long)cost.touched,
			    cost.scanned == NULL ? "nothing" : cost.scanned);
		}
	}
	free(s.text);
}

static void no_statement_reads_a_large_table(void **state)
{
	struct world *w = *state;

	fill_postgres(w);
	for (size_t i = 0; i < service_table_count; i++) {
		const struct sql_table *t = &service_table[i]->stmts;

		for (unsigned k = 0; k < t->n; k++) {
			check_plan(w, &t->stmts[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    every_statement_does_the_same_on_both_engines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(audits_run_on_postgres, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    no_statement_reads_a_large_table, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
