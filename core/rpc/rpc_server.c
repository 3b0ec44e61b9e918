/*
 * The callee's side: requests come in on channels from known peers, are checked against their row,
 * given to the executor, and answered. Every request is answered exactly once on the wire, also a
 * cancelled one (then without content): the answer gives the caller's credit back.
 */
#include "core/rpc/rpc_server_priv.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"

enum {
	REPORTS_BYTES = 4096, /* room for reports beside all replies */
};

static void on_request(struct rpc_caller *caller, const struct rpc_frame *f)
{
	struct rpc_server *s = caller->server;
	const struct rpc_def *def = s->reg->defs[f->type];
	const bool sender_may_send_this =
	    def->to == s->self && (def->from & ROLE_BIT(caller->role)) != 0;
	const bool sender_keeps_to_its_credits = caller->in_flight < RPC_MAX_CREDITS;

	CHECK(sender_may_send_this);
	CHECK(sender_keeps_to_its_credits);
	caller->seen++;
	s->stats.calls++;
	if (s->draining) {
		rpc_refuse(caller, f, ERR_DRAINING);
		return;
	}
	if (f->deadline_us <= loop_now_us(s->loop)) {
		s->stats.timeouts++;
		rpc_refuse(caller, f, ERR_DEADLINE);
		return;
	}
	struct rpc_request *q = rpc_request_new(caller, f);
	if (q == NULL) {
		rpc_refuse(caller, f, ERR_MEMORY);
		return;
	}
	s->ex.execute(s->ex.arg, q);
}

static void give_up(struct rpc_request *q)
{
	struct rpc_server *s = q->server;

	if (!q->cancelled) {
		q->cancelled = true;
		s->stats.cancelled++;
		if (s->ex.cancel != NULL) {
			s->ex.cancel(s->ex.arg, q);
		}
	}
}

static void on_cancel(struct rpc_caller *caller, uint64_t id)
{
	/* Not found: the answer is on its way already. */
	list_each (node, &caller->requests) {
		struct rpc_request *q = LIST_OF(node, struct rpc_request, of_caller);
		if (q->id == id) {
			give_up(q);
			return;
		}
	}
}

static void on_frame(void *arg, const struct rpc_frame *f)
{
	if (f->kind == RPC_FRAME_REQUEST) {
		on_request(arg, f);
	} else {
		on_cancel(arg, f->id);
	}
}

static void add_traffic(struct rpc_stats *stats, const struct rpc_channel *c)
{
	stats->bytes_sent += rpc_channel_bytes_sent(c);
	stats->bytes_received += rpc_channel_bytes_received(c);
}

static void on_gone(void *arg)
{
	struct rpc_caller *caller = arg;
	struct rpc_server *s = caller->server;
	struct list *node;

	while ((node = list_pop(&caller->requests)) != NULL) {
		struct rpc_request *q = LIST_OF(node, struct rpc_request, of_caller);
		q->caller = NULL;
		give_up(q);
	}
	add_traffic(&s->stats, caller->channel);
	s->stats.peers_lost++;
	rpc_channel_close(&caller->channel);
	list_remove(&caller->node);
	free(caller);
}

static const struct rpc_channel_ops server_channel_ops = { .frame = on_frame, .gone = on_gone };

enum err rpc_server_add(struct rpc_server *s, enum role_id peer, int fd)
{
	struct rpc_caller *caller = calloc(1, sizeof(*caller));

	if (caller == NULL) {
		close(fd);
		return ERR_MEMORY;
	}
	const struct rpc_channel_setup setup = {
		.loop = s->loop,
		.reg = s->reg,
		.receives = RPC_FRAME_BIT(RPC_FRAME_REQUEST) | RPC_FRAME_BIT(RPC_FRAME_CANCEL),
		.out_max =
		    RPC_MAX_CREDITS * rpc_frame_max_bytes(s->reg, RPC_FRAME_BIT(RPC_FRAME_REPLY)) +
		    REPORTS_BYTES,
		.ops = &server_channel_ops,
		.arg = caller,
	};
	enum err e = rpc_channel_open(&setup, fd, &caller->channel);
	if (e != ERR_OK) {
		free(caller);
		return e;
	}
	caller->server = s;
	caller->role = peer;
	list_init(&caller->requests);
	list_init(&caller->node);
	list_push(&s->callers, &caller->node);
	return ERR_OK;
}

static void on_drain(uv_prepare_t *prepare)
{
	struct rpc_server *s = prepare->data;
	bool all_sent = s->in_flight == 0;

	list_each (node, &s->callers) {
		all_sent =
		    rpc_channel_flush(LIST_OF(node, struct rpc_caller, node)->channel) && all_sent;
	}
	if (all_sent) {
		uv_prepare_stop(prepare);
		s->drained(s->drained_arg);
	}
}

void rpc_server_drain(struct rpc_server *s, void (*done)(void *arg), void *arg)
{
	s->draining = true;
	s->drained = done;
	s->drained_arg = arg;
	uv_prepare_start(&s->drain, on_drain);
	loop_again(s->loop);
}

enum err rpc_server_new(struct loop *l, const struct rpc_registry *reg, enum role_id self,
    const struct rpc_executor *ex, struct rpc_server **ret)
{
	struct rpc_server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_MEMORY;
	}
	s->loop = l;
	s->reg = reg;
	s->self = self;
	s->ex = *ex;
	list_init(&s->callers);
	list_init(&s->idle);
	if (ex->execute == NULL) {
		enum err e = loop_executor_new(l, reg, s, ex->role_state, &s->on_loop);
		if (e != ERR_OK) {
			free(s);
			return e;
		}
		s->ex = loop_executor_ops(s->on_loop);
	}
	CHECK(uv_prepare_init(loop_uv(l), &s->drain) == 0);
	s->drain.data = s;
	*ret = s;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void rpc_server_free(struct rpc_server **sp)
{
	struct rpc_server *s = *sp;
	struct list *node;

	*sp = NULL;
	if (s == NULL) {
		return;
	}
	while ((node = list_pop(&s->callers)) != NULL) {
		on_gone(LIST_OF(node, struct rpc_caller, node));
	}
	CHECK(s->in_flight == 0);
	loop_executor_free(&s->on_loop);
	while ((node = list_pop(&s->idle)) != NULL) {
		struct rpc_request *q = LIST_OF(node, struct rpc_request, of_caller);
		buf_free(&q->payload);
		free(q);
	}
	uv_close((uv_handle_t *)&s->drain, on_closed);
}

void rpc_server_set_queue(struct rpc_server *s, uint32_t waiting, int64_t expected_wait_us)
{
	s->waiting = waiting;
	s->wait_us = expected_wait_us;
}

void rpc_server_report(struct rpc_server *s)
{
	list_each (node, &s->callers) {
		const struct rpc_caller *caller = LIST_OF(node, struct rpc_caller, node);
		const uint64_t unsent = rpc_channel_bytes_queued(caller->channel) -
					rpc_channel_bytes_sent(caller->channel);
		const struct rpc_frame report = { .kind = RPC_FRAME_REPORT,
			.waiting = s->waiting,
			.wait_us = s->wait_us,
			.seen = caller->seen,
			.payload = SLICE_EMPTY };

		/* What still waits to leave would tell it later than this state lasts. */
		if (unsent <= REPORTS_BYTES - RPC_HEADER_BYTES &&
		    rpc_channel_send(caller->channel, &report) != ERR_OK) {
			return; /* no memory; the next one comes */
		}
	}
}

struct rpc_queue_state rpc_server_queue(const struct rpc_server *s)
{
	return (struct rpc_queue_state){ .waiting = s->waiting, .wait_us = s->wait_us };
}

unsigned rpc_server_in_flight(const struct rpc_server *s)
{
	return s->in_flight;
}

struct rpc_stats rpc_server_stats(const struct rpc_server *s)
{
	struct rpc_stats stats = s->stats;

	list_each (node, &s->callers) {
		add_traffic(&stats, LIST_OF(node, struct rpc_caller, node)->channel);
	}
	return stats;
}
