/*
 * The shape that doc/LINE.md describes.
 */
#include <math.h>

#include "lab/line_priv.h"
#include "lab/result_json.h"

static void name(struct json_writer *w, const char *text)
{
	json_put_name(w, slice_str(text));
}

/* A number that may be unknown. */
static void put_known(struct json_writer *w, const char *text, double n, bool known)
{
	result_put_real(w, text, known ? n : (double)NAN);
}

static void put_text_or_null(struct json_writer *w, const char *text, const char *value)
{
	if (value == NULL || value[0] == '\0') {
		result_put_null(w, text);
	} else {
		result_put_text(w, text, value);
	}
}

static void put_model(struct json_writer *w, const struct line_result *r)
{
	const struct model_preset *p = r->plan.load.preset;

	name(w, "model");
	json_begin_object(w);
	result_put_text(w, "name", r->model->name);
	result_put_text(w, "path", r->model->path);
	put_text_or_null(w, "preset", p == NULL ? NULL : p->name);
	result_put_real(w, "warm_users", r->plan.load.warm_users);
	result_put_real(w, "per_user_day", r->per_user_second * MODEL_DAY_S);
	name(w, "activities");
	json_begin_array(w);
	for (unsigned i = 0; i < r->model->n_activities; i++) {
		double rate = r->share[i] * r->per_user_second;
		json_begin_object(w);
		result_put_text(w, "name", r->model->activities[i].name);
		result_put_real(w, "per_user_day", rate * MODEL_DAY_S);
		result_put_real(w, "share", r->share[i]);
		result_put_real(w, "per_second_of_1m_users", rate * 1e6);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
}

static void put_machine(struct json_writer *w, const struct line_result *r)
{
	name(w, "machine");
	machine_put_json(&r->machine, w);
	result_put_real(w, "load_before", r->load_before);
	result_put_real(w, "steal_share", r->steal);
}

static void put_slos(struct json_writer *w, const struct line_result *r)
{
	name(w, "slo");
	json_begin_array(w);
	for (unsigned i = 0; i < r->plan.n_slo; i++) {
		const struct line_slo *s = &r->plan.slo[i];
		bool latency = s->quantile > 0;
		json_begin_object(w);
		result_put_text(w, "text", s->text);
		put_text_or_null(
		    w, "activity", s->activity < 0 ? NULL : r->model->activities[s->activity].name);
		put_known(w, "quantile", s->quantile, latency);
		put_known(w, "limit_us", (double)s->limit_us, latency);
		put_known(w, "limit_share", s->share, !latency);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_limit(struct json_writer *w, const char *text, const struct line_result *r,
    const struct line_limit *l)
{
	if (!l->held && !l->failed) {
		result_put_null(w, text);
		return;
	}
	name(w, text);
	json_begin_object(w);
	result_put_flag(w, "held", l->held);
	result_put_flag(w, "failed", l->failed);
	result_put_real(w, "low_users", l->low);
	put_known(w, "high_users", l->high, l->failed);
	result_put_real(w, "low_per_second", l->low * r->per_user_second);
	put_known(w, "high_per_second", l->high * r->per_user_second, l->failed);
	json_end_object(w);
}

static void put_step(struct json_writer *w, const struct line_result *r, const struct line_step *s)
{
	json_begin_object(w);
	result_put_text(w, "direction", s->down ? "down" : "up");
	result_put_real(w, "load", s->load);
	result_put_real(w, "users", s->load * r->beyond.per_second / r->per_user_second);
	result_put_real(w, "seconds", s->seconds);
	result_put_real(w, "offered_per_second", s->offered);
	result_put_real(w, "good_per_second", s->good);
	result_put_real(w, "refused_per_second", s->refused);
	result_put_real(w, "failed_per_second", s->failed);
	json_end_object(w);
}

static void put_beyond(struct json_writer *w, const struct line_result *r)
{
	const struct line_beyond *b = &r->beyond;

	if (!r->has_beyond) {
		result_put_null(w, "beyond");
		return;
	}
	name(w, "beyond");
	json_begin_object(w);
	result_put_text(w, "verdict", line_shape_name(b->shape));
	result_put_flag(w, "also_collapsed", b->shape == LINE_SHAPE_HYSTERESIS && b->collapsed);
	result_put_real(w, "collapse_ratio", b->collapse_ratio);
	result_put_real(w, "hysteresis_area", b->hysteresis_area);
	put_known(w, "recovery_seconds", b->recovery_s, b->recovery_s >= 0);
	name(w, "steps");
	json_begin_array(w);
	for (unsigned i = 0; i < LINE_STEPS; i++) {
		if (b->steps[i].seconds > 0) {
			put_step(w, r, &b->steps[i]);
		}
	}
	json_end_array(w);
	json_end_object(w);
}

static void put_use(
    struct json_writer *w, const struct line_result *r, const struct line_probe_record *p)
{
	name(w, "use");
	json_begin_array(w);
	for (unsigned i = 0; p->has_use && i < target_roles(r->plan.target); i++) {
		json_begin_object(w);
		result_put_text(w, "role", target_role_name(r->plan.target, i));
		target_use_put_json(&p->use[i], w);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_counts(
    struct json_writer *w, const struct line_result *r, const struct line_probe_record *p)
{
	name(w, "activities");
	json_begin_array(w);
	for (unsigned i = 0; i < r->model->n_activities; i++) {
		const struct line_activity_count *c = &p->counts[i];
		json_begin_object(w);
		result_put_text(w, "name", r->model->activities[i].name);
		result_put_count(w, "begun", c->begun);
		result_put_count(w, "done", c->done);
		result_put_count(w, "refused", c->refused);
		result_put_count(w, "failed", c->failed);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_probe(
    struct json_writer *w, const struct line_result *r, const struct line_probe_record *p)
{
	struct buf text = buf_new(HDR_TEXT_BYTES);

	json_begin_object(w);
	result_put_text(w, "phase", line_phase_name(p->phase));
	result_put_real(w, "users", p->users);
	result_put_text(
	    w, "arrivals", arrival_law_name(p->even ? ARRIVAL_CONSTANT : r->plan.load.law));
	result_put_real(w, "begun_at_seconds", p->begun_at_s);
	result_put_real(w, "seconds", p->seconds);
	result_put_real(w, "settled_seconds", p->settled_s);
	put_text_or_null(
	    w, "verdict", p->verdict == LINE_OPEN ? NULL : line_verdict_name(p->verdict));
	put_text_or_null(w, "cause", p->cause);
	name(w, "void");
	json_begin_array(w);
	for (unsigned i = 0; i < p->n_voids; i++) {
		json_put_string(w, slice_str(p->voids[i]));
	}
	json_end_array(w);
	result_put_real(w, "offered_per_second", p->offered);
	result_put_real(w, "done_per_second", p->done);
	result_put_real(w, "refused_per_second", p->refused);
	result_put_real(w, "failed_per_second", p->failed);
	result_put_count(w, "p50_us", (uint64_t)hdr_quantile_us(&p->latency, 0.5));
	result_put_count(w, "p90_us", (uint64_t)hdr_quantile_us(&p->latency, 0.9));
	result_put_count(w, "p99_us", (uint64_t)hdr_quantile_us(&p->latency, 0.99));
	hdr_write(&p->latency, &text);
	name(w, "hdr");
	json_put_string(w, buf_slice(&text));
	result_put_real(w, "generator_cores", p->generator_cores);
	put_counts(w, r, p);
	put_use(w, r, p);
	json_end_object(w);
	buf_free(&text);
}

static void put_roles(struct json_writer *w, const struct line_result *r)
{
	name(w, "roles");
	json_begin_array(w);
	for (unsigned i = 0; i < r->n_roles; i++) {
		const struct line_role *role = &r->roles[i];
		json_begin_object(w);
		result_put_text(w, "name", role->name);
		result_put_real(w, "capacity_cores", role->capacity_cores);
		result_put_real(w, "use", role->share);
		result_put_text(w, "use_by", role->by);
		target_use_put_json(&role->use, w);
		json_end_object(w);
	}
	json_end_array(w);
	if (r->saturated < 0) {
		result_put_null(w, "saturated");
		return;
	}
	const struct line_role *first = &r->roles[r->saturated];
	const struct line_role *next = r->next >= 0 ? &r->roles[r->next] : NULL;
	name(w, "saturated");
	json_begin_object(w);
	result_put_text(w, "role", first->name);
	result_put_text(w, "by", first->by);
	result_put_real(w, "use", first->share);
	put_text_or_null(w, "next_role", next == NULL ? NULL : next->name);
	put_known(w, "next_use", next == NULL ? 0 : next->share, next != NULL);
	json_end_object(w);
}

void line_report_json(const struct line_result *r, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	result_put_text(&w, "format", "plimsoll-line");
	result_put_count(&w, "version", 1);
	result_put_flag(&w, "complete", r->stopped[0] == '\0');
	put_text_or_null(&w, "stopped", r->stopped);
	result_put_count(&w, "began_ms", (uint64_t)r->began_ms);
	result_put_real(&w, "seconds", r->seconds);
	result_put_text(&w, "url", r->plan.load.url);
	result_put_count(&w, "seed", r->plan.load.seed);
	result_put_count(&w, "generators", r->plan.generators);
	put_model(&w, r);
	put_machine(&w, r);
	put_slos(&w, r);
	put_limit(&w, "saturation", r, &r->saturation);
	put_limit(&w, "slo_limit", r, &r->slo);
	put_beyond(&w, r);
	grace_put_json(r, &w);
	name(&w, "probes");
	json_begin_array(&w);
	for (unsigned i = 0; i < r->n_probes; i++) {
		put_probe(&w, r, &r->probes[i]);
	}
	json_end_array(&w);
	put_roles(&w, r);
	line_costs_put_json(r, &w);
	name(&w, "caveats");
	json_begin_array(&w);
	for (unsigned i = 0; i < r->n_caveats; i++) {
		json_put_string(&w, slice_str(r->caveats[i]));
	}
	json_end_array(&w);
	json_end_object(&w);
	buf_append_char(out, '\n');
}
