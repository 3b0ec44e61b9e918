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

/* The newest ticks; one of the whole is when all who run have told theirs. */
struct fleet_ticks {
	struct load_tick newest[FLEET_MAX];
	bool fresh[FLEET_MAX];
};

struct fleet_run {
	struct fleet *fleet;
	const struct load_plan *plan;
	struct load_result *result;
	const struct fleet_hear *hear;
	struct fleet_seconds seconds;
	struct fleet_ticks *ticks; /* owned */
	struct buf message;
	bool begun, told_to_end, told_to_stop;
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

static bool all_have_ticked(const struct fleet_run *run)
{
	for (unsigned i = 0; i < run->fleet->n; i++) {
		if (run->fleet->members[i].state == MEMBER_RUNNING && !run->ticks->fresh[i]) {
			return false;
		}
	}
	return true;
}

static enum err take_tick(struct fleet_run *run, unsigned i, struct wire_reader *in)
{
	struct fleet_ticks *ticks = run->ticks;
	struct load_tick sum = { .running = 0 };
	enum err e = load_wire_take_tick(in, &ticks->newest[i]);

	ticks->fresh[i] = true;
	if (e != ERR_OK || run->plan->at_tick == NULL || run->told_to_end ||
	    !all_have_ticked(run)) {
		return e;
	}
	for (unsigned k = 0; k < run->fleet->n; k++) {
		load_tick_add(&sum, &ticks->newest[k]);
		ticks->fresh[k] = false;
	}
	if (!run->plan->at_tick(run->plan->tick_arg, &sum)) {
		run->told_to_end = true;
		tell_all(run, FLEET_END, MEMBER_RUNNING);
	}
	return ERR_OK;
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
	case FLEET_TICK:
		e = take_tick(run, i, &in);
		break;
	case FLEET_SECOND:
		e = take_second(run, i, &in);
		break;
	case FLEET_OWN:
		e = run->hear == NULL ? ERR_SYNTAX : run->hear->fn(run->hear->arg, bytes);
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
	case FLEET_END:
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

static void begin_anew(struct fleet *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		struct fleet_member *m = &c->members[i];
		m->state = m->state == MEMBER_DONE ? MEMBER_PREPARING : m->state;
		m->seconds = 0;
	}
}

enum err fleet_lead(struct fleet *c, const struct load_plan *plan, struct load_result *r,
    const struct fleet_hear *hear, struct err_note *note)
{
	struct fleet_run run = { .fleet = c,
		.plan = plan,
		.result = r,
		.hear = hear,
		.seconds = { .result = r },
		.ticks = calloc(1, sizeof(*run.ticks)),
		.message = buf_new(LOAD_WIRE_BYTES),
		.note = note };

	if (run.ticks == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for the generators' ticks");
	}
	r->generators = c->n;
	fleet_catch_signals(); /* somebody else may have done so since the last run */
	begin_anew(c);
	enum err e = follow(&run);
	if (e == ERR_OK && plan->at_moment != NULL) {
		plan->at_moment(plan->moment_arg, LOAD_ENDS);
	}
	fleet_seconds_fini(&run.seconds);
	buf_free(&run.message);
	free(run.ticks);
	return e;
}

static enum err send_job(struct fleet *c, unsigned number, const struct load_plan *whole,
    const struct model *m, struct slice text)
{
	struct load_plan plan = *whole;
	struct buf message = buf_new(FLEET_JOB_BYTES);
	struct slice all = SLICE_EMPTY;

	plan.share = number;
	plan.of = c->n;
	load_wire_put_plan(&plan, &message);
	wire_put_bytes(&message, (struct slice){ m->path, strlen(m->path) + 1 });
	wire_put_bytes(&message, text);
	enum err e = buf_finish(&message, &all);
	if (e == ERR_OK) {
		e = fleet_send(c->members[number].fd, FLEET_JOB, all);
	}
	buf_free(&message);
	return e;
}

enum err fleet_run(struct fleet *c, struct model *m, struct slice text,
    const struct load_plan *plan, struct load_result **ret, struct err_note *note)
{
	enum err e = load_result_new(m, plan, ret);

	if (e != ERR_OK) {
		return e;
	}
	struct load_result *r = *ret;
	r->n_activities = m->n_activities;
	for (unsigned i = 0; i < m->n_activities; i++) {
		r->activities[i].name = m->activities[i].name;
		r->activities[i].per_second = model_rate(m, plan->preset, i, plan->users);
	}
	for (unsigned i = 0; i < c->n; i++) {
		if (send_job(c, i, plan, m, text) != ERR_OK) {
			return err_note_set(note, ERR_PEER_GONE, "generator %u is gone", i + 1);
		}
	}
	return fleet_lead(c, plan, r, NULL, note);
}

unsigned fleet_size(const struct fleet *c)
{
	return c->n;
}
