/*
 * What comes back: answers, words of helpers, and the end of helpers. All of it is from outside.
 */
#include "core/offload/offload_priv.h"

#include <stdio.h>

#include "core/base/enc.h"
#include "core/obs/log.h"
#include "core/rpc/frame.h"

/* ---- the end of helpers ---- */

/* begun: it may have run, or run still. */
static void lose_job(struct offload *o, struct offload_job *j, bool begun)
{
	const uint32_t flags = rpc_request_view(j->q).def->flags;
	const int gone = (int)j->helper;

	o->counts.lost++;
	offload_take_back(o, j);
	if (begun && (flags & RPC_IDEMPOTENT) == 0) {
		offload_end_with(o, j, ERR_OUTCOME_UNKNOWN, "its helper is gone");
	} else if (j->tries >= OFFLOAD_TRIES_MAX) {
		offload_end_with(o, j, ERR_PEER_GONE, "its helper is gone");
	} else {
		o->counts.again +=
		    helpers_choose(&o->helpers, gone, loop_now_us(o->setup.loop)) >= 0;
		offload_give(o, j, gone, ERR_PEER_GONE);
	}
}

/* unheard: a job that it cannot have got, or NULL. */
static void lose_helper(
    struct offload *o, unsigned i, const char *why, const struct offload_job *unheard)
{
	const struct helper *h = &o->helpers.list[i];

	if (!h->said.leaving) {
		o->counts.helpers_lost++;
		LOG(LOG_WARN, "offload", "helper_lost", LOG_C("name", h->name), LOG_C("why", why),
		    LOG_I("jobs", h->out));
	}
	/* No new job for it while its own are moved. */
	o->helpers.list[i].said.leaving = true;
	for (unsigned k = 0; k < OFFLOAD_JOBS_MAX && h->out > 0; k++) {
		if (o->jobs[k].q != NULL && o->jobs[k].helper == i) {
			lose_job(o, &o->jobs[k], &o->jobs[k] != unheard);
		}
	}
	helpers_forget(&o->helpers, i);
	offload_show(o, false);
}

void offload_tick(struct offload *o)
{
	int i;

	while ((i = helpers_silent(&o->helpers, loop_now_us(o->setup.loop))) >= 0) {
		lose_helper(o, (unsigned)i, "silent", NULL);
	}
	offload_show(o, false);
}

void offload_connected(struct offload *o, bool is_connected)
{
	o->is_connected = is_connected;
	for (unsigned i = 0; i < HELPERS_MAX && !is_connected; i++) {
		if (o->helpers.list[i].used) {
			lose_helper(o, i, "no connection", NULL);
		}
	}
	offload_show(o, true);
}

/* ---- messages ---- */

static void on_answer(struct offload *o, struct offload_job *j, const struct rpc_frame *f)
{
	const int64_t now_us = loop_now_us(o->setup.loop);
	const int helper = (int)j->helper;
	enum err e = f->status;
	struct err_note note = { 0 };

	helpers_told(&o->helpers, j->helper, f->wait_us, now_us);
	offload_take_back(o, j);
	if (f->run_us > 0) {
		cost_meter_record(&o->cost[j->type], f->run_us);
		rpc_request_ran(j->q, f->run_us);
		rpc_request_had_cpu(j->q, (int64_t)f->run_us * f->cpu_permille / 1000);
	}
	if ((e == ERR_TOO_BUSY || e == ERR_DRAINING) && j->tries < OFFLOAD_TRIES_MAX) {
		o->counts.again++;
		offload_give(o, j, helper, ERR_TOO_BUSY);
		return;
	}
	o->counts.busy += e == ERR_TOO_BUSY;
	o->counts.answered += e != ERR_TOO_BUSY;
	/* To our caller that would say that we ourselves are about to end. */
	e = e == ERR_DRAINING ? ERR_PEER_GONE : e;
	if (e != ERR_OK) {
		e = err_note_set(&note, e, "%.*s", SLICE_ARG(f->payload));
	}
	offload_end(o, j, e, e == ERR_OK ? f->payload : SLICE_EMPTY, &note);
}

static struct offload_job *job_of_subject(struct offload *o, struct slice subject)
{
	char prefix[SUBJECT_BYTES];
	uint8_t bytes[8];
	size_t len = 0;
	uint64_t id = 0;
	int n = snprintf(prefix, sizeof(prefix), "%s.answer.%s.", o->setup.prefix, o->self);
	struct slice start = SLICE_OF(prefix, n > 0 ? (size_t)n : 0);

	if (!slice_starts(subject, start) ||
	    dec_hex(slice_sub(subject, start.len, subject.len), bytes, sizeof(bytes), &len) !=
		ERR_OK ||
	    len != sizeof(bytes)) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		id = id << 8 | bytes[i];
	}
	return offload_job_of(o, id);
}

static void take_word(struct offload *o, struct slice subject, struct slice payload)
{
	char name[NATS_NAME_BYTES], run[RUN_BYTES];
	struct announce a;
	unsigned i = 0;

	if (!announce_whose(subject, o->setup.prefix, name, run) || !announce_take(payload, &a)) {
		o->counts.bad++;
		return;
	}
	switch (helpers_heard(&o->helpers, name, run, &a, loop_now_us(o->setup.loop), &i)) {
	case HELPER_JOINED:
		LOG(a.kind == o->helpers.kind ? LOG_INFO : LOG_WARN, "offload", "helper_joined",
		    LOG_C("name", name), LOG_I("processes", a.processes),
		    LOG_C("use", a.kind == o->helpers.kind ? "yes" : "no, of another version"));
		break;
	case HELPER_LEAVES:
		LOG(LOG_INFO, "offload", "helper_leaves", LOG_C("name", name));
		break;
	case HELPER_TOO_MANY:
		o->counts.bad++;
		break;
	case HELPER_AS_BEFORE:
	default:
		break;
	}
	offload_show(o, false);
}

void offload_message(struct offload *o, struct slice subject, struct slice payload, bool nobody)
{
	struct rpc_frame f;
	size_t bytes = 0;
	struct offload_job *j = job_of_subject(o, subject);

	if (nobody) {
		if (j != NULL) {
			lose_helper(o, j->helper, "does not listen any more", j);
		}
		return;
	}
	if (j == NULL) {
		take_word(o, subject, payload);
		return;
	}
	if (rpc_frame_decode(&o->setup.rows->registry, RPC_FRAME_BIT(RPC_FRAME_REPLY), payload, &f,
		&bytes) != ERR_OK ||
	    bytes != payload.len || f.id != j->id || f.type != j->type) {
		o->counts.bad++;
		return;
	}
	on_answer(o, j, &f);
}
