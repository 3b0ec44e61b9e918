/*
 * The life of one call: find a peer, send, wait, and decide what the end of a peer means for it.
 * Everything about the call lies on the stack of the task that waits.
 */
#include "core/rpc/rpc.h"

#include <errno.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/rpc/pool_priv.h"

enum {
	RETRIES_MAX = 2
};

struct call {
	struct rpc_pool *pool;
	const struct rpc_def *def;
	struct rpc_frame request;
	struct rpc_wait wait;
};

static unsigned row_of(const struct rpc_registry *reg, const struct rpc_def *def)
{
	unsigned i = 0;

	while (i < reg->n && reg->defs[i] != def) {
		i++;
	}
	const bool row_is_in_the_registry = i < reg->n;
	CHECK(row_is_in_the_registry);
	return i;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * Waits for a peer to be added. A role that has been away for longer than a restart takes is given
 * up at once, so that requests do not pile up in front of it.
 */
static enum err wait_for_handover(struct rpc_pool *p, int64_t deadline_us)
{
	const int64_t until_us = earliest(deadline_us, p->lost_us + RPC_HANDOVER_US);
	struct rpc_waiter w = { .task = task_current() };

	list_init(&w.node);
	list_push(&p->waiters, &w.node);
	enum err e = task_wait(until_us);
	list_remove(&w.node);
	return e == ERR_DEADLINE && until_us < deadline_us ? ERR_PEER_GONE : e;
}

static enum err find_peer(struct rpc_pool *p, int64_t deadline_us, struct rpc_peer **ret)
{
	for (;;) {
		struct rpc_peer *peer = rpc_pool_choose(p);
		if (peer != NULL) {
			*ret = peer;
			return ERR_OK;
		}
		if (rpc_pool_connected(p) > 0) {
			p->stats.refused++;
			return ERR_TOO_BUSY;
		}
		enum err e = wait_for_handover(p, deadline_us);
		if (e != ERR_OK) {
			return e;
		}
	}
}

/* One sending. ERR_OK: c->wait says how it ended; else nobody will touch c->wait any more. */
static enum err attempt(struct call *c)
{
	struct rpc_peer *peer = NULL;
	struct rpc_slot *slot = NULL;

	c->wait.state = RPC_WAITING;
	c->wait.text[0] = '\0';
	enum err e = find_peer(c->pool, c->request.deadline_us, &peer);
	if (e == ERR_OK) {
		e = rpc_peer_send(peer, &c->request, &c->wait, &slot);
	}
	if (e != ERR_OK) {
		return e;
	}
	do {
		e = task_wait(c->request.deadline_us);
	} while (e == ERR_OK && c->wait.state == RPC_WAITING);
	if (c->wait.state != RPC_WAITING) {
		return ERR_OK;
	}
	rpc_slot_abandon(slot, c->request.trace);
	return e;
}

static bool may_send_again(const struct call *c)
{
	switch (c->wait.state) {
	case RPC_LOST_UNSENT:
		return true;
	case RPC_LOST_SENT:
		return (c->def->flags & RPC_IDEMPOTENT) != 0;
	case RPC_ANSWERED:
		/* Refused before it began; or begun by somebody who is gone. */
		return c->wait.status == ERR_DRAINING ||
		       (c->wait.status == ERR_PEER_GONE && (c->def->flags & RPC_IDEMPOTENT) != 0);
	case RPC_WAITING:
	default:
		return false;
	}
}

static enum err outcome(const struct call *c)
{
	if (c->wait.state == RPC_ANSWERED) {
		return c->wait.status;
	}
	return may_send_again(c) ? ERR_PEER_GONE : ERR_OUTCOME_UNKNOWN;
}

static enum err run(struct call *c)
{
	for (int retries = 0;; retries++) {
		enum err e = attempt(c);
		if (e != ERR_OK) {
			return e;
		}
		if (retries == RETRIES_MAX || !may_send_again(c)) {
			return outcome(c);
		}
		c->pool->stats.retries++;
	}
}

static enum err report(struct call *c, enum err e, struct err_note *note)
{
	struct rpc_stats *stats = &c->pool->stats;

	stats->errors++;
	stats->timeouts += e == ERR_DEADLINE;
	stats->cancelled += e == ERR_CANCELLED;
	stats->unknown += e == ERR_OUTCOME_UNKNOWN;
	errno = 0; /* the callee's text tells of its own */
	if (c->wait.state == RPC_ANSWERED && c->wait.text[0] != '\0') {
		return err_note_set(note, e, "%s", c->wait.text);
	}
	return err_note_set(
	    note, e, "%s at %s: %s", c->def->name, role_name(c->pool->to), err_text(e));
}

enum err rpc_call(struct rpc_pool *p, const struct rpc_def *def, struct slice req,
    int64_t deadline_us, uint64_t trace, struct arena *arena, struct slice *ret_reply,
    struct err_note *note)
{
	struct task *task = task_current();
	struct call c = { .pool = p, .def = def };

	CHECK(task != NULL && def->to == p->to && (def->from & ROLE_BIT(p->self)) != 0);
	p->stats.calls++;
	if (req.len > def->max_req) {
		p->stats.errors++;
		return err_note_set(note, ERR_LIMIT, "%s: a request of %zu bytes, the limit is %u",
		    def->name, req.len, def->max_req);
	}
	const int64_t row_us = clock_mono_us() + (int64_t)def->deadline_ms * 1000;
	c.request = (struct rpc_frame){
		.kind = RPC_FRAME_REQUEST,
		.type = row_of(p->reg, def),
		.flags = def->flags,
		.trace = trace,
		.deadline_us = earliest(earliest(deadline_us, row_us), task_deadline(task)),
		.payload = req,
	};
	c.wait = (struct rpc_wait){
		.task = task,
		.arena = arena,
		.wants_reply = ret_reply != NULL,
	};
	enum err e = c.request.deadline_us <= loop_now_us(p->loop) ? ERR_DEADLINE : run(&c);
	if (e != ERR_OK) {
		return report(&c, e, note);
	}
	if (ret_reply != NULL) {
		*ret_reply = c.wait.reply;
	}
	return ERR_OK;
}
