/*
 * What activities cost and what follows from it, in the shape that doc/LINE.md describes.
 */
#include <math.h>

#include "lab/line_priv.h"
#include "lab/result_json.h"

static void put_estimate(struct json_writer *w, const char *text, const struct estimate *e)
{
	const struct interval v = {
		.value = e->value, .low = e->low, .high = e->high, .known = true
	};

	result_put_interval(w, text, &v);
}

static void put_cost(struct json_writer *w, const char *activity, const struct estimate *e)
{
	const struct interval v = {
		.value = e->value, .low = e->low, .high = e->high, .known = true
	};

	json_begin_object(w);
	result_put_text(w, "activity", activity);
	result_put_bounds(w, &v);
	json_end_object(w);
}

static void put_demands(struct json_writer *w, const struct line_result *r)
{
	const struct line_demands *d = &r->demands;

	if (!r->has_demands) {
		result_put_null(w, "demands");
		return;
	}
	json_put_name(w, SLICE("demands"));
	json_begin_object(w);
	result_put_count(w, "rows", d->n_rows);
	result_put_real(w, "condition", d->condition);
	result_put_real(w, "confidence", 0.95);
	json_put_name(w, SLICE("roles"));
	json_begin_array(w);
	for (unsigned i = 0; i < d->n_roles && i < r->n_roles; i++) {
		const struct line_demand_role *role = &d->roles[i];
		json_begin_object(w);
		result_put_text(w, "name", r->roles[i].name);
		result_put_real(w, "capacity_cores", r->roles[i].capacity_cores);
		result_put_real(w, "r_squared", role->r_squared);
		result_put_real(w, "residual_cores", role->residual_cores);
		put_estimate(w, "idle_cores", &role->idle_cores);
		put_estimate(w, "mix_cpu_seconds", &role->mix_s);
		json_put_name(w, SLICE("cpu_seconds"));
		json_begin_array(w);
		for (unsigned a = 0; a < d->n_activities; a++) {
			if (r->share[a] > 0) {
				put_cost(w, r->model->activities[a].name, &role->cpu_s[a]);
			}
		}
		json_end_array(w);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
}

static void put_prediction(struct json_writer *w, const struct line_result *r)
{
	const struct line_prediction *p = &r->prediction;
	double per_user = r->per_user_second,
	       measured = sqrt(r->saturation.low * r->saturation.high);

	if (!r->has_prediction) {
		result_put_null(w, "predicted");
		return;
	}
	json_put_name(w, SLICE("predicted"));
	json_begin_object(w);
	result_put_real(w, "users", p->per_second / per_user);
	result_put_real(w, "low_users", p->low / per_user);
	result_put_real(w, "high_users", p->high / per_user);
	result_put_real(w, "per_second", p->per_second);
	result_put_text(w, "role", r->roles[p->role].name);
	if (p->next_role == p->role) {
		result_put_null(w, "next_role");
	} else {
		result_put_text(w, "next_role", r->roles[p->next_role].name);
	}
	result_put_real(w, "next_users", p->next_per_second / per_user);
	result_put_real(
	    w, "error_share", measured > 0 ? p->per_second / per_user / measured - 1 : (double)NAN);
	json_end_object(w);
}

void line_costs_put_json(const struct line_result *r, struct json_writer *w)
{
	put_demands(w, r);
	put_prediction(w, r);
}
