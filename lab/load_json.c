/*
 * A load run as JSON, which doc/MODELS.md describes; histograms are whole, so that runs can be
 * merged.
 */
#include <math.h>

#include "lab/load_report.h"
#include "lab/load_use.h"
#include "lab/machine.h"
#include "lab/result_json.h"

/* Counts and percentiles, and the whole histogram. */
static void put_hdr(struct json_writer *w, const char *name, const struct hdr *h)
{
	static const struct {
		const char *name;
		double q;
	} points[] = { { "p50_us", 0.5 }, { "p90_us", 0.9 }, { "p99_us", 0.99 },
		{ "p999_us", 0.999 } };
	struct buf text = buf_new(HDR_TEXT_BYTES);

	json_put_name(w, slice_str(name));
	json_begin_object(w);
	result_put_count(w, "count", h->count);
	result_put_real(w, "mean_us", hdr_mean_us(h));
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		result_put_count(w, points[i].name, (uint64_t)hdr_quantile_us(h, points[i].q));
	}
	result_put_count(w, "max_us", (uint64_t)h->max_us);
	hdr_write(h, &text);
	json_put_name(w, SLICE("hdr"));
	json_put_string(w, buf_slice(&text));
	json_end_object(w);
	buf_free(&text);
}

static void put_step_json(struct json_writer *w, const struct load_step *s)
{
	json_begin_object(w);
	result_put_text(w, "name", s->name);
	result_put_count(w, "sent", s->sent);
	result_put_count(w, "done", s->done);
	result_put_count(w, "refused", s->refused);
	result_put_count(w, "failed", s->failed);
	result_put_count(w, "gave_up", s->gave_up);
	result_put_count(w, "retried", s->retried);
	put_hdr(w, "latency", &s->latency);
	put_hdr(w, "service", &s->service);
	json_end_object(w);
}

static void put_activity_json(struct json_writer *w, const struct load_activity *a)
{
	json_begin_object(w);
	result_put_text(w, "name", a->name);
	result_put_real(w, "planned_per_second", a->per_second);
	result_put_count(w, "due", a->due);
	result_put_count(w, "begun", a->begun);
	result_put_count(w, "done", a->done);
	result_put_count(w, "refused", a->refused);
	result_put_count(w, "failed", a->failed);
	result_put_count(w, "gave_up", a->gave_up);
	result_put_count(w, "away", a->away);
	result_put_count(w, "unfinished", a->unfinished);
	result_put_count(w, "no_user", a->no_user);
	result_put_count(w, "no_room", a->no_room);
	put_hdr(w, "latency", &a->latency);
	json_put_name(w, SLICE("steps"));
	json_begin_array(w);
	for (unsigned i = 0; i < a->n_steps; i++) {
		put_step_json(w, &a->steps[i]);
	}
	json_end_array(w);
	json_end_object(w);
}

static void put_plan_json(struct json_writer *w, const struct load_result *r)
{
	result_put_text(w, "format", "plimsoll-load");
	result_put_text(w, "model", r->model->name);
	result_put_text(w, "url", r->plan.url);
	result_put_text(w, "preset", r->plan.preset == NULL ? "" : r->plan.preset->name);
	result_put_real(w, "users", r->plan.users);
	result_put_count(w, "seed", r->plan.seed);
	result_put_text(w, "arrivals", arrival_law_name(r->plan.law));
	result_put_text(w, "shape", arrival_shape_name(r->plan.shape));
	result_put_real(w, "seconds", r->elapsed_s);
	result_put_count(w, "warmed_users", r->warmed);
	result_put_real(w, "warming_seconds", r->warm_s);
	if (isfinite(load_result_answered_until_s(r))) {
		result_put_real(w, "answered_until_seconds", load_result_answered_until_s(r));
	}
	json_put_name(w, SLICE("interrupted"));
	json_put_bool(w, r->interrupted);
}

static void put_target_json(struct json_writer *w, const struct load_result *r)
{
	json_put_name(w, SLICE("target"));
	json_begin_object(w);
	result_put_real(w, "seconds", r->watched_s);
	json_put_name(w, SLICE("roles"));
	json_begin_array(w);
	for (unsigned i = 0; i < r->n_roles; i++) {
		json_begin_object(w);
		result_put_text(w, "name", r->roles[i].name);
		result_put_real(w, "cpu_seconds", r->roles[i].cpu_s);
		target_use_put_json(&r->roles[i].use, w);
		json_end_object(w);
	}
	json_end_array(w);
	if (r->n_roles > 0) {
		const struct interval cost =
		    load_use_cost_us(r); /* of one of the mix, in all roles */
		result_put_interval(w, "cpu_us_per_activity", &cost);
	}
	json_end_object(w);
}

static void put_slos_json(struct json_writer *w, const struct load_result *r)
{
	json_put_name(w, SLICE("slo"));
	json_begin_array(w);
	for (unsigned i = 0; i < r->plan.n_slos; i++) {
		struct slo_result result = slo_judge_run(&r->plan.slos[i], r);
		json_begin_object(w);
		result_put_text(w, "text", r->plan.slos[i].text);
		result_put_real(w, "measured", result.known ? result.value : (double)NAN);
		result_put_flag(w, "met", result.met);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_generator_json(struct json_writer *w, const struct load_result *r)
{
	json_put_name(w, SLICE("generator"));
	json_begin_object(w);
	json_put_name(w, SLICE("void"));
	json_begin_array(w);
	for (unsigned i = 0; i < r->n_void; i++) {
		json_put_string(w, slice_str(r->causes[i]));
	}
	json_end_array(w);
	put_hdr(w, "lateness", &r->lateness);
	put_hdr(w, "first_lateness", &r->first_lateness);
	result_put_count(w, "gaps", r->gaps.n);
	result_put_real(w, "gaps_distance", gaps_distance(&r->gaps));
	result_put_real(w, "gaps_anderson_darling", gaps_anderson(&r->gaps));
	result_put_real(w, "cpu_seconds", r->cpu_s);
	result_put_real(w, "kept_waiting_seconds", r->kept_waiting_s);
	result_put_count(w, "connections", r->connections);
	result_put_count(w, "tls_handshakes", r->handshakes);
	result_put_count(w, "tls_resumed", r->resumed);
	result_put_count(w, "bytes_in", r->bytes_in);
	result_put_count(w, "bytes_out", r->bytes_out);
	result_put_count(w, "script_bytes", r->script_bytes);
	result_put_count(w, "running_max", r->running_max);
	result_put_count(w, "generators", r->generators);
	json_end_object(w);
}

/* This program's; the target's only where it is the same. */
static void put_machine_json(struct json_writer *w)
{
	const struct machine m = machine_read();

	json_put_name(w, SLICE("machine"));
	machine_put_json(&m, w);
}

void load_report_json(const struct load_result *r, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	put_plan_json(&w, r);
	json_put_name(&w, SLICE("activities"));
	json_begin_array(&w);
	for (unsigned i = 0; i < r->n_activities; i++) {
		put_activity_json(&w, &r->activities[i]);
	}
	json_end_array(&w);
	json_put_name(&w, SLICE("failures"));
	json_begin_array(&w);
	for (unsigned i = 0; i < r->n_failures; i++) {
		json_begin_object(&w);
		result_put_text(&w, "text", r->failures[i].text);
		result_put_count(&w, "count", r->failures[i].count);
		json_end_object(&w);
	}
	json_end_array(&w);
	put_slos_json(&w, r);
	put_target_json(&w, r);
	put_generator_json(&w, r);
	put_machine_json(&w);
	json_end_object(&w);
	buf_append_char(out, '\n');
}
