/*
 * The gate in front of serializable transactions. PostgreSQL tells rivals apart only after the
 * fact: of two that both looked where the other wrote, one must run again. Left to chance, a busy
 * table makes them meet again and again. So a transaction that has lost once waits until it is
 * alone in this process, and then wins. Others pass side by side as long as nobody lost.
 */
#include "core/store/pg_priv.h"

struct gate_waiter {
	struct list node;
	struct task *task;
};

void pg_gate_init(struct pg_gate *g)
{
	*g = (struct pg_gate){ .n_in = 0 };
	list_init(&g->waiters);
}

static bool may_enter(const struct pg_gate *g, bool alone)
{
	return alone ? g->n_in == 0 : !g->is_alone && g->n_alone_waiting == 0;
}

static enum err wait_outside(struct pg_gate *g, bool alone, int64_t deadline_us)
{
	struct gate_waiter w = { .task = task_current() };
	enum err e = ERR_OK;

	g->n_waiting++;
	g->n_alone_waiting += alone;
	list_init(&w.node);
	list_push(&g->waiters, &w.node);
	while (e == ERR_OK && !may_enter(g, alone)) {
		e = task_wait(deadline_us);
	}
	list_remove(&w.node);
	g->n_waiting--;
	g->n_alone_waiting -= alone;
	return e;
}

static void wake_all(struct pg_gate *g)
{
	list_each (node, &g->waiters) {
		task_wake(LIST_OF(node, struct gate_waiter, node)->task);
	}
}

enum err pg_gate_enter(struct pg_gate *g, bool alone, int64_t deadline_us)
{
	enum err e = may_enter(g, alone) ? ERR_OK : wait_outside(g, alone, deadline_us);

	if (e != ERR_OK) {
		wake_all(g); /* somebody may have waited for the one that gives up */
		return e;
	}
	g->n_in++;
	g->is_alone = alone;
	return ERR_OK;
}

void pg_gate_leave(struct pg_gate *g)
{
	g->n_in--;
	g->is_alone = false;
	wake_all(g);
}
