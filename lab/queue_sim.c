/*
 * Events in order of time: an arrival, the end of a service, a tick. First come, first served.
 */
#include "lab/queue_sim.h"

#include <math.h>
#include <string.h>

enum {
	STREAMS = 3
};

static const double stop_s = 0.05, tick_s = 0.1;

double queue_sim_capacity(const struct queue_sim_plan *plan)
{
	return plan->workers / plan->service_s * (1 - plan->stop_share);
}

void queue_sim_init(struct queue_sim *q, const struct queue_sim_plan *plan, uint64_t seed)
{
	memset(q, 0, sizeof(*q));
	q->plan = *plan;
	q->chance = chance_new(seed, 9);
	q->next_stop_s = plan->stop_share > 0 ? 0 : HUGE_VAL;
}

static double service(struct queue_sim *q)
{
	double mean = q->plan.service_s;
	uint64_t waiting = q->tail - q->head;

	mean *= 1 + q->plan.slower * (double)waiting;
	mean *= q->trapped ? q->plan.trap_factor : 1;
	switch (q->plan.law) {
	case QUEUE_SIM_FIXED:
		break;
	case QUEUE_SIM_EXPONENTIAL:
		return mean * chance_exponential(&q->chance);
	case QUEUE_SIM_MIXED:
		mean *= chance_unit(&q->chance) < 0.05 ? 10 / 1.45 : 1 / 1.45;
		break;
	}
	return mean;
}

static bool is_idle(const struct queue_sim *q)
{
	for (unsigned i = 0; i < q->plan.workers; i++) {
		if (q->done_at[i] > 0) {
			return false;
		}
	}
	return q->tail == q->head;
}

/* Idle workers take what waits. A stop holds up what begins in it. */
static void begin_work(struct queue_sim *q)
{
	while (q->now_s >= q->next_stop_s) {
		q->stopped_until_s = q->next_stop_s + stop_s;
		q->next_stop_s +=
		    stop_s + stop_s * (1 / q->plan.stop_share - 1) * chance_exponential(&q->chance);
	}
	for (unsigned i = 0; i < q->plan.workers && q->tail > q->head; i++) {
		if (q->done_at[i] <= 0) {
			double from = fmax(q->now_s, q->stopped_until_s);
			q->began[i] = q->queue[q->head % QUEUE_SIM_WAITING_MAX];
			q->done_at[i] = from + service(q);
			q->head++;
		}
	}
}

static void arrive(struct queue_sim *q)
{
	uint64_t most = q->plan.waiting_max > 0 ? q->plan.waiting_max : QUEUE_SIM_WAITING_MAX;

	q->counts.begun++;
	if (q->tail - q->head >= most) {
		q->counts.refused++;
		return;
	}
	q->queue[q->tail++ % QUEUE_SIM_WAITING_MAX] = q->now_s;
	if (q->plan.trap_at > 0 && q->tail - q->head >= q->plan.trap_at) {
		q->trapped = true;
	}
	begin_work(q);
}

static void finish(struct queue_sim *q, unsigned worker, const struct line_slo *slo, unsigned n_slo)
{
	double latency_s = q->now_s - q->began[worker];

	q->done_at[worker] = 0;
	if (q->plan.patience_s > 0 && latency_s > q->plan.patience_s) {
		/* Counted as failed while it waited, or now. */
		q->counts.failed += q->began[worker] < 0 ? 0 : 1;
	} else {
		q->counts.done++;
		for (unsigned i = 0; i < n_slo; i++) {
			q->counts.slo[i].slow +=
			    slo[i].quantile > 0 && latency_s * 1e6 > (double)slo[i].limit_us ? 1
											     : 0;
		}
	}
	begin_work(q);
	q->trapped = q->trapped && !is_idle(q);
}

static uint64_t running(const struct queue_sim *q)
{
	uint64_t n = q->tail - q->head;

	for (unsigned i = 0; i < q->plan.workers; i++) {
		n += q->done_at[i] > 0 ? 1 : 0;
	}
	return n;
}

/* Those who have waited too long are gone for the client, not for the server. */
static uint64_t without_patience(struct queue_sim *q)
{
	uint64_t n = 0;

	if (q->plan.patience_s <= 0) {
		return 0;
	}
	for (uint64_t i = q->head; i < q->tail; i++) {
		if (q->queue[i % QUEUE_SIM_WAITING_MAX] + q->plan.patience_s >= q->now_s) {
			break;
		}
		n++;
	}
	return n;
}

/* The worker that is done first; *ret_at HUGE_VAL: none works. */
static unsigned first_done(const struct queue_sim *q, double *ret_at)
{
	unsigned first = 0;

	*ret_at = HUGE_VAL;
	for (unsigned i = 0; i < q->plan.workers; i++) {
		if (q->done_at[i] > 0 && q->done_at[i] < *ret_at) {
			*ret_at = q->done_at[i];
			first = i;
		}
	}
	return first;
}

static unsigned first_arrival(const double *next)
{
	unsigned first = 0;

	for (unsigned i = 1; i < STREAMS; i++) {
		first = next[i] < next[first] ? i : first;
	}
	return first;
}

void queue_sim_run(struct queue_sim *q, double per_second, bool even, double seconds,
    const struct line_slo *slo, unsigned n_slo, queue_sim_tick_fn *tick, void *arg)
{
	double from_s = q->now_s, next_tick_s = from_s + tick_s, next[STREAMS];
	double gap = per_second > 0 ? STREAMS / per_second : HUGE_VAL;

	memset(&q->counts, 0, sizeof(q->counts));
	for (unsigned i = 0; i < STREAMS; i++) {
		next[i] = from_s +
			  gap * (even ? chance_unit(&q->chance) : chance_exponential(&q->chance));
	}
	while (q->now_s < from_s + seconds) {
		double done_at = HUGE_VAL;
		unsigned worker = first_done(q, &done_at), stream = first_arrival(next);
		if (next_tick_s <= fmin(done_at, next[stream])) {
			q->now_s = next_tick_s;
			next_tick_s += tick_s;
			struct line_tick now = q->counts;
			uint64_t gone = without_patience(q);
			now.at_s = q->now_s - from_s;
			now.failed += gone;
			now.running = running(q) - gone;
			for (unsigned i = 0; i < n_slo; i++) {
				now.slo[i].errors = now.refused + now.failed;
				now.slo[i].ended = now.done + now.refused + now.failed;
			}
			if (tick != NULL && !tick(arg, &now)) {
				return;
			}
		} else if (done_at <= next[stream]) {
			q->now_s = done_at;
			finish(q, worker, slo, n_slo);
		} else {
			q->now_s = next[stream];
			next[stream] += even ? gap : gap * chance_exponential(&q->chance);
			arrive(q);
		}
	}
}

static bool until_idle(void *arg, const struct line_tick *now)
{
	(void)now;
	return !is_idle(arg);
}

void queue_sim_drain(struct queue_sim *q, double seconds)
{
	queue_sim_run(q, 0, true, seconds, NULL, 0, until_idle, q);
}
