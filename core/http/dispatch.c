/*
 * The order of requests. Loop callbacks only queue; here, once per round and for at most a slice,
 * they are taken in the order of their class, so that a heartbeat never waits behind logins and the
 * sockets never wait long for anything; and in a class in the order of their rank, so that what is
 * refused last does not stand behind what is refused first. Where the oldest of a rank has waited
 * too long it comes into each slice before the others, so that the low ones move even under a flood
 * of high ones.
 */
#include "core/http/dispatch.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/trace.h"
#include "core/http/admission.h"
#include "core/http/body.h"
#include "core/http/builtin.h"
#include "core/http/respond.h"

enum {
	SLICE_US = 1000,
	AGED_US = 100000,
	LINE_MOST_US = 20000, /* of one request: that one was once slower says little of the next */
};

/* ---- answering ---- */

void dispatch_end_answer(struct http_req *r)
{
	r->running = false;
	r->handled = true;
	if (r->conn->state == CONN_CLOSED || !respond_is_pending(r)) {
		conn_request_done(r->conn);
	}
}

static void answer_busy(struct http_req *r, unsigned retry_after_s)
{
	struct http_server *s = r->server;
	int64_t begun_us = clock_mono_us();

	r->running = true;
	http_answer_busy(r, retry_after_s);
	dispatch_end_answer(r);
	cost_meter_record(&s->refusal, clock_mono_us() - begun_us);
}

static void answer_error(struct http_req *r, enum err e)
{
	r->running = true;
	http_answer_error(r, e);
	dispatch_end_answer(r);
}

void dispatch_malformed(struct http_req *r, int status)
{
	r->call.op = &http_builtin_ops[HTTP_BUILTIN_MALFORMED];
	r->cells = &r->server->cells.builtin[HTTP_BUILTIN_MALFORMED];
	r->arrived_us = loop_now_us(r->server->loop);
	r->must_close = true;
	r->running = true;
	http_reply_text(r, status,
	    status == 408 ? "the request came too slowly" : "the request is not understood");
	dispatch_end_answer(r);
}

void dispatch_fail(struct http_req *r, enum err e)
{
	if (e == ERR_CANCELLED) {
		conn_close(r->conn, HTTP_CLOSE_GONE);
		return;
	}
	r->conn->state = CONN_ACTIVE;
	conn_clock(r->conn, INT64_MAX);
	answer_error(r, e);
}

/* ---- queues ---- */

static void enqueue(struct http_req *r)
{
	struct http_server *s = r->server;
	int64_t mean_us = r->cells->loop.mean_us;

	r->queued_us = loop_now_us(s->loop);
	class_queues_add(&s->queues, r, r->looked ? r->ask.rank : r->call.op->rank,
	    mean_us < LINE_MOST_US ? mean_us : LINE_MOST_US);
	if (!s->in_hook) {
		loop_again(s->loop);
	}
	s->turn_is_over = true;
}

void dispatch_forget(struct http_req *r)
{
	class_queues_remove(&r->server->queues, r);
}

/* The last eighth of a queue is kept for work already begun. */
static bool is_full(const struct http_server *s, const struct op *op)
{
	unsigned most = s->settings.queue_max;

	most -= op->rank <= SHED_LAST ? 0 : most / 8;
	return op->rank != SHED_NEVER && s->queues.n[op->cost] >= most;
}

void dispatch_head(struct http_req *r)
{
	struct http_server *s = r->server;

	r->arrived_us = loop_now_us(s->loop);
	if (!body_prepare(r)) {
		conn_close(r->conn, HTTP_CLOSE_ABORTED);
		return;
	}
	dispatch_route(r);
	if (is_full(s, r->call.op)) {
		metric_add(s->cells.queue_full, 1);
		r->refused_why = HTTP_REFUSED_QUEUE;
		answer_busy(r, grace_retry_after_s(s->grace, r->arrived_us));
		return;
	}
	unsigned retry_after_s = 0;
	if (r->early == ERR_OK && !admission_look(r, r->arrived_us, &retry_after_s)) {
		answer_busy(r, retry_after_s);
		return;
	}
	enqueue(r);
}

/* ---- running ---- */

static void finish(struct http_req *r, enum err e)
{
	struct conn *c = r->conn;

	r->server->n_running--;
	r->task = NULL;
	if (r->held) {
		return;
	}
	if (e == ERR_CANCELLED && c->peer_done && !r->body_done && !r->replied) {
		conn_close(c, HTTP_CLOSE_GONE); /* in the middle of its own body */
	}
	if (e != ERR_OK && !r->replied && c->state != CONN_CLOSED) {
		http_answer_error(r, e);
	}
	CHECK(r->replied || c->state == CONN_CLOSED);
	if (r->stream != STREAM_NONE && r->stream != STREAM_ENDED) {
		/* A body that ends too early must not look complete. */
		conn_close(c, HTTP_CLOSE_ABORTED);
	}
	dispatch_end_answer(r);
}

static void task_main(void *arg)
{
	struct http_req *r = arg;

	(void)trace_set(r->call.trace); /* the task's own, until it ends */
	finish(r, r->handle(&r->call));
}

static void end_turn(struct http_server *s)
{
	if (s->turn_is_on && s->o.turn != NULL) {
		s->o.turn(s->o.turn_arg, false);
	}
	s->turn_is_on = false;
}

/* Who was queued since it began may know of what happened after it began: then anew. */
static void begin_turn(struct http_server *s)
{
	if (s->turn_is_on && s->turn_is_over) {
		end_turn(s);
	}
	if (!s->turn_is_on && s->o.turn != NULL) {
		s->o.turn(s->o.turn_arg, true);
	}
	s->turn_is_on = true;
	s->turn_is_over = false;
}

static void run_inline(struct http_req *r)
{
	struct http_server *s = r->server;

	begin_turn(s);
	r->running = true;
	s->n_running++;
	uint64_t before = trace_set(r->call.trace);
	finish(r, r->handle(&r->call));
	(void)trace_set(before);
}

/* It runs until it first has to wait; many do not wait at all. */
static void run_task(struct http_req *r)
{
	struct http_server *s = r->server;
	bool waits = false;

	end_turn(s);
	r->running = true;
	s->n_running++;
	enum err e = task_start(s->loop, task_main, r, r->call.deadline_us, &r->task, &waits);
	if (e != ERR_OK) {
		r->task = NULL;
		s->n_running--;
		r->refused_why = GRACE_TASKS;
		answer_busy(r, grace_retry_after_s(s->grace, loop_now_us(s->loop)));
	} else if (waits) {
		/* So that a client that goes away is noticed; it may wait for the socket, too. */
		conn_want(r->conn, r->conn->events | UV_READABLE | UV_DISCONNECT);
	}
}

/* What handlers take of the loop is what a request costs there. */
static void run(struct http_req *r)
{
	struct http_op_cells *cells = r->cells;
	int64_t begun_us = clock_mono_us();

	if (r->is_inline) {
		run_inline(r);
	} else {
		run_task(r);
	}
	cost_meter_record(&cells->loop, clock_mono_us() - begun_us);
}

static void collected(struct http_req *r, enum err e)
{
	struct conn *c = r->conn;

	if (e == ERR_OK) {
		c->state = CONN_ACTIVE;
		conn_clock(c, INT64_MAX);
		enqueue(r);
	} else if (e != ERR_AGAIN) {
		dispatch_fail(r, e);
	} else if (c->state != CONN_BODY) {
		c->state = CONN_BODY;
		body_wait_begin(r);
		conn_clock(c, body_due_us(r));
		conn_want(c, UV_READABLE | UV_DISCONNECT);
	}
}

void dispatch_body(struct http_req *r)
{
	collected(r, body_collect(r));
}

/* Takes a request out of its queue and begins it. */
static void start(struct http_req *r, int64_t now_us)
{
	unsigned retry_after_s = 0;

	dispatch_forget(r);
	if (r->early != ERR_OK) {
		answer_error(r, r->early);
		return;
	}
	if (!r->admitted) {
		if (!admission_ask(r, now_us, &retry_after_s)) {
			answer_busy(r, retry_after_s);
			return;
		}
		r->admitted = true;
		if (!r->body_done && (r->call.op->flags & OP_STREAM) == 0) {
			body_send_continue(r);
			if (r->conn->state == CONN_CLOSED) {
				return;
			}
			enum err e = body_collect(r);
			if (e != ERR_OK) {
				collected(r, e);
				return;
			}
		}
	}
	run(r);
}

static void start_aged(struct http_server *s, int64_t now_us)
{
	for (uint64_t left = s->queues.filled; left != 0; left &= left - 1) {
		/* NULL: it was filled a moment ago. */
		struct http_req *r =
		    class_queues_oldest(&s->queues, (unsigned)__builtin_ctzll(left));
		if (r != NULL && now_us - r->queued_us > AGED_US) {
			start(r, now_us);
		}
	}
}

void dispatch_round(struct http_server *s)
{
	struct http_req *next;

	if (s->queues.n_all == 0) {
		return;
	}
	int64_t now_us = clock_mono_us(), read_us = loop_lag_us(s->loop);
	/* However much there is to read and to refuse, as much time is for work. */
	int64_t end_us = now_us + (read_us > SLICE_US ? read_us : SLICE_US);

	start_aged(s, now_us);
	while (now_us < end_us && (next = class_queues_first(&s->queues)) != NULL) {
		start(next, now_us);
		now_us = clock_mono_us();
	}
	end_turn(s);
	if (s->queues.n_all > 0) {
		loop_again(s->loop);
	} else {
		/* A queue that empties is not standing, however late its few requests were. */
		grace_waited(s->grace, 0, now_us);
	}
}
