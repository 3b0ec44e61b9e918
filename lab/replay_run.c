/*
 * The course of a replay: what is due is handed to its client, until all is over.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "lab/replay_priv.h"

enum {
	SECOND_MS = 1000,
	TURN_MOST = 64,	   /* requests begun before answers get their turn */
	IDLE_US = 5000000, /* a connection without a request is kept */
};

static const int64_t second_us = 1000000;

static void stop_if_over(struct replay *r)
{
	int64_t now_us = clock_mono_us();

	if (r->over == r->schedule->n || (r->l.ending && r->l.n_running == 0)) {
		r->l.end_us = now_us;
		loop_stop(r->l.loop);
	}
}

static void set_timer(struct replay *r)
{
	int64_t next_us = r->l.start_us + r->schedule->due_us[r->begun];
	const struct itimerspec spec = { .it_value = { .tv_sec = next_us / second_us,
					     .tv_nsec = next_us % second_us * 1000 } };

	if (next_us != r->l.timer_us) {
		r->l.timer_us = next_us;
		CHECK(timerfd_settime(r->l.timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
	}
}

static void on_round(void *arg)
{
	struct replay *r = arg;
	unsigned n = 0;

	while (r->begun < r->schedule->n && !r->l.ending &&
	       r->l.start_us + r->schedule->due_us[r->begun] <= clock_mono_us()) {
		if (n++ == TURN_MOST) {
			loop_again(r->l.loop);
			return;
		}
		replay_push(r, r->begun++);
	}
	if (r->begun < r->schedule->n && !r->l.ending) {
		set_timer(r);
	}
	stop_if_over(r);
}

static void on_second(void *arg)
{
	struct replay *r = arg;

	load_second_over(&r->l);
	replay_drop_idle(r, clock_mono_us() - IDLE_US, 0);
	stop_if_over(r);
}

static void end_now(void *arg)
{
	struct replay *r = arg;

	r->l.result->interrupted = true;
	r->l.end_us = clock_mono_us();
	loop_stop(r->l.loop);
}

static void end_softly(void *arg)
{
	struct replay *r = arg;

	r->l.ending = true;
	stop_if_over(r);
}

static enum err set_up(struct replay *r, struct err_note *note)
{
	const struct load_ends ends = { end_softly, end_now, r };

	r->l.plan = r->l.result->plan;
	r->l.behaviour.resume = r->l.plan.has_resume ? r->l.plan.behaviour.resume : 0;
	r->l.timer_fd = -1;
	r->waiting = REPLAY_NOBODY;
	list_init(&r->idle);
	load_raise_limits(&r->l);
	r->n_clients = r->schedule->n_clients;
	r->clients = calloc(r->n_clients, sizeof(*r->clients));
	r->next = calloc(r->schedule->n + 1, sizeof(*r->next));
	if (r->clients == NULL || r->next == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for the clients");
	}
	for (uint32_t i = 0; i < r->n_clients; i++) {
		r->clients[i].first = REPLAY_NOBODY;
	}
	enum err e = load_network_open(&r->l, note);
	if (e != ERR_OK) {
		return e;
	}
	loop_on_check(r->l.loop, on_round, r);
	loop_every(r->l.loop, SECOND_MS, on_second, r);
	return load_watch_end(&r->l, &ends);
}

static void run(struct replay *r)
{
	struct load_result *lr = r->l.result;
	struct load *l = &r->l;

	if (l->plan.at_moment != NULL) {
		l->plan.at_moment(l->plan.moment_arg, LOAD_BEGINS);
	}
	l->start_us = l->count_from_us = l->second_us = clock_mono_us();
	l->end_us = r->plan->times == REPLAY_FAST
			? INT64_MAX
			: l->start_us + (int64_t)(r->schedule->length_s * 1e6) + second_us;
	l->cpu_from_us = clock_cpu_us();
	l->delay_from_us = load_run_delay_us();
	loop_again(l->loop);
	loop_run(l->loop);
	int64_t now_us = clock_mono_us();
	l->end_us = now_us;
	load_second_over(l);
	lr->cpu_s = (double)(clock_cpu_us() - l->cpu_from_us) / 1e6;
	lr->kept_waiting_s = (double)(load_run_delay_us() - l->delay_from_us) / 1e6;
	lr->watched_s = lr->elapsed_s = (double)(now_us - l->start_us) / 1e6;
	if (l->plan.at_moment != NULL) {
		l->plan.at_moment(l->plan.moment_arg, LOAD_ENDS);
	}
	load_sum_up_network(l);
	lr->activities[0].unfinished = lr->activities[0].begun - r->over;
	/* What had to wait for room counts as not begun: the generator was full. */
	lr->activities[0].no_room =
	    lr->interrupted ? 0 : lr->activities[0].due - lr->activities[0].begun;
	for (uint32_t i = 0; i < r->n_clients; i++) {
		r->result->counts.clients += r->clients[i].asked ? 1 : 0;
	}
}

static void tear_down(struct replay *r)
{
	for (uint32_t i = 0; r->clients != NULL && i < r->n_clients; i++) {
		while (r->clients[i].n_slots > 0) {
			replay_drop_slot(r->clients[i].slots[0]);
		}
	}
	load_forget_end(&r->l);
	load_network_close(&r->l);
	hdr_fini(&r->l.second_latency);
	free(r->clients);
	free(r->next);
}

enum err replay_run(const struct access_log *log, const struct replay_schedule *schedule,
    const struct replay_plan *plan, struct replay_result **ret, struct err_note *note)
{
	struct replay *r = calloc(1, sizeof(*r));
	struct replay_result *result = NULL;

	if (r == NULL || replay_result_new(schedule, plan, &result) != ERR_OK) {
		free(r);
		return err_note_set(note, ERR_MEMORY, "no memory for a run");
	}
	*r = (struct replay){ .log = log, .schedule = schedule, .plan = plan, .result = result };
	r->l.result = result->load;
	enum err e = set_up(r, note);
	if (e == ERR_OK) {
		run(r);
		load_judge(&r->l);
	}
	tear_down(r);
	free(r);
	if (e != ERR_OK) {
		replay_result_free(&result);
		return e;
	}
	*ret = result;
	return ERR_OK;
}

enum err replay_result_new(
    const struct replay_schedule *s, const struct replay_plan *plan, struct replay_result **ret)
{
	struct replay_result *r = calloc(1, sizeof(*r));

	if (r == NULL || load_result_new(&r->model, &plan->load, &r->load) != ERR_OK) {
		free(r);
		return ERR_MEMORY;
	}
	r->log = plan->log;
	r->model.name = "replay";
	r->model.about = "an access log";
	r->model.warm = LUA_NOREF;
	r->load->plan.users = s->n_clients;
	r->load->plan.law = plan->times == REPLAY_POISSON ? ARRIVAL_POISSON : ARRIVAL_REPLAYED;
	r->load->n_activities = 1;
	r->load->activities[0].name = "replay";
	r->load->activities[0].per_second = s->length_s > 0 ? (double)s->n / s->length_s : 0;
	*ret = r;
	return ERR_OK;
}

void replay_result_free(struct replay_result **rp)
{
	struct replay_result *r = *rp;

	if (r != NULL) {
		load_result_free(&r->load);
		free(r);
	}
	*rp = NULL;
}
