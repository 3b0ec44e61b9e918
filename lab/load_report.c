/*
 * Tables of text. Percentiles are of whole histograms, never of averages.
 */
#include "lab/load_report.h"

#include <math.h>

#include "lab/formula.h"
#include "lab/load_use.h"

static const double ms = 1000;

static double per_second(const struct load_result *r, uint64_t n)
{
	return r->elapsed_s > 0 ? (double)n / r->elapsed_s : 0;
}

static double quantile_ms(const struct hdr *h, double q)
{
	return (double)hdr_quantile_us(h, q) / ms;
}

void load_report_headline(const struct load_result *r, struct buf *out)
{
	buf_printf(out, "%s: ", r->model->name);
	formula_put_number(r->plan.users, out);
	buf_append_str(out, r->model->n_activities > 0 ? " active users, " : " clients, ");
	if (r->plan.preset != NULL) {
		buf_printf(out, "preset %s, ", r->plan.preset->name);
	}
	buf_printf(out, "%.1f s of %s arrivals (%s), seed %llu, against %s", r->elapsed_s,
	    arrival_law_name(r->plan.law), arrival_shape_name(r->plan.shape),
	    (unsigned long long)r->plan.seed, r->plan.url);
}

static void put_activity(
    const struct load_result *r, const struct load_activity *a, struct buf *out)
{
	buf_printf(out, "  %-24s %9.2f %9.2f %9llu %8llu %8llu %9.1f %9.1f %9.1f\n", a->name,
	    a->per_second, per_second(r, a->begun), (unsigned long long)a->done,
	    (unsigned long long)a->refused, (unsigned long long)a->failed,
	    quantile_ms(&a->latency, 0.5), quantile_ms(&a->latency, 0.99),
	    (double)a->latency.max_us / ms);
}

static void put_steps(const struct load_activity *a, struct buf *out)
{
	for (unsigned i = 0; i < a->n_steps; i++) {
		const struct load_step *s = &a->steps[i];
		if (s->sent == 0) {
			continue;
		}
		buf_printf(out, "  %-14.14s %-28.28s %8llu %8llu %7llu %9.1f %9.1f %9.1f %9.1f\n",
		    a->name, s->name, (unsigned long long)s->done, (unsigned long long)s->refused,
		    (unsigned long long)s->failed, quantile_ms(&s->latency, 0.5),
		    quantile_ms(&s->latency, 0.99), quantile_ms(&s->service, 0.5),
		    quantile_ms(&s->service, 0.99));
	}
}

static void put_target(const struct load_result *r, struct buf *out)
{
	const struct interval cost = load_use_cost_us(r);
	double cpu_s = 0;

	if (r->n_roles == 0 || r->watched_s <= 0) {
		return;
	}
	buf_append_str(out, "\nthe target used, in cores:");
	for (unsigned i = 0; i < r->n_roles; i++) {
		const struct load_role *role = &r->roles[i];
		buf_printf(
		    out, "%s %s %.3f", i == 0 ? "" : ",", role->name, role->cpu_s / r->watched_s);
		cpu_s += role->cpu_s;
	}
	buf_printf(out, "; together %.3f", cpu_s / r->watched_s);
	if (cost.value > 0) {
		buf_printf(out, ", %.3f ms of processor an activity", cost.value / ms);
	}
	if (cost.known) {
		buf_printf(out, " (95 %%: %.3f to %.3f)", cost.low / ms, cost.high / ms);
	}
	buf_append_char(out, '\n');
}

/* Users who did something that the columns have no place for. */
static void put_those_who_left(const struct load_result *r, struct buf *out)
{
	uint64_t gave_up = 0, away = 0, retried = 0;

	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		gave_up += a->gave_up;
		away += a->away;
		for (unsigned k = 0; k < a->n_steps; k++) {
			retried += a->steps[k].retried;
		}
	}
	if (retried > 0) {
		buf_printf(out, "%llu requests were tried again\n", (unsigned long long)retried);
	}
	if (gave_up > 0) {
		buf_printf(out, "%llu activities ended because a user's patience did\n",
		    (unsigned long long)gave_up);
	}
	if (away > 0) {
		buf_printf(out,
		    "%llu activities did not begin: the target had told these users to stay away\n",
		    (unsigned long long)away);
	}
}

static void put_slos(const struct load_result *r, struct buf *out)
{
	for (unsigned i = 0; i < r->plan.n_slos; i++) {
		const struct slo *s = &r->plan.slos[i];
		struct slo_result result = slo_judge_run(s, r);
		buf_printf(out, "%s  %-24s ", i == 0 ? "\nthresholds\n" : "", s->text);
		slo_put_value(s, &result, out);
		buf_append_str(out, result.met ? ", met\n" : ", MISSED\n");
	}
}

static void put_verdict(const struct load_result *r, struct buf *out)
{
	buf_printf(out,
	    "\nthe generator: requests left late by p50 %.3f ms, p99 %.3f ms, at most %.3f ms; first ones of "
	    "activities by p99 %.3f ms; %s used %.0f %% of a core and waited %.1f %% of the time for one; %llu connections; at most %u activities at once\n",
	    quantile_ms(&r->lateness, 0.5), quantile_ms(&r->lateness, 0.99),
	    (double)r->lateness.max_us / ms, quantile_ms(&r->first_lateness, 0.99),
	    r->generators > 1 ? "each" : "it",
	    r->elapsed_s > 0 ? r->cpu_s / (r->elapsed_s + r->plan.warm_up_s) / r->generators * 100
			     : 0,
	    r->watched_s > 0 ? r->kept_waiting_s / r->watched_s / r->generators * 100 : 0,
	    (unsigned long long)r->connections, r->running_max);
	if (r->handshakes > 0) {
		buf_printf(out, "%llu TLS handshakes, %llu of them resumed a session\n",
		    (unsigned long long)r->handshakes, (unsigned long long)r->resumed);
	}
	if (r->generators > 1) {
		buf_printf(out, "%u generators, whose figures are added up above\n", r->generators);
	}
	uint64_t unfinished = 0;
	for (unsigned i = 0; i < r->n_activities; i++) {
		unfinished += r->activities[i].unfinished;
	}
	if (unfinished > 0) {
		buf_printf(out, "%llu activities were not over at the end\n",
		    (unsigned long long)unfinished);
	}
	put_those_who_left(r, out);
	if (isfinite(load_result_answered_until_s(r))) {
		buf_printf(out,
		    "the target has answered nothing from second %.0f on; the figures above are those up to then, and failures\n",
		    load_result_answered_until_s(r));
	}
	if (r->interrupted) {
		buf_append_str(out, "interrupted: the figures are those up to then\n");
	}
	for (unsigned i = 0; i < r->n_void; i++) {
		buf_printf(out, "VOID: %s\n", r->causes[i]);
	}
	if (r->n_void > 0) {
		buf_append_str(
		    out, "The figures above are this generator's as much as the target's.\n");
	}
}

void load_report_text(const struct load_result *r, struct buf *out)
{
	load_report_headline(r, out);
	buf_printf(out, "\n\n  %-24s %9s %9s %9s %8s %8s %9s %9s %9s\n", "activity", "planned/s",
	    "begun/s", "done", "refused", "failed", "p50 ms", "p99 ms", "max ms");
	for (unsigned i = 0; i < r->n_activities; i++) {
		if (r->activities[i].per_second > 0) {
			put_activity(r, &r->activities[i], out);
		}
	}
	buf_printf(out, "\n  %-14s %-28s %8s %8s %7s %19s %19s\n", "of which", "step", "done",
	    "refused", "failed", "latency p50 p99 ms", "service p50 p99 ms");
	for (unsigned i = 0; i < r->n_activities; i++) {
		put_steps(&r->activities[i], out);
	}
	buf_append_str(out,
	    "\nLatency counts from the moment a request should have been sent, service from the moment it was.\n");
	for (unsigned i = 0; i < r->n_failures; i++) {
		buf_printf(out, "failed %llu times: %s\n", (unsigned long long)r->failures[i].count,
		    r->failures[i].text);
	}
	put_target(r, out);
	put_slos(r, out);
	put_verdict(r, out);
}
