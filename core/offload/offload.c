/*
 * See offload.h. A job has a slot from the moment it is accepted until it is answered; its id is
 * random but for the slot's number, so that an answer finds it and nobody else can guess it.
 */
#include "core/offload/offload_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/rpc/frame.h"

enum {
	SLOT_MASK = OFFLOAD_JOBS_MAX - 1
};

_Static_assert((OFFLOAD_JOBS_MAX & SLOT_MASK) == 0, "a power of two");

/* ---- what callers see ---- */

int64_t offload_wait_us(const struct offload *o)
{
	const int64_t now_us = loop_now_us(o->setup.loop);
	const int best = o->is_connected && o->n_out < OFFLOAD_JOBS_MAX
			     ? helpers_choose(&o->helpers, -1, now_us)
			     : -1;

	return best < 0 ? RPC_WAIT_CLOSED : helpers_wait_us(&o->helpers, (unsigned)best, now_us);
}

void offload_show(struct offload *o, bool is_news)
{
	const int64_t wait_us = offload_wait_us(o);

	rpc_server_set_queue(o->server, o->n_out, wait_us);
	o->untold = o->untold || is_news || wait_us != o->told_us;
	o->told_us = wait_us;
}

void offload_tell(struct offload *o)
{
	if (o->untold) {
		o->untold = false;
		rpc_server_report(o->server);
	}
}

/* ---- jobs ---- */

struct offload_job *offload_job_of(struct offload *o, uint64_t id)
{
	struct offload_job *j = &o->jobs[id & SLOT_MASK];

	return j->q != NULL && j->id == id ? j : NULL;
}

static struct offload_job *job_new(struct offload *o, struct rpc_request *q)
{
	struct list *node = list_pop(&o->idle);

	if (node == NULL) {
		return NULL;
	}
	struct offload_job *j = LIST_OF(node, struct offload_job, node);
	j->q = q;
	j->type = job_rows_type(o->setup.rows, rpc_request_view(q).def);
	j->tries = 0;
	rpc_request_set_data(q, j);
	o->n_out++;
	return j;
}

void offload_end(struct offload *o, struct offload_job *j, enum err e, struct slice reply,
    const struct err_note *note)
{
	struct rpc_request *q = j->q;

	j->q = NULL;
	o->n_out--;
	list_push(&o->idle, &j->node);
	offload_show(o, true);
	rpc_reply(q, e, reply, note);
}

void offload_end_with(struct offload *o, struct offload_job *j, enum err e, const char *why)
{
	struct err_note note = { 0 };

	offload_end(o, j, err_note_set(&note, e, "%s", why), SLICE_EMPTY, &note);
}

void offload_take_back(struct offload *o, struct offload_job *j)
{
	helpers_ended(&o->helpers, j->helper, j->cost_us);
}

static void subject_of(const struct offload *o, unsigned helper, char out[SUBJECT_BYTES])
{
	const struct helper *h = &o->helpers.list[helper];

	(void)snprintf(out, SUBJECT_BYTES, "%s.job.%s.%s", o->setup.prefix, h->name, h->run);
}

static void answer_subject(
    const struct offload *o, const struct offload_job *j, char out[SUBJECT_BYTES])
{
	(void)snprintf(
	    out, SUBJECT_BYTES, "%s.answer.%s.%016" PRIx64, o->setup.prefix, o->self, j->id);
}

static enum err publish(struct offload *o, const struct offload_job *j, const struct rpc_frame *f)
{
	char subject[SUBJECT_BYTES], reply[SUBJECT_BYTES];
	struct slice bytes = SLICE_EMPTY;

	subject_of(o, j->helper, subject);
	answer_subject(o, j, reply);
	buf_clear(&o->frame);
	rpc_frame_encode(&o->frame, f);
	enum err e = buf_finish(&o->frame, &bytes);
	if (e == ERR_OK) {
		e = o->setup.publish(o->setup.arg, subject, reply, bytes);
	}
	if (o->frame.data != NULL) {
		explicit_bzero(o->frame.data, o->frame.len); /* it may hold a password */
	}
	return e;
}

/* Gives it to that helper. */
static enum err send_to(struct offload *o, struct offload_job *j, unsigned helper, int64_t left_us)
{
	const struct rpc_request_view view = rpc_request_view(j->q);

	/* A new one each time: what an earlier helper answers is not asked for any more. */
	j->id = (rng_u64() & ~(uint64_t)SLOT_MASK) | (uint64_t)(j - o->jobs);
	const struct rpc_frame f = { .kind = RPC_FRAME_REQUEST,
		.type = j->type,
		.flags = view.def->flags,
		.id = j->id,
		.trace = view.info.trace,
		.deadline_us = left_us,
		.payload = view.payload };

	j->helper = helper;
	enum err e = publish(o, j, &f);
	if (e == ERR_OK) {
		j->cost_us = o->cost[j->type].mean_us;
		j->tries++;
		helpers_sent(&o->helpers, helper, j->cost_us);
		o->counts.sent++;
	}
	return e;
}

void offload_give(struct offload *o, struct offload_job *j, int except, enum err none)
{
	const int64_t now_us = loop_now_us(o->setup.loop);
	const int64_t left_us = rpc_request_view(j->q).info.deadline_us - now_us;
	const int best = o->is_connected ? helpers_choose(&o->helpers, except, now_us) : -1;

	if (left_us <= 0) {
		offload_end_with(o, j, ERR_DEADLINE, "no time is left for a helper");
		return;
	}
	if (best < 0) {
		o->counts.busy += none == ERR_TOO_BUSY;
		offload_end_with(o, j, none, "no helper takes it");
		return;
	}
	const int64_t ends_us =
	    helpers_wait_us(&o->helpers, (unsigned)best, now_us) + o->cost[j->type].mean_us;
	if (ends_us > left_us && !helpers_is_idle(&o->helpers, (unsigned)best)) {
		o->counts.busy++;
		offload_end_with(o, j, ERR_TOO_BUSY, "it would take longer than there is time");
		return;
	}
	if (send_to(o, j, (unsigned)best, left_us) != ERR_OK) {
		offload_end_with(o, j, ERR_PEER_GONE, "NATS takes nothing");
		return;
	}
	offload_show(o, true);
}

static void execute(void *arg, struct rpc_request *q)
{
	struct offload *o = arg;
	struct offload_job *j = job_new(o, q);

	if (j == NULL) {
		o->counts.busy++;
		rpc_reply(q, ERR_TOO_BUSY, SLICE_EMPTY, NULL);
		return;
	}
	/* No helper is for the caller like a peer's end: it has others. */
	offload_give(o, j, -1, ERR_PEER_GONE);
}

static void cancel(void *arg, struct rpc_request *q)
{
	struct offload *o = arg;
	struct offload_job *j = rpc_request_data(q);
	const struct rpc_frame f = {
		.kind = RPC_FRAME_CANCEL, .type = j->type, .id = j->id, .payload = SLICE_EMPTY
	};

	/* Not told, the helper works in vain. */
	(void)publish(o, j, &f);
	o->counts.cancelled++;
	offload_take_back(o, j);
	offload_end(o, j, ERR_CANCELLED, SLICE_EMPTY, NULL);
}

struct rpc_executor offload_executor(struct offload *o)
{
	return (struct rpc_executor){ .execute = execute, .cancel = cancel, .arg = o };
}

/* ---- life ---- */

enum err offload_new(const struct offload_setup *setup, struct offload **ret)
{
	struct offload *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return ERR_MEMORY;
	}
	o->setup = *setup;
	o->frame = buf_new(setup->rows->frame_max);
	announce_run(o->self);
	helpers_init(&o->helpers, setup->rows->kind);
	list_init(&o->idle);
	for (unsigned i = 0; i < OFFLOAD_JOBS_MAX; i++) {
		list_init(&o->jobs[i].node);
		list_push(&o->idle, &o->jobs[i].node);
	}
	for (unsigned i = 0; i < setup->rows->registry.n; i++) {
		cost_meter_init(&o->cost[i], setup->rows->def[i]->cost_us);
	}
	*ret = o;
	return ERR_OK;
}

void offload_free(struct offload **op)
{
	struct offload *o = *op;

	*op = NULL;
	if (o != NULL) {
		CHECK(o->n_out == 0);
		buf_free(&o->frame);
		free(o);
	}
}

void offload_set_server(struct offload *o, struct rpc_server *s)
{
	o->server = s;
	offload_show(o, false);
}

void offload_subjects(
    const struct offload *o, char helpers[SUBJECT_BYTES], char answers[SUBJECT_BYTES])
{
	(void)snprintf(helpers, SUBJECT_BYTES, "%s.helper.*.*", o->setup.prefix);
	(void)snprintf(answers, SUBJECT_BYTES, "%s.answer.%s.*", o->setup.prefix, o->self);
}

struct offload_counts offload_counts(const struct offload *o)
{
	return o->counts;
}

struct helpers_count offload_helpers(const struct offload *o)
{
	return helpers_count(&o->helpers);
}

unsigned offload_out(const struct offload *o)
{
	return o->n_out;
}
