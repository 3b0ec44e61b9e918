/*
 * A line for people: first what it comes to, in users, then what it follows from.
 */
#include <math.h>

#include "lab/formula.h"
#include "lab/line.h"

static void put_users(struct buf *out, double users)
{
	double step = users > 0 ? pow(10, floor(log10(users)) - 3) : 1;

	formula_put_number(step > 1 ? round(users / step) * step : round(users), out);
}

static void put_limit(
    struct buf *out, const struct line_result *r, const struct line_limit *l, const char *what)
{
	if (!l->looked_for) {
		return;
	}
	buf_printf(out, "%s: ", what);
	if (!l->held && !l->failed) {
		buf_append_str(out, "not found\n");
		return;
	}
	if (!l->held) {
		buf_append_str(out, "below ");
		put_users(out, l->high);
		buf_append_str(out, " active users: not even fewer were held\n");
		return;
	}
	if (l->failed) {
		buf_append_str(out, "between ");
		put_users(out, l->low);
		buf_append_str(out, " and ");
		put_users(out, l->high);
		buf_printf(out, " active users (%.4g to %.4g activities a second)\n",
		    l->low * r->per_user_second, l->high * r->per_user_second);
		return;
	}
	buf_append_str(out, "above ");
	put_users(out, l->low);
	buf_printf(out, " active users (%.4g activities a second); more were not tried\n",
	    l->low * r->per_user_second);
}

static void put_saturated(struct buf *out, const struct line_result *r)
{
	if (r->saturated < 0) {
		return;
	}
	const struct line_role *first = &r->roles[r->saturated];
	buf_printf(
	    out, "first full: %s, %.0f %% by %s", first->name, first->share * 100, first->by);
	if (r->next >= 0) {
		const struct line_role *next = &r->roles[r->next];
		buf_printf(
		    out, "; then %s, %.0f %% by %s", next->name, next->share * 100, next->by);
	}
	buf_append_char(out, '\n');
}

static void put_beyond(struct buf *out, const struct line_result *r)
{
	const struct line_beyond *b = &r->beyond;

	if (!r->has_beyond) {
		return;
	}
	buf_printf(out, "beyond: %s", line_shape_name(b->shape));
	switch (b->shape) {
	case LINE_SHAPE_UNKNOWN:
		buf_append_str(out, "\n");
		return;
	case LINE_SHAPE_PLATEAU:
	case LINE_SHAPE_COLLAPSE:
		buf_printf(out, "; back %.1f s after the peak", b->recovery_s);
		break;
	case LINE_SHAPE_HYSTERESIS:
		buf_append_str(out, "; a load that it held before it does not hold after");
		break;
	}
	buf_printf(out, "; at 1.5 times saturation %.0f %% of the most goodput\n",
	    b->collapse_ratio * 100);
	buf_printf(out, "\n  %6s %10s %10s %10s %10s\n", "load", "offered/s", "good/s", "refused/s",
	    "failed/s");
	for (unsigned i = 0; i < LINE_STEPS; i++) {
		const struct line_step *s = &b->steps[i];
		if (s->seconds > 0) {
			buf_printf(out, "  %s %4.2f %10.1f %10.1f %10.1f %10.1f\n",
			    s->down ? "v" : "^", s->load, s->offered, s->good, s->refused,
			    s->failed);
		}
	}
}

static void put_roles(struct buf *out, const struct line_result *r)
{
	if (r->n_roles == 0) {
		return;
	}
	buf_printf(out, "\n  %-16s %7s %7s %7s %9s %8s %9s %8s\n", "at saturation", "cores", "of",
	    "full %", "by", "waits %", "memory MB", "sockets");
	for (unsigned i = 0; i < r->n_roles; i++) {
		const struct line_role *role = &r->roles[i];
		const double *f = role->use.figures;
		buf_printf(out, "  %-16s %7.3f %7.2f %7.0f %9s %8.1f %9.1f %8.0f\n", role->name,
		    f[TARGET_CPU_S], role->capacity_cores, role->share * 100, role->by,
		    f[TARGET_RUN_DELAY_S] * 100, f[TARGET_MEMORY_BYTES] / 1e6, f[TARGET_SOCKETS]);
	}
}

static void put_demands(struct buf *out, const struct line_result *r)
{
	const struct line_demands *d = &r->demands;

	if (!r->has_demands) {
		return;
	}
	buf_append_str(out, "\nms of processor an activity (95 %)\n");
	for (unsigned a = 0; a < d->n_activities; a++) {
		if (r->share[a] <= 0) {
			continue;
		}
		buf_printf(out, "  %-16s", r->model->activities[a].name);
		for (unsigned i = 0; i < d->n_roles && i < r->n_roles; i++) {
			const struct estimate *e = &d->roles[i].cpu_s[a];
			if (e->high > 1e-6) {
				buf_printf(out, "  %s %.3g (%.3g-%.3g)", r->roles[i].name,
				    e->value * 1000, e->low * 1000, e->high * 1000);
			}
		}
		buf_append_char(out, '\n');
	}
}

static void put_prediction(struct buf *out, const struct line_result *r)
{
	const struct line_prediction *p = &r->prediction;
	double users = p->per_second / r->per_user_second;

	if (!r->has_prediction) {
		return;
	}
	buf_append_str(out, "\nby these costs the line is at ");
	put_users(out, users);
	buf_printf(out, " active users (%s)", r->roles[p->role].name);
	if (r->saturation.held && r->saturation.failed) {
		double measured = sqrt(r->saturation.low * r->saturation.high);
		buf_printf(out, ", %+.1f %% from what was measured", (users / measured - 1) * 100);
	}
	if (isfinite(p->next_per_second)) {
		buf_append_str(out, "; the next one is at ");
		put_users(out, p->next_per_second / r->per_user_second);
		buf_printf(out, " (%s)", r->roles[p->next_role].name);
	}
	buf_append_char(out, '\n');
}

void line_report_text(const struct line_result *r, struct buf *out)
{
	buf_printf(out, "%s against %s, %.0f s, %u probes, seed %llu", r->model->name,
	    r->plan.load.url, r->seconds, r->n_probes, (unsigned long long)r->plan.load.seed);
	if (r->plan.generators > 1) {
		buf_printf(out, ", %u generators", r->plan.generators);
	}
	buf_append_char(out, '\n');
	put_limit(out, r, &r->saturation, "saturation");
	for (unsigned i = 0; i < r->plan.n_slo && r->slo.looked_for; i++) {
		buf_printf(out, "%s%s", i == 0 ? "" : " and ", r->plan.slo[i].text);
	}
	put_limit(out, r, &r->slo, " is kept");
	put_saturated(out, r);
	put_beyond(out, r);
	if (r->grace != NULL) {
		grace_put_text(r->grace, out);
	}
	put_roles(out, r);
	put_demands(out, r);
	put_prediction(out, r);
	buf_append_str(out, r->n_caveats > 0 ? "\nto bear in mind:\n" : "");
	for (unsigned i = 0; i < r->n_caveats; i++) {
		buf_printf(out, "  %s\n", r->caveats[i]);
	}
	if (r->stopped[0] != '\0') {
		buf_printf(out, "ENDED EARLY: %s; the figures are those up to then\n", r->stopped);
	}
}
