/*
 * Events in the order of their times: arrivals of activities, answers, ends of thoughts. An answer
 * takes the same time always, since nobody measures it.
 */
#include "lab/pretend_priv.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "core/base/list.h"
#include "lab/arrivals.h"
#include "lab/due.h"

enum {
	ANSWER_US = 20000,
	RUNS_MOST = 200000,
	USERS_TRIED = 64,
	USERS_STREAM = 5000,
};

/* ---- events ---- */

static void end(struct pretend *p, struct pretend_activity *run)
{
	p->counts->done[run->activity] += p->failed == ERR_OK ? 1 : 0;
	p->users[run->user] &= (uint8_t)~USER_BUSY;
	luaL_unref(p->m->script->lua, LUA_REGISTRYINDEX, run->co_ref);
	list_remove(&run->node);
	free(run);
}

/* What it asked for is when it goes on. */
static void wait_for(struct pretend *p, struct pretend_activity *run)
{
	int64_t wait_us = p->asked == ASKED_THINK ? (int64_t)(p->think_s * 1e6) : ANSWER_US;

	run->waits_for_answer = p->asked == ASKED_REQUEST;
	if (run->waits_for_answer) {
		pretend_hand_over(p, run->co); /* the answer is made; it only takes its time */
	}
	if (p->failed == ERR_OK &&
	    due_add(&p->due, (struct due){ p->now_us + wait_us, run }) != ERR_OK) {
		p->failed = err_note_set(p->note, ERR_LIMIT, "too many activities at once");
	}
}

/* The next request of an activity that has only paths; false: there is none. */
static bool ask_plainly(struct pretend *p, struct pretend_activity *run)
{
	const struct model_activity *a = &p->m->activities[run->activity];
	const char *path = run->n_plain < a->n_gets ? a->gets[run->n_plain++] : NULL;

	if (path != NULL) {
		const struct pretended told = { p->now_us, run->user, run->activity, SLICE("GET"),
			slice_str(path), user_step_of_path(slice_str(path)), 200, 0 };
		p->plan->request(p->plan->arg, &told);
		p->asked = ASKED_THINK;
		p->think_s = ANSWER_US / 1e6;
	}
	return path != NULL;
}

static bool take_turn(struct pretend *p, struct pretend_activity *run)
{
	if (p->m->activities[run->activity].does == LUA_NOREF) {
		return ask_plainly(p, run);
	}
	if (run->co == NULL) {
		return pretend_start(p, run, p->m->activities[run->activity].does);
	}
	return pretend_resume(p, run, run->waits_for_answer ? 1 : 0);
}

static void go_on(struct pretend *p, struct pretend_activity *run, bool more)
{
	if (more) {
		wait_for(p, run);
	} else {
		end(p, run);
	}
}

static void begin(struct pretend *p, unsigned activity, uint64_t user)
{
	struct pretend_activity *run = calloc(1, sizeof(*run));

	if (run == NULL) {
		p->failed = ERR_MEMORY;
		return;
	}
	p->counts->begun[activity]++;
	p->begun++;
	run->activity = activity;
	run->user = user;
	run->co_ref = LUA_NOREF;
	list_push(&p->runs, &run->node);
	p->users[user] |= USER_BUSY;
	pretend_warm(p, user);
	if (p->failed == ERR_OK) {
		go_on(p, run, take_turn(p, run));
	}
}

static void arrive(struct pretend *p, struct pretend_source *s)
{
	uint64_t user = chance_below(&s->users, p->n_users);

	for (unsigned i = 0; i < USERS_TRIED; i++, user = (user + 1) % p->n_users) {
		if ((p->users[user] & USER_BUSY) == 0) {
			begin(p, s->activity, user);
			return;
		}
	}
}

static bool schedule(struct pretend *p, struct pretend_source *s)
{
	int64_t at_ns = arrivals_next_ns(&s->arrivals);

	return at_ns == INT64_MAX || at_ns / 1000 >= p->end_us ||
	       due_add(&p->due, (struct due){ at_ns / 1000, s }) == ERR_OK;
}

static bool is_source(const struct pretend *p, const void *who)
{
	uintptr_t at = (uintptr_t)who;

	return at >= (uintptr_t)p->sources && at < (uintptr_t)(p->sources + MODEL_ACTIVITIES_MAX);
}

static bool may_begin(const struct pretend *p)
{
	return p->plan->most == 0 || p->begun < p->plan->most;
}

static void run_all(struct pretend *p)
{
	struct due d;

	while (p->failed == ERR_OK && due_pop(&p->due, INT64_MAX - 1, &d)) {
		p->now_us = d.at_us;
		if (is_source(p, d.who)) {
			if (may_begin(p)) {
				p->counts->length_s = (double)d.at_us / 1e6;
				arrive(p, d.who);
				if (!schedule(p, d.who)) {
					p->failed = ERR_LIMIT;
				}
			}
			continue;
		}
		struct pretend_activity *run = d.who;
		go_on(p, run, take_turn(p, run));
	}
}

static enum err set_up(struct pretend *p)
{
	const struct pretend_plan *plan = p->plan;
	double sum = 0;

	p->n_users = (uint64_t)plan->users;
	p->users = calloc(p->n_users, sizeof(*p->users));
	p->due.max = RUNS_MOST;
	p->end_us = (int64_t)(plan->length_s * 1e6);
	answer_init(&p->answer);
	list_init(&p->runs);
	p->visible = true;
	if (p->users == NULL) {
		return err_note_set(p->note, ERR_MEMORY, "no memory for the users");
	}
	for (unsigned i = 0; i < p->m->n_activities; i++) {
		double rate = model_rate(p->m, plan->preset, i, plan->users);
		rate = plan->only < 0 ? rate : plan->only == (int)i ? 1 : 0;
		const struct arrival_plan a = { .law = plan->only < 0 ? ARRIVAL_POISSON
								      : ARRIVAL_CONSTANT,
			.per_second = rate > 0 ? rate : 1,
			.length_s = plan->length_s };
		p->sources[i] = (struct pretend_source){ arrivals_new(&a, plan->seed, i),
			chance_new(plan->seed, USERS_STREAM + i), i };
		sum += rate;
		if (rate > 0 && !schedule(p, &p->sources[i])) {
			return ERR_MEMORY;
		}
	}
	return sum > 0 ? ERR_OK
		       : err_note_set(p->note, ERR_INVALID, "the model does nothing at all");
}

enum err pretend_run(struct model *m, const struct pretend_plan *plan, struct pretend_counts *ret,
    struct err_note *note)
{
	struct pretend *p = calloc(1, sizeof(*p));
	struct script *s = m->script;
	struct user_hooks own = pretend_hooks;

	if (p == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	*ret = (struct pretend_counts){ 0 };
	p->m = m;
	p->plan = plan;
	p->counts = ret;
	p->note = note;
	own.host = SLICE("127.0.0.1");
	s->hooks = &own;
	s->pretended_ms = plan->begin_ms;
	p->failed = set_up(p);
	if (p->failed == ERR_OK) {
		run_all(p);
	}
	if (plan->most == 0) {
		ret->length_s = plan->length_s;
	}
	enum err e = p->failed;
	p->failed = ERR_CANCELLED; /* those that are not over count as nothing */
	while (!list_is_empty(&p->runs)) {
		end(p, LIST_OF(p->runs.next, struct pretend_activity, node));
	}
	s->hooks = NULL;
	s->pretended_ms = 0;
	answer_fini(&p->answer);
	due_fini(&p->due);
	free(p->users);
	free(p);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "%s", err_text(e));
}
