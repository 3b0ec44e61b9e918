/*
 * Group commit. All writes that wait are run in one transaction, each in a savepoint of its own,
 * and answered after the commit, so that one fsync serves all of them. While it runs, the next ones
 * arrive. A function that fails is undone alone; a commit that fails fails everybody in it, and
 * nobody has been told otherwise.
 *
 * SQLite ends a whole transaction by itself when the disk is full, memory runs out or input/output
 * fails in the middle. Then the batch is lost: all its requests get that error, the next batch
 * starts afresh.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/trace.h"
#include "core/obs/log.h"
#include "core/store/sql_priv.h"
#include "core/store/store_priv.h"

enum own_stmt {
	OWN_BEGIN,
	OWN_SAVEPOINT,
	OWN_UNDO,
	OWN_RELEASE,
	OWN_COMMIT,
	OWN_ROLLBACK
};

static const struct sql_stmt own_stmts[] = {
	[OWN_BEGIN] = { .name = "store.begin",
	    .text = "BEGIN IMMEDIATE",
	    .postgres_text = "BEGIN ISOLATION LEVEL SERIALIZABLE",
	    .flags = SQL_WRITES },
	[OWN_SAVEPOINT] = { .name = "store.savepoint", .text = "SAVEPOINT request" },
	[OWN_UNDO] = { .name = "store.undo", .text = "ROLLBACK TO SAVEPOINT request" },
	[OWN_RELEASE] = { .name = "store.release", .text = "RELEASE SAVEPOINT request" },
	[OWN_COMMIT] = { .name = "store.commit", .text = "COMMIT" },
	[OWN_ROLLBACK] = { .name = "store.rollback", .text = "ROLLBACK" },
};

const struct sql_table store_own_stmts = { own_stmts, sizeof(own_stmts) / sizeof(own_stmts[0]) };

static enum err run_own(struct store *s, enum own_stmt which, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(s->db, &own_stmts[which], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* The next write that is still wanted, or NULL. Those whose time is over are answered. */
static struct rpc_request *take_write(struct store *s, int64_t now_us)
{
	struct list *node;

	while ((node = list_pop(&s->writes)) != NULL) {
		struct rpc_request *q = rpc_request_of(node);

		s->n_writes--;
		if (rpc_request_view(q).info.deadline_us > now_us) {
			return q;
		}
		store_answer_error(s, q, ERR_DEADLINE, STORE_EXPIRED);
	}
	return NULL;
}

static void keep_hooks(struct store *s, const struct txn *t)
{
	for (unsigned i = 0; i < t->n_after; i++) {
		bool known = false;

		for (unsigned k = 0; k < s->n_after; k++) {
			known = known || s->after[k] == t->after_commit[i];
		}
		if (!known) {
			CHECK(s->n_after < STORE_AFTER_MAX);
			s->after[s->n_after++] = t->after_commit[i];
		}
	}
}

static enum err call_function(struct store *s, struct store_item *item, struct txn *t)
{
	struct rpc_request_view v = rpc_request_view(item->q);
	struct slice reply;
	enum err e;

	item->reply = buf_new(v.def->max_rep);
	uint64_t before = trace_set(v.info.trace);
	e = v.def->handle(t, &v.info, v.payload, &item->reply, &item->note);
	(void)trace_set(before);
	CHECK(sql_running(s->db) == 0); /* it forgot a sql_end() */
	CHECK(t->n_after <= sizeof(t->after_commit) / sizeof(t->after_commit[0]));
	if (e == ERR_OK && buf_finish(&item->reply, &reply) != ERR_OK) {
		e = err_note_set(&item->note, ERR_LIMIT, "%s: its reply is too large", v.def->name);
	}
	return e;
}

/* Runs one request in its savepoint. False: SQLite has ended the transaction. */
static bool run_item(struct store *s, struct store_item *item, int64_t now_ms)
{
	struct arena arena = arena_new(STORE_ARENA_MAX);
	struct txn t = { .db = s->db, .arena = &arena, .now_ms = now_ms, .env = s->env };
	enum err undone = ERR_OK;

	item->result = run_own(s, OWN_SAVEPOINT, &item->note);
	if (item->result == ERR_OK) {
		item->result = call_function(s, item, &t);
		if (item->result != ERR_OK && sql_in_txn(s->db)) {
			undone = run_own(s, OWN_UNDO, NULL);
		}
		if (sql_in_txn(s->db)) {
			undone = undone == ERR_OK ? run_own(s, OWN_RELEASE, NULL) : undone;
		}
	}
	arena_reset(&arena);
	if (undone != ERR_OK || !sql_in_txn(s->db)) {
		item->result = item->result == ERR_OK ? ERR_IO : item->result;
		return false;
	}
	if (item->result == ERR_OK) {
		keep_hooks(s, &t);
	}
	return true;
}

/* Everything that seemed done in this batch is not. */
static void fail_batch(struct store *s, enum err e, const struct err_note *note)
{
	for (unsigned i = 0; i < s->n_batch; i++) {
		if (s->batch[i].result == ERR_OK) {
			s->batch[i].result = e;
			s->batch[i].note = *note;
		}
	}
	s->n_after = 0;
	if (sql_in_txn(s->db)) {
		enum err undone = run_own(s, OWN_ROLLBACK, NULL);

		CHECK(undone == ERR_OK || !sql_in_txn(s->db));
	}
}

/* Fills and runs the batch inside the open transaction. False: it is lost. */
static bool run_batch(struct store *s, struct rpc_request *first, struct err_note *ret_note)
{
	int64_t begun_us = clock_mono_us(), now_us = begun_us, item_us;
	int64_t now_ms = clock_wall_ms();
	struct rpc_request *q = first;
	bool alive = true;

	while (alive && q != NULL) {
		struct store_item *item = &s->batch[s->n_batch++];

		*item = (struct store_item){ .q = q };
		alive = run_item(s, item, now_ms);
		if (!alive) {
			*ret_note = item->note;
			ret_note->code = item->result;
		}
		item_us = clock_mono_us() - now_us;
		now_us += item_us;
		rpc_request_ran(item->q, item_us);
		q = alive && s->n_batch < STORE_BATCH_MAX && now_us - begun_us < s->batch_work_us
			? take_write(s, now_us)
			: NULL;
	}
	s->work_us += ((now_us - begun_us) / s->n_batch - s->work_us) / 8;
	return alive;
}

/* One line when writing begins to fail or works again, not one per request. */
static void note_trouble(struct store *s, enum err e, const struct err_note *note)
{
	if (e != ERR_OK && e != s->trouble) {
		LOG(LOG_ERROR, "store", "commit_failed", LOG_C("err", err_name(e)),
		    LOG_C("text", note->text));
	} else if (e == ERR_OK && s->trouble != ERR_OK) {
		LOG(LOG_INFO, "store", "commit_works_again", LOG_I("requests", s->n_batch));
	}
	s->trouble = e;
}

/* Ends the transaction of a batch whose functions have run. */
static void finish_batch(struct store *s, struct err_note *note)
{
	unsigned n_ok = 0;
	int64_t begun_us = clock_mono_us(), took_us;
	enum err e;

	for (unsigned i = 0; i < s->n_batch; i++) {
		n_ok += s->batch[i].result == ERR_OK ? 1 : 0;
	}
	if (n_ok == 0) { /* nothing to keep: spare the fsync */
		fail_batch(s, ERR_CANCELLED, note);
		return;
	}
	e = run_own(s, OWN_COMMIT, note);
	took_us = clock_mono_us() - begun_us;
	hist_record(s->cells.commit, took_us);
	s->commit_us += (took_us - s->commit_us) / 8;
	if (e != ERR_OK) {
		fail_batch(s, e, note);
	} else {
		metric_add(s->cells.batch[store_size_class(n_ok)], 1);
	}
	note_trouble(s, e, note);
}

static void answer_batch(struct store *s)
{
	for (unsigned i = 0; i < s->n_batch; i++) {
		struct store_item *item = &s->batch[i];
		bool ok = item->result == ERR_OK;

		metric_add(s->cells.outcome[ok ? STORE_COMMITTED : STORE_FAILED], 1);
		rpc_reply(item->q, item->result, ok ? buf_slice(&item->reply) : SLICE_EMPTY,
		    ok ? NULL : &item->note);
		buf_free(&item->reply);
	}
	for (unsigned i = 0; i < s->n_after; i++) {
		s->after[i](s->env);
	}
	s->n_batch = s->n_after = 0;
}

/* The transaction cannot even begin: one wait for all who are here, not one for each. */
static void refuse_batch(
    struct store *s, struct rpc_request *first, enum err e, const struct err_note *note)
{
	struct rpc_request *q = first;

	while (q != NULL) {
		s->batch[s->n_batch++] = (struct store_item){ .q = q };
		q = s->n_batch < STORE_BATCH_MAX ? take_write(s, clock_mono_us()) : NULL;
	}
	fail_batch(s, e, note);
	note_trouble(s, e, note);
}

void store_commit(struct store *s)
{
	struct rpc_request *first = take_write(s, clock_mono_us());
	struct err_note note = { 0 };
	enum err e;

	if (first == NULL) {
		return;
	}
	e = run_own(s, OWN_BEGIN, &note);
	if (e != ERR_OK) {
		refuse_batch(s, first, e, &note);
	} else if (run_batch(s, first, &note)) {
		finish_batch(s, &note);
	} else {
		fail_batch(s, note.code, &note);
		note_trouble(s, note.code, &note);
	}
	answer_batch(s);
}
