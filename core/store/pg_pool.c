/*
 * The pool: at most PG_POOL_MAX connections, a bounded queue of tasks that wait for one, and a
 * keeper, a task that connects. It holds one connection open always and makes more, up to the size,
 * while tasks wait. After a failed connect it pauses, longer each time and by chance, so that
 * a hundred processes do not come back in step to a server that has just started.
 *
 * While the server is away tasks wait as they do for a busy one: at most wait_us, at most wait_max
 * of them. A restart of a second therefore costs a pause, and a long one costs refusals.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/obs/log.h"
#include "core/store/pg_priv.h"

enum {
	BACKOFF_FIRST_US = 50000,
	BACKOFF_MAX_US = 2000000,
	FIRST_HOLD_US = 2000 /* a guess until measured */
};

/* A task in the queue; on its stack. */
struct waiter {
	struct list node;
	struct task *task;
	struct pg_conn *given;
};

static const struct metric_def open_def = { "database_connections", METRIC_GAUGE, NULL,
	"Connections to PostgreSQL that are open." };
static const struct metric_def connects_def = { "database_connects_total", METRIC_COUNTER,
	"outcome", "Attempts to connect to PostgreSQL." };
static const struct metric_def refused_def = { "database_refused_total", METRIC_COUNTER, "reason",
	"Requests that got no connection: too many waited, or none was free in time." };
static const struct metric_def reruns_def = { "database_reruns_total", METRIC_COUNTER, NULL,
	"Transactions run again after a conflict or a broken connection." };
static const struct metric_def wait_def = { "database_wait_seconds", METRIC_HIST, NULL,
	"Time that a request waited for a connection." };

void pg_metric_schema(struct metric_schema *schema)
{
	metric_schema_add(schema, &open_def, NULL);
	metric_schema_add(schema, &connects_def, "ok");
	metric_schema_add(schema, &connects_def, "failed");
	metric_schema_add(schema, &refused_def, "queue");
	metric_schema_add(schema, &refused_def, "wait");
	metric_schema_add(schema, &reruns_def, NULL);
	metric_schema_add(schema, &wait_def, NULL);
}

static void find_cells(struct pg_cells *c, const struct metrics *m)
{
	c->open = metric_cell(m, &open_def, NULL);
	c->connects = metric_cell(m, &connects_def, "ok");
	c->failures = metric_cell(m, &connects_def, "failed");
	c->refused_queue = metric_cell(m, &refused_def, "queue");
	c->refused_wait = metric_cell(m, &refused_def, "wait");
	c->reruns = metric_cell(m, &reruns_def, NULL);
	c->wait = metric_hist(m, &wait_def, NULL);
}

static void count(_Atomic int64_t *cell)
{
	if (cell != NULL) {
		metric_add(cell, 1);
	}
}

/* ---- state ---- */

static unsigned count_in(const struct pg_pool *p, enum pg_conn_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->o.size; i++) {
		n += p->conn[i].state == state;
	}
	return n;
}

static unsigned count_open(const struct pg_pool *p)
{
	return p->o.size - count_in(p, PG_CLOSED) - count_in(p, PG_CONNECTING);
}

bool pg_pool_is_up(const struct pg_pool *p)
{
	return count_open(p) > 0;
}

struct pg_pool_state pg_pool_state(const struct pg_pool *p)
{
	struct pg_pool_state s = { .open = count_open(p),
		.busy = count_in(p, PG_BUSY),
		.waiting = p->n_waiting + p->gate.n_waiting };
	int64_t now_us = loop_now_us(p->o.loop);

	if (s.open == 0) {
		s.expected_wait_us = p->retry_us > now_us ? p->retry_us - now_us : 0;
	} else if (list_is_empty(&p->idle) && s.open == p->o.size) {
		s.expected_wait_us = (s.waiting + 1) * p->hold_us / s.open;
	}
	return s;
}

static void publish(struct pg_pool *p)
{
	if (p->cells.open != NULL) {
		metric_set(p->cells.open, count_open(p));
	}
}

/* ---- giving connections to tasks ---- */

static void give_to_next(struct pg_conn *c)
{
	struct pg_pool *p = c->pool;
	struct list *node = list_pop(&p->waiters);

	if (node == NULL) {
		c->state = PG_IDLE;
		/* First in the list: the one that was used last goes out next. */
		list_push(p->idle.next, &c->node);
		pg_conn_rest(c);
		return;
	}
	struct waiter *w = LIST_OF(node, struct waiter, node);
	c->state = PG_BUSY;
	c->since_us = clock_mono_us();
	w->given = c;
	p->n_waiting--;
	task_wake(w->task);
}

static void wake_keeper(struct pg_pool *p)
{
	if (p->keeper != NULL) {
		task_wake(p->keeper);
	}
}

void pg_pool_settle(struct pg_conn *c)
{
	struct pg_pool *p = c->pool;

	list_remove(&c->node);
	if (!c->broken) {
		give_to_next(c);
		return;
	}
	pg_conn_close(c);
	publish(p);
	wake_keeper(p);
}

void pg_pool_give(struct pg_conn *c)
{
	struct pg_pool *p = c->pool;

	CHECK(c->state == PG_BUSY);
	p->hold_us += (clock_mono_us() - c->since_us - p->hold_us) / 16;
	if (!c->broken && c->syncs > 0) {
		pg_conn_abandon(c);
		wake_keeper(p); /* which bounds the time of it */
		return;
	}
	pg_pool_settle(c);
}

static enum err wait_in_queue(
    struct pg_pool *p, const char *what, struct pg_conn **ret, struct err_note *note)
{
	struct waiter w = { .task = task_current() };
	int64_t begun_us = clock_mono_us();
	enum err e = ERR_OK;

	CHECK(w.task != NULL);
	list_init(&w.node);
	list_push(&p->waiters, &w.node);
	p->n_waiting++;
	wake_keeper(p);
	while (e == ERR_OK && w.given == NULL) {
		e = task_wait(begun_us + p->o.wait_us);
	}
	if (p->cells.wait != NULL) {
		hist_record(p->cells.wait, clock_mono_us() - begun_us);
	}
	if (w.given != NULL) { /* also when the time is over in the same moment */
		*ret = w.given;
		return ERR_OK;
	}
	list_remove(&w.node);
	p->n_waiting--;
	if (e == ERR_DEADLINE) {
		count(p->cells.refused_wait);
		return err_note_set(
		    note, ERR_TOO_BUSY, "%s: no database connection was free in time", what);
	}
	return err_note_set(note, e, "%s: %s", what, err_text(e));
}

/* A session connects when it is asked, and only then. */
static enum err take_in_session(struct pg_pool *p, struct pg_conn **ret, struct err_note *note)
{
	struct pg_conn *c = &p->conn[0];
	enum err e = ERR_OK;

	CHECK(c->state != PG_BUSY);
	if (c->state == PG_CLOSED) {
		e = pg_conn_open(c, clock_mono_us() + PG_CONNECT_US, note);
	}
	if (e == ERR_OK) {
		list_remove(&c->node);
		c->state = PG_BUSY;
		*ret = c;
	}
	return e;
}

enum err pg_pool_take(
    struct pg_pool *p, const char *what, struct pg_conn **ret, struct err_note *note)
{
	struct list *node;

	if (p->o.loop == NULL) {
		return take_in_session(p, ret, note);
	}
	CHECK(!p->closing);
	node = list_pop(&p->idle);
	if (node != NULL) {
		*ret = LIST_OF(node, struct pg_conn, node);
		(*ret)->state = PG_BUSY;
		(*ret)->since_us = clock_mono_us();
		return ERR_OK;
	}
	if (p->n_waiting >= p->o.wait_max) {
		count(p->cells.refused_queue);
		return err_note_set(
		    note, ERR_TOO_BUSY, "%s: too many wait for a database connection", what);
	}
	return wait_in_queue(p, what, ret, note);
}

/* ---- the keeper ---- */

static struct pg_conn *closed_one(struct pg_pool *p)
{
	unsigned wanted = p->n_waiting > 0 ? p->o.size : 1;

	if (count_open(p) >= wanted) {
		return NULL;
	}
	for (unsigned i = 0; i < p->o.size; i++) {
		if (p->conn[i].state == PG_CLOSED) {
			return &p->conn[i];
		}
	}
	return NULL;
}

static void note_failure(struct pg_pool *p, const struct err_note *note)
{
	count(p->cells.failures);
	if (p->backoff_us == 0) {
		LOG(LOG_WARN, "store", "database_unreachable", LOG_C("text", note->text));
	}
	p->backoff_us = p->backoff_us == 0 ? BACKOFF_FIRST_US : 2 * p->backoff_us;
	if (p->backoff_us > BACKOFF_MAX_US) {
		p->backoff_us = BACKOFF_MAX_US;
	}
	/* Between half and the whole of it. */
	p->retry_us =
	    clock_mono_us() + p->backoff_us / 2 + (int64_t)rng_below((uint64_t)p->backoff_us / 2);
}

static void connect_one(struct pg_pool *p, struct pg_conn *c)
{
	struct err_note note = { 0 };
	enum err e = pg_conn_open(c, clock_mono_us() + PG_CONNECT_US, &note);

	if (e != ERR_OK) {
		note_failure(p, &note);
		return;
	}
	count(p->cells.connects);
	if (p->backoff_us != 0) {
		LOG(LOG_INFO, "store", "database_back", LOG_C("at", p->o.target->where));
	}
	p->backoff_us = 0;
	c->state = PG_BUSY; /* ours for a moment */
	give_to_next(c);
	publish(p);
}

/* Closes what should have drained by now; the time of the next one. */
static int64_t end_overdue_drains(struct pg_pool *p, int64_t now_us)
{
	int64_t next_us = DEADLINE_NONE;

	for (unsigned i = 0; i < p->o.size; i++) {
		struct pg_conn *c = &p->conn[i];
		int64_t due_us = c->since_us + PG_DRAIN_US;

		if (c->state == PG_DRAINING && due_us <= now_us) {
			pg_conn_close(c);
		} else if (c->state == PG_DRAINING && due_us < next_us) {
			next_us = due_us;
		}
	}
	return next_us;
}

static void free_pool(struct pg_pool *p)
{
	pg_stmts_free(&p->stmts);
	free(p->db);
	free(p);
}

static void keeper(void *arg)
{
	struct pg_pool *p = arg;

	while (!p->closing) {
		int64_t now_us = clock_mono_us(), next_us = end_overdue_drains(p, now_us);
		struct pg_conn *c = closed_one(p);

		if (c != NULL && p->retry_us <= now_us) {
			connect_one(p, c);
			continue;
		}
		if (c != NULL && p->retry_us < next_us) {
			next_us = p->retry_us;
		}
		enum err e = task_wait(next_us);
		CHECK(e == ERR_OK || e == ERR_DEADLINE || p->closing);
	}
	free_pool(p);
}

/* ---- life ---- */

static struct pg_pool *pool_new(const struct pg_pool_options *o)
{
	struct pg_pool *p = calloc(1, sizeof(*p));

	CHECK(o->size >= 1 && o->size <= PG_POOL_MAX);
	if (p == NULL || (p->db = calloc(1, sizeof(struct pg_db))) == NULL) {
		free(p);
		return NULL;
	}
	p->o = *o;
	p->hold_us = FIRST_HOLD_US;
	list_init(&p->idle);
	list_init(&p->waiters);
	pg_gate_init(&p->gate);
	for (unsigned i = 0; i < PG_POOL_MAX; i++) {
		p->conn[i].pool = p;
		list_init(&p->conn[i].node);
	}
	if (o->metrics != NULL) {
		find_cells(&p->cells, o->metrics);
	}
	pg_db_init((struct pg_db *)p->db, p, NULL, o->mode);
	return p;
}

enum err pg_pool_open(const struct pg_pool_options *o, struct pg_pool **ret, struct err_note *note)
{
	struct pg_pool *p = pool_new(o);

	if (p == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for database connections");
	}
	enum err e = task_spawn(o->loop, keeper, p, DEADLINE_NONE, &p->keeper);
	if (e != ERR_OK) {
		free_pool(p);
		return err_note_set(note, e, "database connections: %s", err_text(e));
	}
	*ret = p;
	return ERR_OK;
}

void pg_pool_close(struct pg_pool **pp)
{
	struct pg_pool *p = *pp;

	*pp = NULL;
	if (p == NULL) {
		return;
	}
	if (p->db->n_running > 0 || p->n_waiting > 0 || p->gate.n_in > 0) {
		return; /* the process ends with tasks in the middle: the kernel takes the rest */
	}
	p->closing = true;
	for (unsigned i = 0; i < p->o.size; i++) {
		/* One that connects is the keeper's, which gives up next. */
		if (p->conn[i].state != PG_CLOSED && p->conn[i].state != PG_CONNECTING) {
			pg_conn_close(&p->conn[i]);
		}
	}
	if (p->o.loop == NULL) {
		free_pool(p);
	} else {
		task_cancel(p->keeper);
	}
}

struct sql_db *pg_pool_db(struct pg_pool *p)
{
	return p->db;
}

enum err pg_open(
    const struct pg_target *t, enum sql_mode mode, struct sql_db **ret, struct err_note *note)
{
	const struct pg_pool_options o = { .target = t, .mode = mode, .size = 1 };
	struct pg_pool *p = pool_new(&o);
	struct pg_conn *c = NULL;

	if (p == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for a database connection");
	}
	enum err e = take_in_session(p, &c, note);
	if (e != ERR_OK) {
		pg_pool_close(&p);
		return e;
	}
	((struct pg_db *)p->db)->conn = c;
	*ret = p->db;
	return ERR_OK;
}
