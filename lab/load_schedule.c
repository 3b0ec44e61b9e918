/*
 * What happens when: arrivals for users who are at nothing else, thoughts and waits that are over,
 * the end. One timerfd, set to the next thing that is due, because libuv's timers are a millisecond
 * wide.
 */
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "lab/load_priv.h"

enum {
	DUE_PER_TURN = 64, /* then answers get their turn */
	USERS_TRIED = 64,  /* who are busy, before an arrival is given up */
	COLLECT_US = 50,   /* then whoever waits for an answer gets its turn */
	GAP_US = 150,	   /* before something is due, for garbage to be looked for */
	NOTHING_DUE_US = 1000000000,
	WARM_REFUSALS_MAX = 1000,
};

static const int64_t second_us = 1000000;

static bool is_busy(const struct load *l, uint64_t user)
{
	return (l->busy[user / 64] >> (user % 64) & 1) != 0;
}

static void set_busy(struct load *l, uint64_t user, bool busy)
{
	uint64_t bit = UINT64_C(1) << (user % 64);

	l->busy[user / 64] = busy ? l->busy[user / 64] | bit : l->busy[user / 64] & ~bit;
}

/* Somebody who is at nothing else; false: nobody near. */
static bool find_user(struct load *l, struct chance *c, uint64_t *ret)
{
	uint64_t user = chance_below(c, l->pool); /* drawn in any case, so that a seed repeats */

	for (unsigned i = 0; i < USERS_TRIED && l->n_running < l->pool; i++) {
		if (!is_busy(l, user)) {
			*ret = user;
			return true;
		}
		user = user + 1 == l->pool ? 0 : user + 1;
	}
	return false;
}

static void arrive(struct load *l, struct load_source *source, int64_t at_us)
{
	struct load_activity *a = &l->result->activities[source->activity];
	bool counted = at_us >= l->count_from_us;
	uint64_t user = 0;

	a->due += counted ? 1 : 0;
	uint64_t *what = &a->begun;
	if (l->n_running >= l->max_running) {
		what = &a->no_room;
	} else if (!find_user(l, &source->users, &user)) {
		what = &a->no_user;
	} else if (away_until_us(&l->away, user) > at_us) {
		what = &a->away;
	}
	*what += counted ? 1 : 0;
	if (what != &a->begun) {
		if (counted) {
			load_tell_missed(l, source->activity, user, at_us);
		}
		gap_stream_missed(&source->gaps);
		return;
	}
	l->second.begun += counted ? 1 : 0;
	set_busy(l, user, true);
	load_run_begin(l, (int)source->activity, user, at_us);
}

static bool schedule(struct load *l, struct load_source *source)
{
	int64_t at_ns = arrivals_next_ns(&source->arrivals);
	int64_t at_us = at_ns == INT64_MAX ? INT64_MAX : l->start_us + at_ns / 1000;

	return at_us >= l->end_us || due_add(&l->due, (struct due){ at_us, source }) == ERR_OK;
}

static bool is_source(const struct load *l, const void *who)
{
	uintptr_t at = (uintptr_t)who;

	return at >= (uintptr_t)l->sources && at < (uintptr_t)(l->sources + MODEL_ACTIVITIES_MAX);
}

/* Time spent polling is not work: what passed since the last round, if nothing happened in it. */
static void note_polling(struct load *l, int64_t now_us)
{
	if (l->polls_from_us != 0 && l->client.events == l->events_before) {
		l->polled_us += now_us - l->polls_from_us;
	}
	l->polls_from_us = 0;
}

/*
 * A timer wakes us behind its time, so where the processor is ours it is set that much before what
 * is due, and the rest is spent polling. One that goes off soon before its time is left as it is:
 * setting it is a system call.
 */
void load_set_timer(struct load *l)
{
	int64_t next_us = due_next_us(&l->due), now_us = clock_mono_us();
	int64_t early_us = l->processor_is_ours ? wake_early_us(&l->wake) : 0;
	bool is_gap = next_us - now_us >= GAP_US;

	if (script_collect(l->model->script, is_gap ? now_us + COLLECT_US : now_us)) {
		loop_again(l->loop);
		return;
	}
	if (next_us - now_us <= early_us) {
		l->polls_from_us = now_us;
		l->events_before = l->client.events;
		loop_again(l->loop);
		return;
	}
	if (next_us == INT64_MAX) {
		next_us = now_us + NOTHING_DUE_US;
	}
	int64_t wake_us = next_us - early_us;
	if (l->timer_us > now_us && l->timer_us <= wake_us && l->timer_us >= wake_us - early_us) {
		return;
	}
	l->timer_us = wake_us;
	const struct itimerspec spec = { .it_value = { .tv_sec = wake_us / second_us,
					     .tv_nsec = wake_us % second_us * 1000 } };
	CHECK(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
}

static void begin_warm(struct load *l)
{
	while (l->warming && (l->n_again > 0 || l->next_warm < l->pool) &&
	       l->n_running < l->warm_at_once) {
		uint64_t user = l->n_again > 0 ? l->again[--l->n_again] : l->next_warm++;
		set_busy(l, user, true);
		load_run_begin(l, ACTIVITY_WARM, user, clock_mono_us());
	}
}

void load_start_clock(struct load *l)
{
	if (l->plan.at_moment != NULL) {
		l->plan.at_moment(l->plan.moment_arg, LOAD_BEGINS);
	}
	l->start_us = clock_mono_us();
	l->count_from_us = l->start_us + (int64_t)(l->plan.warm_up_s * 1e6);
	l->end_us = l->count_from_us + (int64_t)(l->plan.length_s * 1e6);
	l->give_up_us = l->end_us + (int64_t)(l->plan.timeout_s * 1e6) + second_us;
	l->cpu_from_us = clock_cpu_us();
	l->polled_us = 0;
	l->delay_from_us = load_run_delay_us();
	l->second_us = l->start_us;
	CHECK(due_add(&l->due, (struct due){ l->end_us, l }) == ERR_OK); /* wakes the loop */
	for (unsigned i = 0; i < l->result->n_activities; i++) {
		if (l->result->activities[i].per_second > 0) {
			CHECK(schedule(l, &l->sources[i]));
		}
	}
}

void load_stop_if_over(struct load *l)
{
	int64_t now_us = clock_mono_us();

	if (l->warming || l->start_us == 0 || now_us < l->end_us) {
		return;
	}
	l->ending = true;
	if (l->n_running == 0 || now_us >= l->give_up_us) {
		loop_stop(l->loop);
	}
}

void load_on_round(void *arg)
{
	struct load *l = arg;
	struct due d;

	begin_warm(l);
	if (l->warming && l->n_running == 0 && l->n_again == 0) {
		l->warming = false;
		if (l->result->warm_failed > l->pool / 10) {
			loop_stop(l->loop);
			return;
		}
		l->result->warm_s = (double)(clock_mono_us() - l->second_us) / 1e6;
		load_start_clock(l);
	}
	int64_t now_us = clock_mono_us();
	note_polling(l, now_us);
	for (unsigned i = 0; i < DUE_PER_TURN && due_pop(&l->due, now_us, &d); i++) {
		if (is_source(l, d.who) && d.at_us >= l->end_us) {
			continue; /* the run was ended before its time */
		}
		if (is_source(l, d.who)) {
			/* The next one first: beginning one may take its time. */
			CHECK(schedule(l, d.who));
			arrive(l, d.who, d.at_us);
		} else if (d.who != l) {
			load_run_go_on(d.who, d.at_us);
		}
	}
	load_set_timer(l);
	load_stop_if_over(l);
}

void load_on_timer(uv_poll_t *handle, int status, int events)
{
	struct load *l = handle->data;

	(void)status;
	(void)events;
	if (l->timer_us != 0) {
		wake_note(&l->wake, clock_mono_us() - l->timer_us);
	}
	/* Setting it anew takes back that it went off; nothing need be read. */
	l->timer_us = 0;
}

/* Preparing is no load: where the target refuses, it goes slower, and who was refused comes again.
 */
static bool comes_again(struct load *l, uint64_t user, int activity, enum load_outcome outcome)
{
	if (activity != ACTIVITY_WARM || outcome != RUN_REFUSED ||
	    l->warm_refusals >= WARM_REFUSALS_MAX || l->n_again == WARM_AT_ONCE) {
		return false;
	}
	l->warm_refusals++;
	l->warm_at_once = l->warm_at_once > 1 ? l->warm_at_once - l->warm_at_once / 4 - 1 : 1;
	l->warm_at_once = l->warm_at_once > 0 ? l->warm_at_once : 1;
	l->again[l->n_again++] = user;
	return true;
}

void load_ended(struct load *l, uint64_t user, int activity, enum load_outcome outcome)
{
	bool again = comes_again(l, user, activity, outcome);

	l->result->warm_failed +=
	    activity == ACTIVITY_WARM && outcome != RUN_DONE && !again ? 1 : 0;
	set_busy(l, user, false);
	l->n_running--;
	if (activity == ACTIVITY_WARM) {
		l->result->warmed += again ? 0 : 1;
		loop_again(l->loop);
	} else if (l->ending) {
		loop_again(l->loop);
	}
}
