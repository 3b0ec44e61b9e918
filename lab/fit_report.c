/*
 * Estimates and comparison in words.
 */
#include <math.h>

#include "core/base/json.h"
#include "lab/fit.h"
#include "lab/formula.h"

static const double alike = 0.05, near = 0.15, surely = 0.01;

static void put_head(const struct model *m, const struct fit_result *r, struct buf *out)
{
	buf_printf(out, "%s: %.0f requests in %.1f s are worth ", m->name, r->requests, r->seconds);
	formula_put_number(r->users, out);
	buf_append_str(out, " active users (");
	formula_put_number(r->users_low, out);
	buf_append_str(out, " to ");
	formula_put_number(r->users_high, out);
	buf_append_str(out, " by chance)\n");
}

static void put_unknown(const struct fit_result *r, struct buf *out)
{
	if (r->unexplained <= 0) {
		return;
	}
	buf_printf(out,
	    "\n%.1f %% of the requests are of kinds that no activity asks for, most often\n",
	    r->unexplained * 100);
	for (unsigned i = 0; i < r->n_unknown; i++) {
		buf_printf(
		    out, "  %9.0f  %.*s\n", r->unknown[i].count, SLICE_ARG(r->unknown[i].kind));
	}
}

static void put_same(const struct model *m, const struct fit_result *r, struct buf *out)
{
	for (unsigned a = 0; a < m->n_activities; a++) {
		if (r->activities[a].same_as >= 0 && r->activities[a].live > 0) {
			buf_printf(out,
			    "%s asks for the same as %s: their sum is known, their shares are the model's\n",
			    m->activities[a].name, m->activities[r->activities[a].same_as].name);
		}
	}
}

void fit_put_estimates(const struct model *m, const struct fit_result *r, struct buf *out)
{
	put_head(m, r, out);
	buf_printf(out, "\n  %-24s %10s %23s %14s %14s\n", "activity", "a second", "by chance",
	    "a user a day", "in the model");
	for (unsigned a = 0; a < m->n_activities; a++) {
		const struct fit_activity *f = &r->activities[a];
		if (f->model_per_second <= 0 && f->live < 0.5) {
			continue;
		}
		double users = r->users > 0 ? r->users : 1;
		buf_printf(out, "  %-24s %10.3f %11.3f %11.3f %14.4f %14.4f\n",
		    m->activities[a].name, f->per_second, f->low, f->high,
		    f->per_second * MODEL_DAY_S / users, f->model_per_second * MODEL_DAY_S / users);
	}
	put_same(m, r, out);
	put_unknown(r, out);
}

void fit_put_comparison(const struct model *m, const struct fit_result *r, struct buf *out)
{
	double live = 0, model = 0;

	put_head(m, r, out);
	for (unsigned a = 0; a < m->n_activities; a++) {
		live += r->activities[a].per_second;
		model += r->activities[a].model_per_second;
	}
	buf_printf(out, "\n  %-24s %12s %12s %10s %14s\n", "activity", "model", "live",
	    "live/model", "of the square");
	for (unsigned a = 0; a < m->n_activities; a++) {
		const struct fit_activity *f = &r->activities[a];
		double expected = f->model_per_second * r->seconds;
		if (expected <= 0 && f->live < 0.5) {
			continue;
		}
		buf_printf(out, "  %-24s %11.3f%% %11.3f%% %10.3f %14.1f\n", m->activities[a].name,
		    model > 0 ? f->model_per_second / model * 100 : 0,
		    live > 0 ? f->per_second / live * 100 : 0,
		    expected > 0 ? f->live / expected : 0,
		    expected > 0 ? (f->live - expected) * (f->live - expected) / expected : 0);
	}
	put_same(m, r, out);
	put_unknown(r, out);
	bool sure = r->p_value < surely;
	buf_printf(out,
	    "\n%s: %.1f %% of what people do is something else; chi-square %.1f with %u degrees, by chance as far off in %s%.2g of cases\n",
	    r->distance < alike		 ? "the same mix"
	    : r->distance < near && sure ? "a mix near the model's"
	    : sure			 ? "another mix"
					 : "no telling: too few requests",
	    r->distance * 100, r->chi_square, r->freedom, r->p_value < 1e-6 ? "less than " : "",
	    fmax(r->p_value, 1e-6));
}

static void put_real(struct json_writer *w, const char *name, double n)
{
	struct buf text = buf_new(64);

	buf_printf(&text, "%.8g", isfinite(n) ? n : 0);
	json_put_name(w, slice_str(name));
	json_put_raw(w, buf_slice(&text));
	buf_free(&text);
}

void fit_put_json(const struct model *m, const struct fit_result *r, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	json_put_name(&w, SLICE("model"));
	json_put_string(&w, slice_str(m->name));
	put_real(&w, "users", r->users);
	put_real(&w, "users_low", r->users_low);
	put_real(&w, "users_high", r->users_high);
	put_real(&w, "seconds", r->seconds);
	put_real(&w, "requests", r->requests);
	put_real(&w, "unexplained", r->unexplained);
	put_real(&w, "chi_square", r->chi_square);
	put_real(&w, "freedom", r->freedom);
	put_real(&w, "p_value", r->p_value);
	put_real(&w, "distance", r->distance);
	json_put_name(&w, SLICE("activities"));
	json_begin_array(&w);
	for (unsigned a = 0; a < m->n_activities; a++) {
		const struct fit_activity *f = &r->activities[a];
		json_begin_object(&w);
		json_put_name(&w, SLICE("name"));
		json_put_string(&w, slice_str(m->activities[a].name));
		put_real(&w, "per_second", f->per_second);
		put_real(&w, "low", f->low);
		put_real(&w, "high", f->high);
		put_real(&w, "model_per_second", f->model_per_second);
		json_put_name(&w, SLICE("same_as"));
		json_put_string(
		    &w, f->same_as < 0 ? SLICE("") : slice_str(m->activities[f->same_as].name));
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
	buf_append_char(out, '\n');
}
