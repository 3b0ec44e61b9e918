/*
 * See lend.h. What arrives comes from the network: it is checked against its row like anything from
 * outside, and an answer goes to a subject for answers only.
 */
#include "core/offload/lend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/ev/task.h"
#include "core/rpc/frame.h"

enum {
	OUT_MAX = 2048,
	REPLY_ARENA_MAX = 1024 * 1024,
	LINGER_US = 400 * 1000, /* servers that have not heard that we leave still send */
};

struct work {
	struct list node; /* in lend->out */
	struct lend *lend;
	struct task *task;
	char reply[SUBJECT_BYTES];
	unsigned type;
	uint64_t id, trace;
	int64_t deadline_us;
	size_t len;
	char payload[]; /* it may hold a password: wiped at the end */
};

struct lend {
	struct lend_setup setup;
	char run[RUN_BYTES];
	char answers[SUBJECT_BYTES]; /* how subjects for answers begin */
	struct list out;
	struct buf frame; /* scratch */
	struct lend_counts counts;
	bool draining;
	int64_t drained_us; /* not before */
	void (*done)(void *arg);
	void *done_arg;
};

static unsigned jobs_max(const struct lend *l)
{
	const unsigned n = rpc_pool_connected(l->setup.compute) * l->setup.jobs_per_process;

	return n < OUT_MAX ? n : OUT_MAX;
}

static void answer(struct lend *l, const char *subject, const struct rpc_frame *request, enum err e,
    struct slice payload)
{
	const struct rpc_def *def = l->setup.rows->def[request->type];
	struct rpc_frame f = { .kind = RPC_FRAME_REPLY,
		.type = request->type,
		.id = request->id,
		.trace = request->trace,
		.status = e,
		.waiting = l->counts.out,
		.wait_us = rpc_pool_expected_wait_us(l->setup.compute),
		.payload = payload };
	struct slice bytes = SLICE_EMPTY;

	if (e == ERR_OK) {
		const int64_t run_us = rpc_pool_row_run_us(l->setup.compute, def);
		f.run_us = run_us > UINT32_MAX ? UINT32_MAX : (uint32_t)run_us;
	}
	buf_clear(&l->frame);
	rpc_frame_encode(&l->frame, &f);
	if (buf_finish(&l->frame, &bytes) == ERR_OK) {
		/* Not sent, the server waits until its deadline. */
		(void)l->setup.publish(l->setup.arg, subject, NULL, bytes);
	}
	explicit_bzero(l->frame.data, l->frame.len);
}

static void refuse(struct lend *l, const char *subject, const struct rpc_frame *f, enum err e)
{
	l->counts.refused++;
	answer(l, subject, f, e, SLICE_EMPTY);
}

static void work_free(struct work *w)
{
	explicit_bzero(w->payload, w->len);
	list_remove(&w->node);
	w->lend->counts.out--;
	free(w);
}

static void work_task(void *arg)
{
	struct work *w = arg;
	struct lend *l = w->lend;
	struct arena arena = arena_new(REPLY_ARENA_MAX);
	struct slice reply = SLICE_EMPTY;
	struct err_note note = { 0 };
	const struct rpc_frame request = { .type = w->type, .id = w->id, .trace = w->trace };
	enum err e = rpc_call(l->setup.compute, l->setup.rows->def[w->type],
	    SLICE_OF(w->payload, w->len), w->deadline_us, w->trace, &arena, &reply, &note);

	if (e != ERR_CANCELLED) {
		answer(l, w->reply, &request, e, e == ERR_OK ? reply : slice_str(note.text));
	}
	arena_reset(&arena);
	work_free(w);
}

/* Takes it as a job; an error: it has not begun. */
static enum err begin(struct lend *l, const char *reply, const struct rpc_frame *f)
{
	if (l->draining) {
		return ERR_DRAINING;
	}
	if (l->counts.out >= jobs_max(l)) {
		return ERR_TOO_BUSY;
	}
	struct work *w = malloc(sizeof(*w) + f->payload.len);
	if (w == NULL) {
		return ERR_MEMORY;
	}
	*w = (struct work){ .lend = l,
		.type = f->type,
		.id = f->id,
		.trace = f->trace,
		.deadline_us = loop_now_us(l->setup.loop) + f->deadline_us,
		.len = f->payload.len };
	snprintf(w->reply, sizeof(w->reply), "%s", reply);
	memcpy(w->payload, f->payload.ptr, f->payload.len);
	list_init(&w->node);
	list_push(&l->out, &w->node);
	l->counts.out++;
	l->counts.jobs++;
	enum err e = task_spawn(l->setup.loop, work_task, w, DEADLINE_NONE, &w->task);
	if (e != ERR_OK) {
		l->counts.jobs--;
		work_free(w);
	}
	return e;
}

static void give_up(struct lend *l, const char *reply, uint64_t id)
{
	list_each (node, &l->out) {
		struct work *w = LIST_OF(node, struct work, node);
		if (w->id == id && strcmp(w->reply, reply) == 0) {
			task_cancel(w->task);
			return;
		}
	}
}

/* True if so much time is left at most as the row allows: what a clock can be added to. */
static bool is_in_time(const struct lend *l, const struct rpc_frame *f)
{
	return f->deadline_us <= (int64_t)l->setup.rows->def[f->type]->deadline_ms * 1000;
}

void lend_message(struct lend *l, struct slice reply, struct slice payload)
{
	const unsigned kinds = RPC_FRAME_BIT(RPC_FRAME_REQUEST) | RPC_FRAME_BIT(RPC_FRAME_CANCEL);
	char subject[SUBJECT_BYTES];
	struct rpc_frame f;
	size_t bytes = 0;

	if (!slice_starts(reply, slice_str(l->answers)) ||
	    slice_to_cstr(reply, subject, sizeof(subject)) != ERR_OK ||
	    rpc_frame_decode(&l->setup.rows->registry, kinds, payload, &f, &bytes) != ERR_OK ||
	    bytes != payload.len || !is_in_time(l, &f)) {
		l->counts.bad++;
		return;
	}
	if (f.kind == RPC_FRAME_CANCEL) {
		give_up(l, subject, f.id);
		return;
	}
	enum err e = begin(l, subject, &f);
	if (e != ERR_OK) {
		refuse(l, subject, &f, e);
	}
}

static void announce(struct lend *l)
{
	const struct announce a = { .kind = l->setup.rows->kind,
		.leaving = l->draining,
		.processes = rpc_pool_connected(l->setup.compute),
		.jobs = l->counts.out,
		.jobs_max = jobs_max(l),
		.wait_us = rpc_pool_expected_wait_us(l->setup.compute) };
	char subject[SUBJECT_BYTES];
	struct buf b = buf_new(ANNOUNCE_BYTES);

	(void)snprintf(
	    subject, sizeof(subject), "%s.helper.%s.%s", l->setup.prefix, l->setup.name, l->run);
	announce_put(&b, &a);
	(void)l->setup.publish(l->setup.arg, subject, NULL, buf_slice(&b));
	buf_free(&b);
}

void lend_announce(struct lend *l)
{
	announce(l);
	if (l->draining && l->done != NULL && l->counts.out == 0 &&
	    loop_now_us(l->setup.loop) >= l->drained_us) {
		void (*done)(void *arg) = l->done;
		l->done = NULL;
		done(l->done_arg);
	}
}

void lend_drain(struct lend *l, void (*done)(void *arg), void *arg)
{
	l->draining = true;
	l->drained_us = loop_now_us(l->setup.loop) + LINGER_US;
	l->done = done;
	l->done_arg = arg;
	announce(l);
}

enum err lend_new(const struct lend_setup *setup, struct lend **ret)
{
	struct lend *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		return ERR_MEMORY;
	}
	l->setup = *setup;
	l->frame = buf_new(setup->rows->frame_max);
	list_init(&l->out);
	announce_run(l->run);
	(void)snprintf(l->answers, sizeof(l->answers), "%s.answer.", setup->prefix);
	*ret = l;
	return ERR_OK;
}

void lend_free(struct lend **lp)
{
	struct lend *l = *lp;

	*lp = NULL;
	if (l != NULL) {
		buf_free(&l->frame);
		free(l);
	}
}

void lend_subject(const struct lend *l, char out[SUBJECT_BYTES])
{
	(void)snprintf(out, SUBJECT_BYTES, "%s.job.%s.%s", l->setup.prefix, l->setup.name, l->run);
}

struct lend_counts lend_counts(const struct lend *l)
{
	return l->counts;
}
