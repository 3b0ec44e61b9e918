/*
 * Requests and their answers. A request owns a copy of its payload, so that executors may keep it
 * as long as they need; requests are recycled together with that memory.
 */
#include "core/rpc/rpc_server_priv.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/trace.h"
#include "core/obs/log.h"

enum {
	IDLE_REQUESTS_MAX = 256, /* recycled ones */
	KEEP_BYTES = 16 * 1024,	 /* payload memory that a recycled request may keep */
};

static void send_reply(struct rpc_caller *caller, struct rpc_frame *reply, enum err e)
{
	struct rpc_server *s = caller->server;

	reply->kind = RPC_FRAME_REPLY;
	reply->status = e;
	reply->waiting = s->waiting;
	reply->wait_us = s->wait_us;
	reply->seen = caller->seen;
	s->stats.errors += e != ERR_OK;
	/* The caller's credits bound what can be queued, see out_max; only memory can be short. */
	if (rpc_channel_send(caller->channel, reply) == ERR_OK) {
		return;
	}
	const bool has_changed = e == ERR_OK && (s->reg->defs[reply->type]->flags & RPC_TXN) != 0;
	reply->status = has_changed ? ERR_OUTCOME_UNKNOWN : ERR_MEMORY;
	reply->payload = SLICE_EMPTY;
	const bool reply_was_queued = rpc_channel_send(caller->channel, reply) == ERR_OK;
	CHECK(reply_was_queued); /* not even some bytes: a process of its own is better off */
}

void rpc_refuse(struct rpc_caller *caller, const struct rpc_frame *request, enum err e)
{
	struct rpc_frame reply = {
		.type = request->type,
		.id = request->id,
		.trace = request->trace,
		.payload = SLICE_EMPTY,
	};

	caller->server->stats.refused++;
	send_reply(caller, &reply, e);
}

struct rpc_request *rpc_request_new(struct rpc_caller *caller, const struct rpc_frame *f)
{
	struct rpc_server *s = caller->server;
	struct list *recycled = list_pop(&s->idle);
	struct rpc_request *q = NULL;

	if (recycled != NULL) {
		q = LIST_OF(recycled, struct rpc_request, of_caller);
		s->n_idle--;
	} else if ((q = calloc(1, sizeof(*q))) == NULL) {
		return NULL;
	}
	const struct buf payload = q->payload;
	*q = (struct rpc_request){
		.server = s,
		.caller = caller,
		.type = f->type,
		.id = f->id,
		.info = { .from = caller->role, .deadline_us = f->deadline_us, .trace = f->trace },
		.arrived_us = loop_now_us(s->loop),
		.payload = payload,
	};
	list_init(&q->node);
	list_init(&q->of_caller);
	list_push(&caller->requests, &q->of_caller);
	caller->in_flight++;
	s->in_flight++;
	buf_clear(&q->payload);
	q->payload.max = f->payload.len;
	buf_append_slice(&q->payload, f->payload);
	if (q->payload.failed) {
		rpc_request_free(q);
		return NULL;
	}
	return q;
}

void rpc_request_free(struct rpc_request *q)
{
	struct rpc_server *s = q->server;

	list_remove(&q->of_caller);
	list_remove(&q->node);
	if (q->caller != NULL) {
		q->caller->in_flight--;
	}
	s->in_flight--;
	if (q->payload.cap > KEEP_BYTES) {
		buf_free(&q->payload);
	}
	if (s->n_idle < IDLE_REQUESTS_MAX) {
		list_push(&s->idle, &q->of_caller);
		s->n_idle++;
		return;
	}
	buf_free(&q->payload);
	free(q);
}

/* With the trace of the request: what a client's request cost in which role. */
static void log_served(const struct rpc_request *q, const struct rpc_def *def, enum err e)
{
	if (!log_is_on(LOG_DEBUG, "rpc")) {
		return;
	}
	uint64_t before = trace_set(q->info.trace);
	LOG(LOG_DEBUG, "rpc", "served", LOG_C("call", def->name), LOG_I("run_us", q->run_us),
	    LOG_I("us", clock_mono_us() - q->arrived_us), LOG_C("result", err_name(e)));
	(void)trace_set(before);
}

void rpc_reply(struct rpc_request *q, enum err e, struct slice reply, const struct err_note *note)
{
	const struct rpc_def *def = q->server->reg->defs[q->type];
	struct rpc_frame f = {
		.type = q->type,
		.id = q->id,
		.trace = q->info.trace,
		.run_us = q->run_us,
		.cpu_permille = q->cpu_permille,
		.payload = reply,
	};

	if (e == ERR_OK && reply.len > def->max_rep) {
		e = ERR_LIMIT;
	}
	if (q->cancelled) {
		e = ERR_CANCELLED;
		note = NULL;
	}
	if (e != ERR_OK) {
		f.payload = note != NULL ? slice_str(note->text) : SLICE_EMPTY;
	}
	log_served(q, def, e);
	if (q->caller != NULL) {
		send_reply(q->caller, &f, e);
	}
	rpc_request_free(q);
}

struct rpc_request_view rpc_request_view(const struct rpc_request *q)
{
	return (struct rpc_request_view){
		.def = q->server->reg->defs[q->type],
		.info = q->info,
		.payload = buf_slice(&q->payload),
		.arrived_us = q->arrived_us,
	};
}

struct list *rpc_request_node(struct rpc_request *q)
{
	return &q->node;
}

struct rpc_request *rpc_request_of(struct list *node)
{
	return LIST_OF(node, struct rpc_request, node);
}

void rpc_request_set_data(struct rpc_request *q, void *data)
{
	q->data = data;
}

void *rpc_request_data(const struct rpc_request *q)
{
	return q->data;
}

void rpc_request_ran(struct rpc_request *q, int64_t us)
{
	const int64_t known = us < 1 ? 1 : us;

	q->run_us = known > UINT32_MAX ? UINT32_MAX : (uint32_t)known;
}

void rpc_request_had_cpu(struct rpc_request *q, int64_t us)
{
	CHECK(q->run_us > 0);
	const int64_t permille = us * 1000 / q->run_us;

	q->cpu_permille = permille > 1000 ? 1000 : (uint16_t)permille;
}
