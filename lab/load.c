/*
 * The run as a whole: what it needs is set up, the loop runs, its end is summed up.
 */
#include "lab/load.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "lab/browserid_key.h"
#include "lab/load_priv.h"

enum {
	SECOND_MS = 1000,
	PLAIN_BYTES = 4 << 20,
	SOCKETS_MS = 50,
	/* Of chance: from 0 arrivals, then users, then moods; so many of each generator. */
	USERS_STREAM = 1000,
	MOOD_STREAM = 2000,
	STREAMS = 10000,
};

static void on_second(void *arg)
{
	struct load *l = arg;

	kept_sweep(&l->kept);
	load_second_over(l);
	load_stop_if_over(l);
}

/* Nothing new begins, what runs has its time. */
static void end_softly(void *arg)
{
	struct load *l = arg;
	int64_t now_us = clock_mono_us();

	if (l->start_us != 0 && now_us < l->end_us) {
		l->end_us = now_us;
		l->give_up_us = now_us + (int64_t)(l->plan.timeout_s * 1e6) + 1000000;
		load_stop_if_over(l);
	}
}

static uint64_t count_slow(const struct load_result *r, const struct load_limit *limit)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->n_activities && limit->us > 0; i++) {
		const struct load_activity *a = &r->activities[i];
		if (limit->activity < 0 || limit->activity == (int)i) {
			n += a->done - hdr_count_up_to(&a->latency, limit->us);
		}
	}
	return n;
}

static void on_tick(void *arg)
{
	struct load *l = arg;
	const struct load_result *r = l->result;
	struct load_tick now = { .running = l->n_running, .n_activities = r->n_activities };
	int64_t now_us = clock_mono_us();

	if (l->start_us == 0 || l->ending || now_us >= l->end_us) {
		return;
	}
	now.at_s = (double)(now_us - l->count_from_us) / 1e6;
	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		now.activities[i] = (struct load_counts){ a->due, a->away, a->begun, a->done,
			a->refused, a->failed, a->gave_up };
	}
	for (unsigned k = 0; k < l->plan.n_limits; k++) {
		now.slow[k] = count_slow(r, &l->plan.limits[k]);
	}
	if (!l->plan.at_tick(l->plan.tick_arg, &now)) {
		end_softly(l);
	}
}

static void end_now(void *arg)
{
	struct load *l = arg;

	l->result->interrupted = true;
	l->warming = false;
	l->end_us = l->end_us == 0 ? 0 : clock_mono_us();
	loop_stop(l->loop);
}

static enum err set_up_users(struct load *l, struct err_note *note)
{
	uint64_t all = (uint64_t)l->plan.users;
	if (l->plan.warm_users > 0) {
		if (l->model->warm == LUA_NOREF) {
			return err_note_set(note, ERR_INVALID,
			    "%s has no warm = function(user) ... end, which --warm needs",
			    l->model->path);
		}
		all = (uint64_t)fmin(l->plan.warm_users, l->plan.users);
		l->warming = true;
		l->warm_at_once = WARM_AT_ONCE;
	}
	l->first_user = all * l->plan.share / l->plan.of;
	l->pool = all * (l->plan.share + 1) / l->plan.of - l->first_user;
	if (l->pool == 0) {
		return err_note_set(note, ERR_INVALID, "fewer users than generators");
	}
	l->busy = calloc(l->pool / 64 + 1, sizeof(*l->busy));
	return l->busy != NULL ? ERR_OK : err_note_set(note, ERR_MEMORY, "no memory for the users");
}

static enum err set_up_sources(struct load *l, struct err_note *note)
{
	struct load_result *r = l->result;
	double sum = 0;

	r->n_activities = l->model->n_activities;
	for (unsigned i = 0; i < r->n_activities; i++) {
		double rate = model_rate(l->model, l->plan.preset, i, l->plan.users) *
			      (l->plan.has_weights ? l->plan.weights[i] : 1) / l->plan.of;
		const struct arrival_plan plan = { .law = l->plan.law,
			.shape = l->plan.shape,
			.per_second = rate > 0 ? rate : 1,
			.length_s = l->plan.warm_up_s + l->plan.length_s,
			.burst_period_s = l->plan.burst_s,
			.spike = l->plan.spike,
			.day = l->model->behaviour.has_hours ? l->model->behaviour.hours : NULL,
			.parts = l->plan.parts,
			.n_parts = l->plan.n_parts };
		r->activities[i].name = l->model->activities[i].name;
		r->activities[i].per_second = rate;
		struct load_source *s = &l->sources[i];
		uint64_t stream = STREAMS * l->plan.share + i;
		s->arrivals = arrivals_new(&plan, l->plan.seed, stream);
		s->users = chance_new(l->plan.seed, USERS_STREAM + stream);
		s->gaps = gap_stream_new(&s->arrivals.plan);
		s->activity = i;
		sum += rate;
	}
	return sum > 0 ? ERR_OK : err_note_set(note, ERR_INVALID, "the model does nothing at all");
}

static enum err open_loop(struct load *l, struct err_note *note)
{
	enum err e = load_network_open(l, note);

	if (e != ERR_OK) {
		return e;
	}
	loop_on_check(l->loop, load_on_round, l);
	loop_every(l->loop, SECOND_MS, on_second, l);
	if (l->plan.at_tick != NULL) {
		loop_every(l->loop, l->plan.tick_ms, on_tick, l);
	}
	loop_every(l->loop, SOCKETS_MS, load_sockets_sweep, l);
	const struct load_ends ends = { end_softly, end_now, l };
	return load_watch_end(l, &ends);
}

/* What the model says, and what the plan says in place of it. */
static void set_up_behaviour(struct load *l)
{
	const struct load_plan *p = &l->plan;
	struct behaviour *b = &l->behaviour;

	*b = l->model->behaviour;
	b->retry = p->has_retry ? p->behaviour.retry : b->retry;
	b->connection = p->has_connection ? p->behaviour.connection : b->connection;
	b->resume = p->has_resume ? p->behaviour.resume : b->resume;
	if (p->has_patience) {
		b->patience_s = p->behaviour.patience_s;
		b->patience_random = false;
	}
	if (b->connection == CONNECTION_SESSION) {
		l->max_running /= 2; /* the other half may be kept meanwhile */
	}
	kept_init(&l->kept, l->max_running, (int64_t)(b->keep_s * 1e6));
	l->away.users.max = UINT32_MAX / 2;
	l->mood = chance_new(p->seed, MOOD_STREAM + STREAMS * p->share);
}

static enum err set_up(struct load *l, struct model *m, struct err_note *note)
{
	l->model = m;
	l->timer_fd = -1;
	wake_init(&l->wake);
	l->processor_is_ours = true; /* until the first second has shown */
	l->due.max = LOAD_RUNNING_MAX + MODEL_ACTIVITIES_MAX + 1;
	list_init(&l->runs);
	list_init(&l->spare_runs);
	l->plain_texts = arena_new(PLAIN_BYTES);
	load_raise_limits(l);
	set_up_behaviour(l);
	enum err e = set_up_users(l, note);
	if (e == ERR_OK) {
		e = set_up_sources(l, note);
	}
	if (e == ERR_OK) {
		e = open_loop(l, note);
	}
	if (e == ERR_OK && browserid_make_keys(m->script, m->n_keys) != ERR_OK) {
		e = err_note_set(note, ERR_CRYPTO, "no RSA keys");
	}
	if (e == ERR_OK) {
		e = load_run_keep_functions(m->script);
	}
	if (e == ERR_OK) {
		e = load_plain_set_up(l, note);
	}
	l->hooks = load_run_hooks;
	l->hooks.host = slice_str(l->host);
	l->hooks.secure = l->tls != NULL;
	m->script->hooks = &l->hooks;
	return e;
}

static void tear_down(struct load *l)
{
	while (!list_is_empty(&l->runs)) {
		load_run_abort(LIST_OF(l->runs.next, struct load_run, node));
	}
	load_run_free_spare(l);
	arena_reset(&l->plain_texts);
	kept_fini(&l->kept);
	away_fini(&l->away);
	for (unsigned i = 0; i < l->n_threads; i++) {
		luaL_unref(l->model->script->lua, LUA_REGISTRYINDEX, l->threads[i]);
	}
	load_forget_end(l);
	load_network_close(l);
	due_fini(&l->due);
	hdr_fini(&l->second_latency);
	free(l->busy);
	l->model->script->hooks = NULL;
}

static void sum_up(struct load *l)
{
	struct load_result *r = l->result;
	int64_t now_us = clock_mono_us();
	int64_t until_us = now_us < l->end_us ? now_us : l->end_us;

	if (l->start_us == 0) {
		return;
	}
	load_second_over(l);
	r->cpu_s = fmax((double)(clock_cpu_us() - l->cpu_from_us - l->polled_us) / 1e6, 0);
	r->kept_waiting_s = (double)(load_run_delay_us() - l->delay_from_us) / 1e6;
	r->watched_s = (double)(now_us - l->start_us) / 1e6;
	if (l->plan.at_moment != NULL) {
		l->plan.at_moment(l->plan.moment_arg, LOAD_ENDS);
	}
	r->elapsed_s = (double)(until_us - l->count_from_us) / 1e6;
	r->elapsed_s = r->elapsed_s < 0 ? 0 : r->elapsed_s;
	load_sum_up_network(l);
	r->no_descriptor = l->client.no_descriptor;
	r->no_port = l->client.no_port;
	r->script_bytes = l->model->script->memory_bytes;
}

enum err load_run(
    struct model *m, const struct load_plan *plan, struct load_result **ret, struct err_note *note)
{
	struct load *l = calloc(1, sizeof(*l));
	struct load_result *r = NULL;

	if (l == NULL || load_result_new(m, plan, &r) != ERR_OK) {
		free(l);
		return err_note_set(note, ERR_MEMORY, "no memory for a run");
	}
	*ret = r;
	l->plan = *plan;
	l->result = r;
	enum err e = set_up(l, m, note);
	if (e == ERR_OK) {
		l->second_us = clock_mono_us();
		if (!l->warming) {
			load_start_clock(l);
		}
		load_set_timer(l);
		loop_run(l->loop);
		sum_up(l);
		if (r->warm_failed > l->pool / 10 && !r->interrupted) {
			e = err_note_set(note, ERR_INVALID,
			    "%llu of %llu users could not be prepared: %s",
			    (unsigned long long)r->warm_failed, (unsigned long long)l->pool,
			    r->failures[0].text);
		}
	}
	tear_down(l);
	if (e == ERR_OK) {
		load_judge(l);
	}
	free(l);
	return e;
}
