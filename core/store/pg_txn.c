/*
 * Transactions in a task: BEGIN goes out with the first statement, COMMIT waits for its answer, and
 * what PostgreSQL could not serialize runs again. A transaction that broke before its commit was
 * sent has left nothing behind, so it may run again, too. After the commit was sent nobody knows.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/store/pg_priv.h"

enum {
	RUNS_MAX = 10,
	PAUSE_FIRST_US = 1000, /* before a re-run; doubles, by chance, so that two rivals part */
	PAUSE_MAX_US = 64000
};

static const char *const begin_texts[] = {
	[PG_TXN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[PG_TXN_WRITE] = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
};

/* Sends COMMIT and waits. ERR_OUTCOME_UNKNOWN: no answer came. */
static enum err commit(struct pg_db *db, struct err_note *note)
{
	struct pg_conn *c = db->conn;
	PGresult *result = NULL;
	unsigned done = 0;
	enum err e = ERR_PEER_GONE;

	if (PQsendQueryParams(c->handle, "COMMIT", 0, NULL, NULL, NULL, NULL, 1) == 1) {
		e = pg_conn_fly(c, clock_mono_us() + PG_STATEMENT_US, "commit", &result, &done,
		    &db->fault, note);
	} else {
		c->broken = true;
	}
	if (e == ERR_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
		e = err_note_set(note, ERR_SYSTEM, "commit: a statement of it had failed");
	}
	if (c->broken || c->syncs > 0) {
		*note = (struct err_note){ 0 };
		e = err_note_set(note, ERR_OUTCOME_UNKNOWN, "the answer to a commit was lost");
	}
	PQclear(result);
	return e;
}

/* Undoes what has begun and gives the connection back, which reads the answer by itself. */
static void leave(struct pg_db *db, bool is_open)
{
	struct pg_conn *c = db->conn;

	CHECK(db->base.n_running == 0); /* it forgot a sql_end() */
	if (is_open && !c->broken) {
		c->state = PG_BUSY;
		pg_conn_abandon(c);
	} else {
		pg_pool_give(c);
	}
}

/* One run. *ret_again: it left nothing behind and may run again. */
static enum err run_once(struct pg_db *db, enum pg_txn_kind kind, pg_txn_fn *fn, void *arg,
    struct pg_txn_result *result, bool *ret_again, struct err_note *note)
{
	enum err e = fn(arg, &db->base, note);
	bool is_open = db->begun;

	result->runs++;
	if (e == ERR_OK && db->fault != PG_FAULT_NONE) {
		e = ERR_CONFLICT; /* it overlooked a failed statement */
	}
	if (e == ERR_OK && db->begun) {
		int64_t begun_us = clock_mono_us();
		e = commit(db, note);
		result->commit_us = clock_mono_us() - begun_us;
		is_open = false;
	}
	*ret_again = e != ERR_OUTCOME_UNKNOWN && e != ERR_OK && db->fault != PG_FAULT_NONE;
	if (kind == PG_TXN_READ && e == ERR_OUTCOME_UNKNOWN) {
		e = ERR_OK; /* nothing was to be kept, all was read in one snapshot */
	}
	leave(db, is_open);
	return e;
}

static enum err pause_before(unsigned runs)
{
	int64_t us = PAUSE_FIRST_US << (runs < 7 ? runs : 7);

	us = us > PAUSE_MAX_US ? PAUSE_MAX_US : us;
	return task_sleep(us / 2 + (int64_t)rng_below((uint64_t)us / 2));
}

enum err pg_txn_run(struct pg_pool *p, enum pg_txn_kind kind, bool may_repeat, pg_txn_fn *fn,
    pg_begun_fn *begun, void *arg, struct pg_txn_result *ret, struct err_note *note)
{
	enum sql_mode mode = kind == PG_TXN_WRITE ? SQL_READ_WRITE : SQL_READ_ONLY;
	struct err_note why = { 0 };
	bool again = true;
	enum err e = ERR_OK;

	*ret = (struct pg_txn_result){ .commit_us = -1 };
	while (again && ret->runs < RUNS_MAX) {
		struct pg_conn *c = NULL;
		struct pg_db db;

		if (ret->runs > 0 && pause_before(ret->runs) != ERR_OK) {
			break; /* the task's time is over: the error of the last run stands */
		}
		why = (struct err_note){ 0 };
		e = pg_pool_take(p, "transaction", &c, &why);
		if (e != ERR_OK) {
			break;
		}
		if (begun != NULL) {
			begun(arg);
		}
		if (ret->runs > 0 && p->cells.reruns != NULL) {
			metric_add(p->cells.reruns, 1);
		}
		pg_db_init(&db, p, c, mode);
		db.begin_text = begin_texts[kind];
		db.base.observe = p->db->observe;
		db.base.observe_arg = p->db->observe_arg;
		e = run_once(&db, kind, fn, arg, ret, &again, &why);
		again = again || (e == ERR_OUTCOME_UNKNOWN && may_repeat);
	}
	if (note != NULL && e != ERR_OK) {
		*note = why;
	}
	return e;
}
