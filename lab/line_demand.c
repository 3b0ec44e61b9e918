/*
 * Use is measured against the usual mix at saturation, which is 1 by definition: since costs add
 * up, a mix in which no activity is more often than u times that is safe at u, whatever its parts
 * cost.
 */
#include "lab/line_demand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/nnls.h"

enum {
	BOOTSTRAPS = 400,
	BASE_MIXES = 2,
};

static const double confidence = 0.95, low_use = 0.2, high_use = 0.7, rest_use = 0.1,
		    raise_most = 10, /* from one part of the course to the next */
    rate_most = 20;		     /* times all of saturation: for what costs next to nothing */
static const double levels[] = { 0.3, 0.6, 0.85 };

/* ---- solving ---- */

/* Columns: idle, each activity with a share, refused if there are any. */
struct columns {
	unsigned n, n_used, used[MODEL_ACTIVITIES_MAX];
	bool refused;
};

static struct columns columns_of(
    const struct line_row *rows, unsigned n_rows, const double *share, unsigned n_activities)
{
	struct columns c = { .n = 1 };

	for (unsigned i = 0; i < n_activities; i++) {
		if (share[i] > 0) {
			c.used[c.n_used++] = i;
			c.n++;
		}
	}
	for (unsigned i = 0; i < n_rows; i++) {
		c.refused = c.refused || rows[i].refused > 0;
	}
	c.n += c.refused ? 1 : 0;
	return c;
}

static void fill(const struct line_row *rows, unsigned n_rows, const struct columns *c, double *a,
    unsigned *group, unsigned *ret_groups)
{
	*ret_groups = 0;
	for (unsigned i = 0; i < n_rows; i++) {
		double *row = a + (size_t)i * c->n;
		row[0] = 1;
		for (unsigned k = 0; k < c->n_used; k++) {
			row[1 + k] = rows[i].per_second[c->used[k]];
		}
		if (c->refused) {
			row[1 + c->n_used] = rows[i].refused;
		}
		group[i] = rows[i].group;
		*ret_groups = group[i] >= *ret_groups ? group[i] + 1 : *ret_groups;
	}
}

static void keep(const struct nnls_fit *fit, const struct columns *c, struct line_demand_role *role)
{
	memset(role, 0, sizeof(*role));
	role->idle_cores = fit->x[0];
	for (unsigned k = 0; k < c->n_used; k++) {
		role->cpu_s[c->used[k]] = fit->x[1 + k];
	}
	role->mix_s = fit->along;
	role->residual_cores = fit->residual;
	role->r_squared = fit->r_squared;
}

enum err line_demand_fit(const struct line_row *rows, unsigned n_rows, const double *share,
    unsigned n_activities, unsigned n_roles, uint64_t seed, struct line_demands *ret)
{
	struct columns c = columns_of(rows, n_rows, share, n_activities);
	struct line_demands d = {
		.n_activities = n_activities, .n_roles = n_roles, .n_rows = n_rows
	};
	double *a = calloc((size_t)n_rows * c.n + 1, sizeof(*a)),
	       *y = calloc(n_rows + 1, sizeof(*y));
	unsigned *group = calloc(n_rows + 1, sizeof(*group)), n_groups = 0;
	double along[MODEL_ACTIVITIES_MAX + 2] = { 0 };
	struct nnls_fit fit = { .residual = 0 };
	enum err e = a == NULL || y == NULL || group == NULL ? ERR_MEMORY : ERR_OK;

	if (e == ERR_OK) {
		fill(rows, n_rows, &c, a, group, &n_groups);
	}
	for (unsigned k = 0; k < c.n_used; k++) {
		along[1 + k] = share[c.used[k]];
	}
	for (unsigned i = 0; i < n_rows; i++) {
		for (unsigned k = 0; k < n_activities; k++) {
			d.seen[k] = hypot(d.seen[k], rows[i].per_second[k]);
		}
	}
	for (unsigned r = 0; r < n_roles && e == ERR_OK; r++) {
		for (unsigned i = 0; i < n_rows; i++) {
			y[i] = rows[i].cores[r];
		}
		e = nnls_fit(a, y, n_rows, c.n, group, n_groups, along, BOOTSTRAPS, confidence,
		    seed + r, &fit);
		keep(&fit, &c, &d.roles[r]);
		d.condition = fit.condition;
	}
	free(a);
	free(y);
	free(group);
	if (e == ERR_OK) {
		*ret = d;
	}
	return e;
}

/* ---- predicting ---- */

static double need_of(const struct line_demand_role *role, const double *share, unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += share[i] * role->cpu_s[i].value;
	}
	return sum;
}

struct line_prediction line_demand_predict(
    const struct line_demands *d, const double *share, const double *capacity_cores)
{
	struct line_prediction p = { .per_second = HUGE_VAL,
		.low = HUGE_VAL,
		.high = HUGE_VAL,
		.next_per_second = HUGE_VAL };

	for (unsigned r = 0; r < d->n_roles; r++) {
		const struct line_demand_role *role = &d->roles[r];
		double need = need_of(role, share, d->n_activities);
		double has = capacity_cores[r] - role->idle_cores.value;
		double full = need > 0 && capacity_cores[r] > 0 ? fmax(has, 0) / need : HUGE_VAL;
		if (full < p.per_second) {
			p.next_per_second = p.per_second;
			p.next_role = p.per_second < HUGE_VAL ? p.role : r;
			p.per_second = full;
			p.role = r;
			double mix = role->mix_s.value;
			p.low = mix > 0 ? full * mix / role->mix_s.high : full;
			p.high = role->mix_s.low > 0 ? full * mix / role->mix_s.low : HUGE_VAL;
		} else if (full < p.next_per_second) {
			p.next_per_second = full;
			p.next_role = r;
		}
	}
	return p;
}

/* ---- mixes ---- */

void line_mixes_init(struct line_mixes *m, const double *share, unsigned n_activities,
    unsigned n_roles, double per_second, uint64_t seed)
{
	*m = (struct line_mixes){ .share = share,
		.n_activities = n_activities,
		.n_roles = n_roles,
		.per_second = per_second,
		.chance = chance_new(seed, 31) };
	for (unsigned i = 0; i < n_activities; i++) {
		if (share[i] > 0) {
			m->used[m->n_used++] = i;
		}
	}
}

unsigned line_mixes_first_part(const struct line_mixes *m)
{
	return BASE_MIXES + m->n_used;
}

unsigned line_mixes_count(const struct line_mixes *m)
{
	return BASE_MIXES + 2 * m->n_used + LINE_RANDOM_MIXES;
}

/*
 * What an activity costs at the most, as far as was seen: the upper end, and what would have gone
 * under in the noise where it hardly ever happened.
 */
static double cost_most(const struct line_demands *d, unsigned role, unsigned a)
{
	const struct line_demand_role *r = &d->roles[role];
	double unseen = d->seen[a] > 0 ? 3 * r->residual_cores / d->seen[a] : HUGE_VAL;

	return r->cpu_s[a].high + unseen;
}

/* The use of a mix: of the role that it comes closest to what saturation asked of it. Careful: with
 * the upper ends of the costs for the mix and the middle for saturation. */
static double use_of(const struct line_mixes *m, const struct line_demands *d, const double *rates)
{
	double most = 0;

	for (unsigned r = 0; r < m->n_roles; r++) {
		double asked = 0, full = 0;
		for (unsigned k = 0; k < m->n_used; k++) {
			unsigned a = m->used[k];
			asked += rates[a] > 0 ? rates[a] * cost_most(d, r, a) : 0;
			full += m->share[a] * m->per_second * d->roles[r].cpu_s[a].value;
		}
		most = full > 0 ? fmax(most, asked / full) : most;
	}
	return most;
}

static void scale_to(double *rates, unsigned n, double factor)
{
	for (unsigned i = 0; i < n; i++) {
		rates[i] *= factor;
	}
}

/* The usual mix at that use. */
static void usual(const struct line_mixes *m, double use, double *rates)
{
	for (unsigned i = 0; i < m->n_activities; i++) {
		rates[i] = m->share[i] * m->per_second * use;
	}
}

/* Mostly activity a, as often as its cost allows; the others a little. */
static void mostly(
    const struct line_mixes *m, const struct line_demands *d, unsigned a, double *rates)
{
	double low = m->share[a] * m->per_second * high_use, high = low * raise_most;

	usual(m, rest_use, rates);
	for (int i = 0; i < 50; i++) {
		rates[a] = sqrt(low * high);
		if (use_of(m, d, rates) > high_use || rates[a] > m->per_second * rate_most) {
			high = rates[a];
		} else {
			low = rates[a];
		}
	}
	rates[a] = low;
}

static void by_chance(struct line_mixes *m, const struct line_demands *d, unsigned n, double *rates)
{
	double level = levels[n % (sizeof(levels) / sizeof(levels[0]))];

	usual(m, level, rates);
	for (unsigned k = 0; k < m->n_used; k++) {
		rates[m->used[k]] *= exp(stats_normal_quantile(chance_unit(&m->chance)));
	}
	double use = use_of(m, d, rates);
	scale_to(rates, m->n_activities, use > 0 ? level / use : 1);
	double sum = 0;
	for (unsigned i = 0; i < m->n_activities; i++) {
		sum += rates[i];
	}
	scale_to(rates, m->n_activities, fmin(1, m->per_second * rate_most / fmax(sum, 1e-9)));
}

bool line_mixes_next(struct line_mixes *m, const struct line_demands *so_far, double *ret_rates)
{
	unsigned n = m->next++;

	if (n < BASE_MIXES) {
		usual(m, n == 0 ? low_use : high_use, ret_rates);
		return true;
	}
	n -= BASE_MIXES;
	if (n < m->n_used) {
		usual(m, low_use, ret_rates);
		ret_rates[m->used[n]] *= high_use / low_use;
		return true;
	}
	n -= m->n_used;
	if (so_far == NULL || n >= m->n_used + LINE_RANDOM_MIXES) {
		return false;
	}
	if (n < m->n_used) {
		mostly(m, so_far, m->used[n], ret_rates);
	} else {
		by_chance(m, so_far, n - m->n_used, ret_rates);
	}
	return true;
}
