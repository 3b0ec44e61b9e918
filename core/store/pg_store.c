/*
 * See pg_store.h. A request is a task from its arrival to its answer. While it waits for a
 * connection its caller may cancel it; afterwards it goes on to its end, as in SQLite's batch, so
 * that what was done is always told.
 */
#include "core/store/pg_store.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/trace.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "core/store/store_priv.h"

enum {
	REQUESTS_MAX = 1024, /* in this process, waiting or running */
	FIRST_RUN_US = 2000
};

struct pg_store {
	struct loop *loop;
	struct pg_pool *pool;
	struct rpc_server *server; /* NULL until pg_store_set_server() */
	struct store_timing *timing;
	void *env;
	struct store_cells cells;
	struct list requests;
	unsigned n_requests;
	bool serves, read_only;
	enum err trouble; /* why the last transaction failed; ERR_OK: it did not */
};

struct request {
	struct list node;
	struct pg_store *store;
	struct rpc_request *q;
	struct task *task;
	bool begun; /* it has a connection: cancelling is over */
	struct arena arena;
	struct txn txn;
	struct buf reply;
	struct err_note note;
};

static void publish(struct pg_store *s)
{
	struct pg_pool_state state = pg_pool_state(s->pool);

	if (s->server != NULL) {
		rpc_server_set_queue(s->server, state.waiting, state.expected_wait_us);
	}
	if (s->cells.slot != NULL) {
		metric_set(&s->cells.slot->queue_len, state.waiting);
		metric_set(&s->cells.slot->queue_wait_us, state.expected_wait_us);
		metric_set(&s->cells.slot->busy, state.busy);
	}
}

/* ---- one request ---- */

static void on_begun(void *arg)
{
	struct request *r = arg;

	r->begun = true;
	publish(r->store);
}

/* One run of the function: from the start, whatever a run before it left here. */
static enum err call_function(void *arg, struct sql_db *db, struct err_note *note)
{
	struct request *r = arg;
	struct rpc_request_view v = rpc_request_view(r->q);
	struct slice reply;

	arena_reset(&r->arena);
	buf_clear(&r->reply);
	r->txn = (struct txn){
		.db = db, .arena = &r->arena, .now_ms = clock_wall_ms(), .env = r->store->env
	};
	uint64_t before = trace_set(v.info.trace);
	enum err e = v.def->handle(&r->txn, &v.info, v.payload, &r->reply, note);
	(void)trace_set(before);
	CHECK(r->txn.n_after <= sizeof(r->txn.after_commit) / sizeof(r->txn.after_commit[0]));
	if (e == ERR_OK && buf_finish(&r->reply, &reply) != ERR_OK) {
		e = err_note_set(note, ERR_LIMIT, "%s: its reply is too large", v.def->name);
	}
	return e;
}

static enum store_outcome outcome_of(enum err e)
{
	switch ((int)e) {
	case ERR_OK:
		return STORE_COMMITTED;
	case ERR_TOO_BUSY:
		return STORE_REFUSED;
	case ERR_DEADLINE:
		return STORE_EXPIRED;
	case ERR_CANCELLED:
		return STORE_CANCELLED;
	default:
		return STORE_FAILED;
	}
}

/* One line when transactions begin to fail or work again, not one per request. */
static void note_trouble(struct pg_store *s, const struct request *r, enum err e)
{
	bool is_trouble = e == ERR_PEER_GONE || e == ERR_OUTCOME_UNKNOWN || e == ERR_DISK_FULL ||
			  e == ERR_IO || e == ERR_SYSTEM || e == ERR_DENIED;

	if (is_trouble && e != s->trouble) {
		LOG(LOG_ERROR, "store", "transaction_failed", LOG_C("err", err_name(e)),
		    LOG_C("text", r->note.text));
	} else if (e == ERR_OK && s->trouble != ERR_OK) {
		LOG(LOG_INFO, "store", "transactions_work_again", LOG_I("requests", s->n_requests));
	}
	if (is_trouble || e == ERR_OK) {
		s->trouble = e;
	}
}

static void count_end(struct pg_store *s, const struct request *r, bool writes,
    const struct pg_txn_result *result, enum err e)
{
	if (!writes) {
		metric_add(s->cells.reads, 1);
	} else {
		metric_add(s->cells.outcome[outcome_of(e)], 1);
	}
	if (writes && e == ERR_OK && result->commit_us >= 0) {
		hist_record(s->cells.commit, result->commit_us);
		metric_add(s->cells.batch[store_size_class(1)], 1);
	}
	note_trouble(s, r, e);
}

static void request_free(struct request *r)
{
	r->store->n_requests--;
	list_remove(&r->node);
	arena_reset(&r->arena);
	buf_free(&r->reply);
	free(r);
}

static void run(void *arg)
{
	struct request *r = arg;
	struct pg_store *s = r->store;
	struct rpc_request_view v = rpc_request_view(r->q);
	bool writes = (v.def->flags & RPC_TXN) != 0, repeat = (v.def->flags & RPC_IDEMPOTENT) != 0;
	struct pg_txn_result result;
	int64_t begun_us = clock_mono_us();
	enum err e = pg_txn_run(s->pool, writes ? PG_TXN_WRITE : PG_TXN_READ, repeat, call_function,
	    on_begun, r, &result, &r->note);

	count_end(s, r, writes, &result, e);
	if (result.runs > 0) {
		rpc_request_ran(r->q, clock_mono_us() - begun_us);
	}
	publish(s);
	rpc_reply(r->q, e, e == ERR_OK ? buf_slice(&r->reply) : SLICE_EMPTY,
	    e == ERR_OK ? NULL : &r->note);
	for (unsigned i = 0; e == ERR_OK && i < r->txn.n_after; i++) {
		r->txn.after_commit[i](s->env);
	}
	request_free(r);
}

/* ---- executor ---- */

static void refuse(struct pg_store *s, struct rpc_request *q, enum err e)
{
	metric_add(s->cells.outcome[STORE_REFUSED], 1);
	rpc_reply(q, e, SLICE_EMPTY, NULL);
}

static void on_request(void *arg, struct rpc_request *q)
{
	struct pg_store *s = arg;
	struct rpc_request_view v = rpc_request_view(q);
	int64_t wait_us = pg_pool_state(s->pool).expected_wait_us;
	struct request *r = NULL;

	if (s->read_only && (v.def->flags & RPC_TXN) != 0) {
		refuse(s, q, ERR_READ_ONLY);
		return;
	}
	if (!s->serves || s->n_requests >= REQUESTS_MAX ||
	    v.arrived_us + wait_us >= v.info.deadline_us || (r = calloc(1, sizeof(*r))) == NULL) {
		refuse(s, q, ERR_TOO_BUSY);
		return;
	}
	r->store = s;
	r->q = q;
	r->arena = arena_new(STORE_ARENA_MAX);
	r->reply = buf_new(v.def->max_rep);
	list_init(&r->node);
	list_push(&s->requests, &r->node);
	s->n_requests++;
	if (task_spawn(s->loop, run, r, v.info.deadline_us, &r->task) != ERR_OK) {
		request_free(r);
		refuse(s, q, ERR_TOO_BUSY);
		return;
	}
	rpc_request_set_data(q, r);
	publish(s);
}

static void on_cancel(void *arg, struct rpc_request *q)
{
	struct request *r = rpc_request_data(q);

	(void)arg;
	if (!r->begun) {
		task_cancel(r->task);
	}
}

struct rpc_executor pg_store_executor(struct pg_store *s)
{
	return (struct rpc_executor){ .execute = on_request, .cancel = on_cancel, .arg = s };
}

void pg_store_set_server(struct pg_store *s, struct rpc_server *server)
{
	s->server = server;
	publish(s);
}

/* ---- life ---- */

enum err pg_store_open(
    const struct pg_pool_options *o, void *env, struct pg_store **ret, struct err_note *note)
{
	struct pg_store *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for the store");
	}
	s->loop = o->loop;
	s->env = env;
	list_init(&s->requests);
	store_cells_find(&s->cells, o->metrics);
	enum err e = pg_pool_open(o, &s->pool, note);
	if (e == ERR_OK) {
		e = store_timing_new(o->metrics, &s->timing);
	}
	if (e != ERR_OK) {
		pg_store_close(&s);
		return e;
	}
	store_timing_attach(s->timing, pg_pool_db(s->pool));
	*ret = s;
	return ERR_OK;
}

void pg_store_serve(struct pg_store *s)
{
	s->serves = true;
}

void pg_store_set_read_only(struct pg_store *s, bool on)
{
	s->read_only = on;
}

void pg_store_set_slow(struct pg_store *s, int64_t slow_us)
{
	store_timing_set_slow(s->timing, slow_us);
}

void pg_store_close(struct pg_store **sp)
{
	struct pg_store *s = *sp;

	if (s == NULL) {
		return;
	}
	*sp = NULL;
	if (s->n_requests > 0) {
		return; /* as in pg_pool_close() */
	}
	pg_pool_close(&s->pool);
	store_timing_free(&s->timing);
	free(s);
}

struct pg_pool *pg_store_pool(struct pg_store *s)
{
	return s->pool;
}
