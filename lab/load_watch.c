/*
 * The generator watches itself. A run in which it was the limit says so: its figures would be told
 * as the target's. The bounds are those of doc/decisions/0047.
 */
#include <stdio.h>

#include "core/base/clock.h"
#include "lab/load_priv.h"

static const double late_share = 0.05, /* of the median service time that sends may be late (p99) */
    late_least_us = 1000, cpu_most = 0.80, sent_least = 0.995, ours_share = 0.02;

int64_t load_run_delay_us(void)
{
	long long ran_ns = 0, waited_ns = 0;
	FILE *in = fopen("/proc/self/schedstat", "re");

	if (in == NULL) {
		return 0;
	}
	if (fscanf(in, "%lld %lld", &ran_ns, &waited_ns) != 2) {
		waited_ns = 0;
	}
	(void)fclose(in);
	return waited_ns / 1000;
}

static void judge_limits(struct load_result *r)
{
	uint64_t other = r->own_faults - r->no_descriptor - r->no_port;

	if (r->no_descriptor > 0) {
		load_result_add_cause(r,
		    "%llu times this program had no file descriptor left: more are needed (ulimit -n), or --processes",
		    (unsigned long long)r->no_descriptor);
	}
	if (r->no_port > 0) {
		load_result_add_cause(r,
		    "%llu times this machine had no local port left: more source addresses are needed (--from)",
		    (unsigned long long)r->no_port);
	}
	if (other > 0 && r->own_faults > r->no_descriptor + r->no_port) {
		load_result_add_cause(r,
		    "%llu times memory or another bound of this program was reached",
		    (unsigned long long)other);
	}
}

void load_judge(struct load *l)
{
	struct load_result *r = l->result;
	double late_us = (double)hdr_quantile_us(&r->lateness, 0.99);
	double first_us = (double)hdr_quantile_us(&r->first_lateness, 0.99);
	double bound_us = late_share * (double)hdr_quantile_us(&r->service, 0.5);
	uint64_t due = 0, begun = 0, no_user = 0, no_room = 0;

	late_us = late_us > first_us ? late_us : first_us;
	bound_us = bound_us > late_least_us ? bound_us : late_least_us;
	if (late_us > bound_us) {
		double waited = r->watched_s > 0 ? r->kept_waiting_s / r->watched_s * 100 : 0;
		load_result_add_cause(r,
		    "requests left late: p99 %.1f ms behind their time, allowed %.1f ms%s",
		    late_us / 1000, bound_us / 1000,
		    waited >= 1 ? "; other programs held the processor that this one wanted" : "");
	}
	double wall_s = r->elapsed_s + l->plan.warm_up_s;
	if (wall_s > 0 && r->cpu_s / wall_s > cpu_most) {
		load_result_add_cause(r,
		    "this program used %.0f %% of a core; above %.0f %% it is the limit",
		    r->cpu_s / wall_s * 100, cpu_most * 100);
	}
	judge_limits(r);
	if (gaps_are_wrong(&r->gaps)) {
		load_result_add_cause(r,
		    "activities did not begin as %s arrivals do: gaps lie %.0f %% off, sure by Anderson and Darling's %.1f",
		    arrival_law_name(l->plan.law), gaps_distance(&r->gaps) * 100,
		    gaps_anderson(&r->gaps));
	}
	for (unsigned i = 0; i < r->n_activities; i++) {
		due += r->activities[i].due;
		begun += r->activities[i].begun + r->activities[i].away;
		no_user += r->activities[i].no_user;
		no_room += r->activities[i].no_room;
	}
	if ((double)begun >= sent_least * (double)due) {
		return;
	}
	if (no_room > 0) {
		load_result_add_cause(r,
		    "%llu of %llu activities did not begin: %u ran already, the most that the file descriptors allow",
		    (unsigned long long)no_room, (unsigned long long)due, l->max_running);
	}
	if (no_user > 0) {
		load_result_add_cause(r,
		    "%llu of %llu activities did not begin: all users were busy; more users are needed",
		    (unsigned long long)no_user, (unsigned long long)due);
	}
}

/* Whether it was: kept waiting for it for less than a fiftieth of the time. */
static void see_whose_processor(struct load *l, double length_s)
{
	int64_t delay_us = load_run_delay_us();

	l->processor_is_ours = (double)(delay_us - l->seen_delay_us) < length_s * 1e6 * ours_share;
	l->seen_delay_us = delay_us;
}

void load_second_over(struct load *l)
{
	struct load_result *r = l->result;
	int64_t now_us = clock_mono_us();
	struct load_now now = { .second = l->second,
		.latency = &l->second_latency,
		.running = l->n_running,
		.warmed = r->warmed,
		.to_warm = l->warming ? l->pool : 0 };

	now.second.length_s = (double)(now_us - l->second_us) / 1e6;
	now.second.p50_us = hdr_quantile_us(&l->second_latency, 0.5);
	now.second.p99_us = hdr_quantile_us(&l->second_latency, 0.99);
	if (l->start_us != 0) {
		now.at_s = (double)(now_us - l->start_us) / 1e6;
		now.left_s = now_us < l->end_us ? (double)(l->end_us - now_us) / 1e6 : 0;
		now.warming_up = now_us < l->count_from_us;
		now.kept = now.second.length_s > 0.5 && now_us - l->count_from_us >= 500000 &&
			   l->second_us < l->end_us && r->n_seconds < LOAD_SECONDS_MAX;
	}
	see_whose_processor(l, now.second.length_s);
	if (now.kept) {
		r->seconds[r->n_seconds++] = now.second;
	}
	if (l->plan.at_second != NULL && now.second.length_s > 0.5) {
		l->plan.at_second(l->plan.second_arg, &now);
	}
	l->second = (struct load_second){ 0 };
	hdr_fini(&l->second_latency);
	if (l->start_us != 0) {
		l->second_us = now_us;
	}
}
