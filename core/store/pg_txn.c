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
	PAUSE_FIRST_US = 1000, /* behind a broken connection; doubles, by chance */
	PAUSE_MAX_US = 64000
};

/* What all runs of a transaction share. */
struct txn_call {
	struct pg_pool *pool;
	enum pg_txn_kind kind;
	pg_txn_fn *fn;
	pg_begun_fn *begun;
	void *arg;
	struct pg_txn_result *result;
	enum pg_fault fault; /* of the last run */
	struct err_note why;
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
static enum err run_once(struct pg_db *db, struct txn_call *t, bool *ret_again)
{
	enum err e = t->fn(t->arg, &db->base, &t->why);
	bool is_open = db->begun;

	if (e == ERR_OK && db->fault != PG_FAULT_NONE) {
		e = ERR_CONFLICT; /* it overlooked a failed statement */
	}
	if (e == ERR_OK && db->begun) {
		int64_t begun_us = clock_mono_us();
		e = commit(db, &t->why);
		t->result->commit_us = clock_mono_us() - begun_us;
		is_open = false;
	}
	*ret_again = e != ERR_OUTCOME_UNKNOWN && e != ERR_OK && db->fault != PG_FAULT_NONE;
	t->fault = db->fault;
	if (t->kind == PG_TXN_READ && e == ERR_OUTCOME_UNKNOWN) {
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

/* A run from the wait for a connection to the end of the transaction. */
static enum err take_and_run(struct txn_call *t, unsigned *runs_begun, bool *ret_again)
{
	struct pg_conn *c = NULL;
	struct pg_db db;
	enum err e = pg_pool_take(t->pool, "transaction", &c, &t->why);

	*ret_again = false;
	if (e != ERR_OK) {
		return e;
	}
	if (t->begun != NULL) {
		t->begun(t->arg);
	}
	if (*runs_begun > 0) {
		pg_count(t->pool->cells.reruns);
	}
	*runs_begun += 1;
	pg_db_init(&db, t->pool, c, t->kind == PG_TXN_WRITE ? SQL_READ_WRITE : SQL_READ_ONLY);
	db.begin_text = begin_texts[t->kind];
	db.base.observe = t->pool->db->observe;
	db.base.observe_arg = t->pool->db->observe_arg;
	return run_once(&db, t, ret_again);
}

/* The same in its turn: what had a conflict runs alone, so that it has none again. */
static enum err run_in_turn(struct txn_call *t, enum pg_fault before, bool *ret_again)
{
	struct pg_gate *gate = &t->pool->gate;
	unsigned runs = t->result->runs;
	enum err e = ERR_OK;

	*ret_again = false;
	if (before == PG_FAULT_BROKEN) {
		e = pause_before(runs);
	}
	if (e == ERR_OK && t->kind == PG_TXN_WRITE) {
		e = pg_gate_enter(
		    gate, before == PG_FAULT_RERUN, clock_mono_us() + t->pool->o.wait_us);
	}
	if (e == ERR_DEADLINE) {
		return err_note_set(&t->why, ERR_TOO_BUSY, "too many transactions conflict");
	}
	if (e != ERR_OK) {
		return err_note_set(&t->why, e, "%s", err_text(e));
	}
	e = take_and_run(t, &t->result->runs, ret_again);
	if (t->kind == PG_TXN_WRITE) {
		pg_gate_leave(gate);
	}
	return e;
}

enum err pg_txn_run(struct pg_pool *p, enum pg_txn_kind kind, bool may_repeat, pg_txn_fn *fn,
    pg_begun_fn *begun, void *arg, struct pg_txn_result *ret, struct err_note *note)
{
	struct txn_call t = {
		.pool = p, .kind = kind, .fn = fn, .begun = begun, .arg = arg, .result = ret
	};
	enum err e;
	bool again;

	*ret = (struct pg_txn_result){ .commit_us = -1 };
	do {
		enum pg_fault before = t.fault;

		t.fault = PG_FAULT_NONE;
		t.why = (struct err_note){ 0 };
		e = run_in_turn(&t, before, &again);
		again = again || (e == ERR_OUTCOME_UNKNOWN && may_repeat);
	} while (again && ret->runs < RUNS_MAX);
	if (again && e != ERR_OUTCOME_UNKNOWN) {
		/* Other stores on the same database were always faster, or the server is ailing. */
		e = t.fault == PG_FAULT_RERUN ? ERR_TOO_BUSY : ERR_PEER_GONE;
	}
	if (note != NULL && e != ERR_OK) {
		*note = t.why;
	}
	return e;
}
