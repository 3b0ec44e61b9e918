/*
 * Runs handlers on the loop. An idle handle is active while requests wait: libuv calls it once per
 * round and polls without waiting.
 *
 * Expected wait of a new request = sum of the mean cost, by row, of all that wait.
 */
#include "core/rpc/loop_executor.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/trace.h"
#include "core/grace/meter.h"

enum {
	SLICE_US = 1000,
	KEEP_BYTES = 64 * 1024, /* a larger reply buffer is given back */
};

struct loop_executor {
	struct loop *loop;
	const struct rpc_registry *reg;
	struct rpc_server *server;
	void *role_state;
	uv_idle_t idle;
	struct list queue; /* rpc_request_node() */
	unsigned waiting;
	struct buf reply;
	struct row_cost {
		struct cost_meter cost;
		unsigned waiting;
	} rows[]; /* as the registry */
};

static struct row_cost *row_of(struct loop_executor *x, const struct rpc_def *def)
{
	unsigned i = 0;

	while (x->reg->defs[i] != def) {
		i++;
	}
	return &x->rows[i];
}

static void publish(struct loop_executor *x)
{
	int64_t wait_us = 0;

	for (unsigned i = 0; x->waiting > 0 && i < x->reg->n; i++) {
		wait_us += x->rows[i].waiting * x->rows[i].cost.mean_us;
	}
	rpc_server_set_queue(x->server, x->waiting, wait_us);
}

static void leave_queue(struct loop_executor *x, struct rpc_request *q, struct row_cost *row)
{
	list_remove(rpc_request_node(q));
	x->waiting--;
	row->waiting--;
	publish(x);
}

static enum err handle(struct loop_executor *x, const struct rpc_request_view *view,
    int64_t begin_us, struct err_note *note)
{
	buf_clear(&x->reply);
	x->reply.max = view->def->max_rep;
	if (begin_us >= view->info.deadline_us) {
		return ERR_DEADLINE;
	}
	uint64_t before = trace_set(view->info.trace);
	enum err e = view->def->handle(x->role_state, &view->info, view->payload, &x->reply, note);
	(void)trace_set(before);
	if (e == ERR_OK && x->reply.failed) {
		return err_note_set(note, ERR_LIMIT, "%s: the reply is larger than %u bytes",
		    view->def->name, view->def->max_rep);
	}
	return e;
}

/* Returns the time after it. */
static int64_t serve(struct loop_executor *x, struct rpc_request *q, int64_t begin_us)
{
	const struct rpc_request_view view = rpc_request_view(q);
	struct row_cost *row = row_of(x, view.def);
	struct err_note note = { 0 };

	leave_queue(x, q, row);
	enum err e = handle(x, &view, begin_us, &note);
	int64_t end_us = clock_mono_us();
	if (e != ERR_DEADLINE) {
		cost_meter_record(&row->cost, end_us - begin_us);
		rpc_request_ran(q, end_us - begin_us);
	}
	rpc_reply(q, e, buf_slice(&x->reply), &note);
	if (x->reply.cap > KEEP_BYTES) {
		buf_free(&x->reply);
	}
	return end_us;
}

static void on_idle(uv_idle_t *idle)
{
	struct loop_executor *x = idle->data;
	const int64_t begin_us = clock_mono_us();

	for (int64_t now_us = begin_us; x->waiting > 0 && now_us - begin_us < SLICE_US;) {
		now_us = serve(x, rpc_request_of(x->queue.next), now_us);
	}
	if (x->waiting == 0) {
		uv_idle_stop(idle);
	}
}

static void execute(void *arg, struct rpc_request *q)
{
	struct loop_executor *x = arg;

	list_push(&x->queue, rpc_request_node(q));
	x->waiting++;
	row_of(x, rpc_request_view(q).def)->waiting++;
	publish(x);
	uv_idle_start(&x->idle, on_idle);
}

/* What the server still knows has not begun: handlers do not wait. */
static void cancel(void *arg, struct rpc_request *q)
{
	struct loop_executor *x = arg;

	leave_queue(x, q, row_of(x, rpc_request_view(q).def));
	rpc_reply(q, ERR_CANCELLED, SLICE_EMPTY, NULL);
}

struct rpc_executor loop_executor_ops(struct loop_executor *x)
{
	return (struct rpc_executor){ .execute = execute, .cancel = cancel, .arg = x };
}

enum err loop_executor_new(struct loop *l, const struct rpc_registry *reg,
    struct rpc_server *server, void *role_state, struct loop_executor **ret)
{
	struct loop_executor *x = calloc(1, sizeof(*x) + reg->n * sizeof(x->rows[0]));

	if (x == NULL) {
		return ERR_MEMORY;
	}
	x->loop = l;
	x->reg = reg;
	x->server = server;
	x->role_state = role_state;
	list_init(&x->queue);
	for (unsigned i = 0; i < reg->n; i++) {
		cost_meter_init(&x->rows[i].cost, reg->defs[i]->cost_us);
	}
	uv_idle_init(loop_uv(l), &x->idle);
	x->idle.data = x;
	*ret = x;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void loop_executor_free(struct loop_executor **xp)
{
	struct loop_executor *x = *xp;

	*xp = NULL;
	if (x != NULL) {
		CHECK(x->waiting == 0);
		buf_free(&x->reply);
		uv_close((uv_handle_t *)&x->idle, on_closed);
	}
}
