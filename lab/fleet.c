/*
 * A run of several generators, as the leader sees it: jobs out, all ready, go, seconds and results
 * in. It only waits and adds up, so it needs no core of its own.
 */
#include "lab/fleet.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/fleet_frame.h"
#include "lab/fleet_priv.h"
#include "lab/fleet_seconds.h"
#include "lab/load_wire.h"

enum {
	JOB_BYTES = 2 << 20
};

struct fleet_run {
	struct fleet *fleet;
	const struct load_plan *plan;
	struct load_result *result;
	struct fleet_seconds seconds;
	struct buf message;
	bool begun, told_to_stop;
	struct err_note *note;
};

static unsigned count(const struct fleet *c, enum fleet_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++) {
		n += c->members[i].state == state ? 1 : 0;
	}
	return n;
}

static enum err send_jobs(struct fleet_run *run, struct slice text)
{
	struct fleet *c = run->fleet;
	const char *name = run->result->model->path;

	for (unsigned i = 0; i < c->n; i++) {
		struct load_plan plan = *run->plan;
		plan.share = i;
		plan.of = c->n;
		buf_clear(&run->message);
		load_wire_put_plan(&plan, &run->message);
		wire_put_bytes(&run->message, (struct slice){ name, strlen(name) + 1 });
		wire_put_bytes(&run->message, text);
		if (run->message.failed ||
		    fleet_send(c->members[i].fd, FLEET_JOB, buf_slice(&run->message)) != ERR_OK) {
			return err_note_set(
			    run->note, ERR_PEER_GONE, "generator %u is gone", i + 1);
		}
	}
	return ERR_OK;
}

static void tell_all(struct fleet_run *run, enum fleet_kind kind, enum fleet_state from)
{
	struct fleet *c = run->fleet;

	for (unsigned i = 0; i < c->n; i++) {
		struct fleet_member *m = &c->members[i];
		if (m->state == from && fleet_send(m->fd, kind, SLICE_EMPTY) == ERR_OK &&
		    kind == FLEET_GO) {
			m->state = MEMBER_RUNNING;
		}
	}
}

/* What it measured is lost, the rest is not; before the begin there is nothing to keep. */
static enum err lost(struct fleet_run *run, unsigned i, const char *why, int why_len)
{
	struct fleet_member *m = &run->fleet->members[i];

	close(m->fd);
	m->fd = -1;
	m->state = MEMBER_GONE;
	if (!run->begun || count(run->fleet, MEMBER_GONE) == run->fleet->n) {
		return err_note_set(
		    run->note, ERR_PEER_GONE, "generator %u: %.*s", i + 1, why_len, why);
	}
	load_result_add_cause(run->result,
	    "generator %u ended before its time (%.*s): its part of the figures is missing", i + 1,
	    why_len, why);
	return ERR_OK;
}

static enum err take_second(struct fleet_run *run, unsigned i, struct wire_reader *in)
{
	struct hdr latency = { 0 };
	struct load_now now;
	enum err e = load_wire_take_now(in, &now, &latency);

	if (e == ERR_OK) {
		unsigned living =
		    run->fleet->n - count(run->fleet, MEMBER_GONE) - count(run->fleet, MEMBER_DONE);
		fleet_seconds_add(&run->seconds, run->fleet->members[i].seconds++, &now, living);
	}
	hdr_fini(&latency);
	return e;
}

/* A message of a member. Errors end the run. */
static enum err hear(struct fleet_run *run, unsigned i)
{
	struct fleet_member *m = &run->fleet->members[i];
	enum fleet_kind kind = FLEET_STOP;
	enum err e = fleet_receive(m->fd, LOAD_WIRE_BYTES, &run->message, &kind);
	struct slice bytes = buf_slice(&run->message);
	struct wire_reader in = wire_reader_new(bytes);

	if (e != ERR_OK) {
		return lost(run, i, "gone", 4);
	}
	switch (kind) {
	case FLEET_READY:
		m->state = MEMBER_READY;
		return ERR_OK;
	case FLEET_SECOND:
		e = take_second(run, i, &in);
		break;
	case FLEET_RESULT:
		m->state = MEMBER_DONE;
		e = load_wire_merge(&in, i + 1, run->result);
		break;
	case FLEET_ERROR:
		return lost(run, i, bytes.ptr, (int)bytes.len);
	case FLEET_HELLO:
	case FLEET_PROOF:
	case FLEET_LEAD:
	case FLEET_JOB:
	case FLEET_GO:
	case FLEET_STOP:
	case FLEET_KINDS:
		e = ERR_SYNTAX;
		break;
	}
	return e == ERR_OK ? ERR_OK : lost(run, i, "what it says cannot be read", 27);
}

static void begin_if_all_are_ready(struct fleet_run *run)
{
	if (run->begun || count(run->fleet, MEMBER_READY) < run->fleet->n) {
		return;
	}
	if (run->plan->at_moment != NULL) {
		run->plan->at_moment(run->plan->moment_arg, LOAD_BEGINS);
	}
	tell_all(run, FLEET_GO, MEMBER_READY);
	run->begun = true;
}

/* Those who prepare users end with what they have, which is nothing: the run is over. */
static enum err stop_all(struct fleet_run *run)
{
	if (!run->told_to_stop) {
		run->told_to_stop = true;
		run->result->interrupted = true;
		if (!run->begun) {
			return err_note_set(run->note, ERR_CANCELLED, "stopped before it began");
		}
		tell_all(run, FLEET_STOP, MEMBER_RUNNING);
	}
	return ERR_OK;
}

static enum err follow(struct fleet_run *run)
{
	struct fleet *c = run->fleet;
	enum err e = ERR_OK;

	while (e == ERR_OK && count(c, MEMBER_DONE) + count(c, MEMBER_GONE) < c->n) {
		int fds[FLEET_MAX];
		bool readable[FLEET_MAX];
		for (unsigned i = 0; i < c->n; i++) {
			fds[i] = c->members[i].state == MEMBER_DONE ? -1 : c->members[i].fd;
		}
		(void)fleet_wait(fds, c->n, readable);
		if (fleet_was_stopped()) {
			e = stop_all(run);
		}
		for (unsigned i = 0; e == ERR_OK && i < c->n; i++) {
			e = readable[i] ? hear(run, i) : ERR_OK;
		}
		begin_if_all_are_ready(run);
	}
	return e;
}

enum err fleet_run(struct fleet *c, struct model *m, struct slice text,
    const struct load_plan *plan, struct load_result **ret, struct err_note *note)
{
	struct fleet_run run = {
		.fleet = c, .plan = plan, .message = buf_new(LOAD_WIRE_BYTES), .note = note
	};
	enum err e = load_result_new(m, plan, &run.result);

	if (e != ERR_OK) {
		return e;
	}
	struct load_result *r = run.result;
	r->generators = c->n;
	r->n_activities = m->n_activities;
	for (unsigned i = 0; i < m->n_activities; i++) {
		r->activities[i].name = m->activities[i].name;
		r->activities[i].per_second = model_rate(m, plan->preset, i, plan->users);
	}
	run.seconds.result = r;
	e = send_jobs(&run, text);
	if (e == ERR_OK) {
		e = follow(&run);
	}
	if (e == ERR_OK && plan->at_moment != NULL) {
		plan->at_moment(plan->moment_arg, LOAD_ENDS);
	}
	fleet_seconds_fini(&run.seconds);
	buf_free(&run.message);
	*ret = r;
	return e;
}
