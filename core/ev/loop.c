/*
 * The loop: libuv's phases dressed up as rounds. In a round libuv runs due timers, polls, calls the
 * I/O callbacks, and then our check handle runs the hooks and the ready tasks. An active idle
 * handle is libuv's way to poll without waiting; loop_again() is just that.
 *
 * The moment at which the poll returned is needed exactly (stamps and lag start there) but libuv
 * has no callback for it. It is the time before the poll (prepare handle) plus the idle time that
 * libuv measures in the poll (UV_METRICS_IDLE_TIME, which costs one more poll only when there was
 * nothing to do).
 */
#include "core/ev/loop.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task_sched.h"
#include "core/ev/watch_set.h"

enum {
	HOOKS_MAX = 8,
	PERIODS_MAX = 16,
	SIGNALS_MAX = 8
};

struct hook {
	loop_fn *fn;
	void *arg;
};

struct period {
	uv_timer_t timer;
	struct hook hook;
};

struct signal_hook {
	uv_signal_t signal;
	struct hook hook;
};

/* The clock of the current round; apart from struct loop so that const loops can be asked. */
struct round {
	uv_loop_t *uv;
	bool running; /* inside loop_run() */
	bool polling; /* between prepare and check */
	bool known;   /* now_us is this round's */
	int64_t now_us;
	int64_t prepared_us; /* when the poll began */
	uint64_t idle_ns;    /* libuv's idle time at that moment */
	int64_t returned_us; /* when the last finished poll returned; 0: none yet */
};

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t again;
	uv_timer_t expiry; /* the earliest deadline of a waiting task */
	int64_t expiry_us; /* what it is set to, or INT64_MAX */
	struct sched sched;
	struct round *round;	   /* owned */
	struct watch_set *watches; /* owned */
	int64_t lag_us, lag_max_us;
	int64_t opened_us;
	struct hook hooks[HOOKS_MAX];
	struct period periods[PERIODS_MAX];
	struct signal_hook signals[SIGNALS_MAX];
	unsigned n_hooks, n_periods, n_signals;
};

struct sched *loop_sched(struct loop *l)
{
	return &l->sched;
}

const struct sched *loop_sched_const(const struct loop *l)
{
	return &l->sched;
}

struct watch_set *loop_watches(struct loop *l)
{
	return l->watches;
}

uv_loop_t *loop_uv(struct loop *l)
{
	return &l->uv;
}

int64_t loop_now_us(const struct loop *l)
{
	struct round *r = l->round;

	if (!r->running) {
		return clock_mono_us();
	}
	if (!r->known) {
		uint64_t idle_ns = r->polling ? uv_metrics_idle_time(r->uv) - r->idle_ns : 0;
		r->now_us =
		    r->polling ? r->prepared_us + (int64_t)(idle_ns / 1000) : clock_mono_us();
		r->known = true;
	}
	return r->now_us;
}

static void note_lag(struct loop *l, int64_t now_us)
{
	if (l->round->returned_us != 0) {
		l->lag_us = now_us - l->round->returned_us;
		l->lag_max_us = l->lag_us > l->lag_max_us ? l->lag_us : l->lag_max_us;
	}
}

static void on_prepare(uv_prepare_t *handle)
{
	struct loop *l = handle->data;
	struct round *r = l->round;

	r->prepared_us = clock_mono_us();
	r->idle_ns = uv_metrics_idle_time(&l->uv);
	r->polling = true;
	r->known = false;
	note_lag(l, r->prepared_us);
}

static void on_again(uv_idle_t *handle)
{
	/* Being active is all it is for. */
	(void)handle;
}

void loop_again(struct loop *l)
{
	CHECK(uv_idle_start(&l->again, on_again) == 0);
}

static void on_expiry(uv_timer_t *handle)
{
	struct loop *l = handle->data;

	l->expiry_us = INT64_MAX;
	sched_expire(&l->sched, clock_mono_us());
}

/* Sets the timer for the earliest deadline, if that has changed. */
static void set_expiry(struct loop *l)
{
	int64_t next_us = deadline_next_us(&l->sched.waiting);

	if (next_us == l->expiry_us) {
		return;
	}
	l->expiry_us = next_us;
	if (next_us == INT64_MAX) {
		uv_timer_stop(&l->expiry);
		return;
	}
	/* In absolute time, because libuv's "now" is as old as the round. Rounded up: never early.
	 */
	int64_t due_ms = (next_us + 999) / 1000, now_ms = (int64_t)uv_now(&l->uv);
	uint64_t wait_ms = due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0;
	CHECK(uv_timer_start(&l->expiry, on_expiry, wait_ms, 0) == 0);
}

static void on_check(uv_check_t *handle)
{
	struct loop *l = handle->data;
	struct round *r = l->round;

	r->returned_us = loop_now_us(l);
	note_lag(l, clock_mono_us());
	uv_idle_stop(&l->again);
	for (unsigned i = 0; i < l->n_hooks; i++) {
		l->hooks[i].fn(l->hooks[i].arg);
	}
	if (sched_run(&l->sched)) {
		loop_again(l);
	}
	set_expiry(l);
	note_lag(l, clock_mono_us());
	/* Timers run next, before the poll; their "now" is their own. */
	r->polling = false;
	r->known = false;
}

void loop_run(struct loop *l)
{
	CHECK(!l->round->running);
	l->round->running = true;
	l->round->known = false;
	l->round->returned_us = 0;
	uv_run(&l->uv, UV_RUN_DEFAULT);
	l->round->running = false;
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

void loop_on_check(struct loop *l, loop_fn *fn, void *arg)
{
	CHECK(l->n_hooks < HOOKS_MAX);
	l->hooks[l->n_hooks++] = (struct hook){ fn, arg };
}

int64_t loop_lag_us(const struct loop *l)
{
	return l->lag_us;
}

int64_t loop_lag_max_us(const struct loop *l)
{
	return l->lag_max_us;
}

void loop_lag_max_reset(struct loop *l)
{
	l->lag_max_us = 0;
}

int64_t loop_busy_us(const struct loop *l)
{
	int64_t idle_us = (int64_t)(uv_metrics_idle_time(l->round->uv) / 1000);
	int64_t busy_us = clock_mono_us() - l->opened_us - idle_us;

	return busy_us < 0 ? 0 : busy_us;
}

static void on_period(uv_timer_t *handle)
{
	struct period *p = handle->data;

	p->hook.fn(p->hook.arg);
}

void loop_every(struct loop *l, uint64_t period_ms, loop_fn *fn, void *arg)
{
	CHECK(l->n_periods < PERIODS_MAX && period_ms > 0);
	struct period *p = &l->periods[l->n_periods++];
	p->hook = (struct hook){ fn, arg };
	p->timer.data = p;
	CHECK(uv_timer_init(&l->uv, &p->timer) == 0);
	CHECK(uv_timer_start(&p->timer, on_period, period_ms, period_ms) == 0);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct signal_hook *s = handle->data;

	(void)signum;
	s->hook.fn(s->hook.arg);
}

enum err loop_on_signal(struct loop *l, int signum, loop_fn *fn, void *arg)
{
	CHECK(l->n_signals < SIGNALS_MAX);
	struct signal_hook *s = &l->signals[l->n_signals];
	int failed = uv_signal_init(&l->uv, &s->signal);
	if (failed != 0) {
		return err_from_errno(-failed);
	}
	l->n_signals++;
	s->hook = (struct hook){ fn, arg };
	s->signal.data = s;
	failed = uv_signal_start(&s->signal, on_signal, signum);
	return failed == 0 ? ERR_OK : err_from_errno(-failed);
}

static void init_handles(struct loop *l)
{
	/* These cannot fail: they only link structs. */
	CHECK(uv_prepare_init(&l->uv, &l->prepare) == 0);
	CHECK(uv_check_init(&l->uv, &l->check) == 0);
	CHECK(uv_idle_init(&l->uv, &l->again) == 0);
	CHECK(uv_timer_init(&l->uv, &l->expiry) == 0);
	l->prepare.data = l->check.data = l->again.data = l->expiry.data = l;
	CHECK(uv_prepare_start(&l->prepare, on_prepare) == 0);
	CHECK(uv_check_start(&l->check, on_check) == 0);
	uv_unref((uv_handle_t *)&l->prepare);
	uv_unref((uv_handle_t *)&l->check);
	l->expiry_us = INT64_MAX;
}

enum err loop_open(unsigned max_tasks, struct loop **ret)
{
	enum err e = ERR_MEMORY;
	int failed;
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		return ERR_MEMORY;
	}
	l->round = calloc(1, sizeof(*l->round));
	if (l->round == NULL) {
		goto free_loop;
	}
	e = sched_init(&l->sched, l, max_tasks);
	if (e != ERR_OK) {
		goto free_round;
	}
	failed = uv_loop_init(&l->uv);
	if (failed != 0) {
		e = err_from_errno(-failed);
		goto fini_sched;
	}
	CHECK(uv_loop_configure(&l->uv, UV_METRICS_IDLE_TIME) == 0);
	l->round->uv = &l->uv;
	l->uv.data = l;
	e = watch_set_open(&l->uv, &l->watches);
	if (e != ERR_OK) {
		CHECK(uv_loop_close(&l->uv) == 0);
		goto fini_sched;
	}
	l->opened_us = clock_mono_us();
	init_handles(l);
	*ret = l;
	return ERR_OK;
fini_sched:
	sched_fini(&l->sched);
free_round:
	free(l->round);
free_loop:
	free(l);
	return e;
}

static void check_closing(uv_handle_t *handle, void *arg)
{
	(void)arg;
	CHECK(uv_is_closing(handle));
}

void loop_close(struct loop **lp)
{
	struct loop *l = *lp;

	if (l == NULL) {
		return;
	}
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->check, NULL);
	uv_close((uv_handle_t *)&l->again, NULL);
	uv_close((uv_handle_t *)&l->expiry, NULL);
	watch_set_close(l->watches);
	for (unsigned i = 0; i < l->n_periods; i++) {
		uv_close((uv_handle_t *)&l->periods[i].timer, NULL);
	}
	for (unsigned i = 0; i < l->n_signals; i++) {
		uv_close((uv_handle_t *)&l->signals[i].signal, NULL);
	}
	/* A handle that another module left open would make the run below wait for ever. */
	uv_walk(&l->uv, check_closing, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	CHECK(uv_loop_close(&l->uv) == 0);
	sched_fini(&l->sched);
	free(l->round);
	free(l);
	*lp = NULL;
}
