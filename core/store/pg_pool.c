/*
 * The pool: at most PG_POOL_MAX connections, and a bounded queue of tasks that wait for one.
 *
 * While the server is away tasks wait as they do for a busy one: at most wait_us, at most wait_max
 * of them. A restart of a second therefore costs a pause, and a long one costs refusals.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/pg_priv.h"

enum {
	FIRST_HOLD_US = 2000 /* a guess until measured */
};

/* A task in the queue; on its stack. */
struct waiter {
	struct list node;
	struct task *task;
	struct pg_conn *given;
};

/* ---- state ---- */

static unsigned count_in(const struct pg_pool *p, enum pg_conn_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->o.size; i++) {
		n += p->conn[i].state == state;
	}
	return n;
}

unsigned pg_pool_count_open(const struct pg_pool *p)
{
	return p->o.size - count_in(p, PG_CLOSED) - count_in(p, PG_CONNECTING);
}

bool pg_pool_is_up(const struct pg_pool *p)
{
	return pg_pool_count_open(p) > 0;
}

struct pg_pool_state pg_pool_state(const struct pg_pool *p)
{
	struct pg_pool_state s = { .open = pg_pool_count_open(p),
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

void pg_pool_publish(struct pg_pool *p)
{
	if (p->cells.open != NULL) {
		metric_set(p->cells.open, pg_pool_count_open(p));
	}
}

/* ---- giving connections to tasks ---- */

void pg_pool_give_to_next(struct pg_conn *c)
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
		pg_pool_give_to_next(c);
		return;
	}
	pg_conn_close(c);
	pg_pool_publish(p);
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
		pg_count(p->cells.refused_wait);
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
		pg_count(p->cells.refused_queue);
		return err_note_set(
		    note, ERR_TOO_BUSY, "%s: too many wait for a database connection", what);
	}
	return wait_in_queue(p, what, ret, note);
}

/* ---- life ---- */

void pg_pool_free(struct pg_pool *p)
{
	pg_stmts_free(&p->stmts);
	free(p->db);
	free(p);
}

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
		pg_cells_find(&p->cells, o->metrics);
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
	enum err e = task_spawn(o->loop, pg_keeper, p, DEADLINE_NONE, &p->keeper);
	if (e != ERR_OK) {
		pg_pool_free(p);
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
		pg_pool_free(p);
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
