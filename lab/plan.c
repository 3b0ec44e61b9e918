/*
 * All limits are proportional to users, so a number of users, a number of machines and a date are
 * three sides of one equation, each solved directly.
 */
#include "lab/plan_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	DAY_S = 86400
};

static const double days_of_month = 365.25 / 12;

/* ---- shapes ---- */

static enum err find_shape(const struct plan_shapes *shapes, const char *name,
    struct plan_shape *ret, struct err_note *note)
{
	char names[150] = "";
	size_t len = 0;

	for (unsigned i = 0; i < shapes->n; i++) {
		if (name[0] == '\0' || strcmp(shapes->shapes[i].name, name) == 0) {
			*ret = shapes->shapes[i];
			return ERR_OK;
		}
		int n = snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? ", " : "",
		    shapes->shapes[i].name);
		len =
		    n > 0 && len + (size_t)n < sizeof(names) ? len + (size_t)n : sizeof(names) - 1;
	}
	return err_note_set(note, ERR_NOT_FOUND, "there is no machine \"%s\" but %s", name, names);
}

static enum err choose_shapes(
    struct plan *p, const struct plan_shapes *shapes, struct err_note *note)
{
	for (unsigned g = 0; g < p->input->n_groups; g++) {
		const char *name =
		    p->options.shape[0] != '\0' ? p->options.shape : p->input->groups[g].shape;
		enum err e = find_shape(shapes, name, &p->shapes[g], note);
		if (e != ERR_OK) {
			return e;
		}
	}
	return ERR_OK;
}

/* ---- units, users ---- */

/* What is within a billionth of a whole number is that. */
static double ceil_units(double n)
{
	return ceil(n - 1e-9);
}

/* Units left when what may fail has failed. */
static double units_left(const struct plan *p, double units)
{
	double left = units - p->options.spare;

	if (p->options.sites > 1) {
		double site = ceil_units(units / p->options.sites);
		left = fmin(left, units - site);
	}
	return fmax(left, 0);
}

static bool has_roles(const struct plan_input *in, unsigned group)
{
	for (unsigned r = 0; r < in->n_roles; r++) {
		if (in->roles[r].group == group) {
			return true;
		}
	}
	return false;
}

bool plan_units(const struct plan *p, unsigned group, double users, double *ret)
{
	double need = 1, sites = p->options.sites;
	bool possible = true;

	if (!has_roles(p->input, group)) {
		*ret = 0;
		return true;
	}
	users *= 1 + p->options.headroom;
	for (unsigned i = 0; i < p->n_limits; i++) {
		const struct plan_limit *l = &p->limits[i];
		double units = ceil_units(users * l->per_user / l->per_unit);
		if (l->group != group) {
			continue;
		}
		if (l->units_most > 0 && units > l->units_most) {
			possible = false; /* more machines would not help it */
		} else {
			need = fmax(need, units);
		}
	}
	double all = need + p->options.spare;
	if (sites > 1) {
		all = sites * fmax(ceil_units(need / (sites - 1)), ceil_units(all / sites));
	}
	*ret = fmin(all, PLAN_UNITS_MAX);
	return possible && all <= PLAN_UNITS_MAX;
}

double plan_capacity(const struct plan *p, const double *units, bool full, int skip, int *ret_limit)
{
	double least = (double)INFINITY;
	int which = -1;

	for (unsigned i = 0; i < p->n_limits; i++) {
		const struct plan_limit *l = &p->limits[i];
		double n = full ? units[l->group] : units_left(p, units[l->group]);
		if ((int)i == skip) {
			continue;
		}
		/* One that cannot be spread runs on what is left, too. */
		n = l->units_most > 0 ? fmin(l->units_most, fmax(n, 1)) : n;
		double users = n * (full ? l->per_unit_full : l->per_unit) / l->per_user;
		if (users < least) {
			least = users;
			which = (int)i;
		}
	}
	*ret_limit = which;
	return least;
}

double plan_use(const struct plan *p, const struct plan_limit *l, double users, double units)
{
	double n = l->units_most > 0 ? fmin(l->units_most, units) : units;

	(void)p;
	return n > 0 ? users * l->per_user / (n * l->per_unit_full) : (double)INFINITY;
}

/* Months until users have become so many; 0: they are. */
static double months_until(const struct plan *p, double users)
{
	if (users <= p->options.users) {
		return 0;
	}
	return p->options.growth > 0 ? log(users / p->options.users) / log(1 + p->options.growth)
				     : (double)INFINITY;
}

/* ---- months ---- */

static double price_of(
    const struct plan *p, const double *units, double egress, double egress_price)
{
	double price = egress / 1e12 * egress_price;
	bool known = true;

	for (unsigned g = 0; g < p->input->n_groups; g++) {
		price += units[g] * p->input->groups[g].machines_each * p->shapes[g].price;
		known = known && p->shapes[g].price > 0;
	}
	return known ? price : 0;
}

/* Bytes that users have: those given per user, and what their activities left in the months so far.
 */
static double disk_of(const struct plan *p, double users, double left)
{
	double sum = left;

	for (unsigned r = 0; r < p->input->n_roles; r++) {
		sum += users * p->input->roles[r].disk_per_user;
	}
	return sum;
}

static void make_month(struct plan *p, unsigned k, double egress_price, double *left)
{
	struct plan_month *m = &p->months[k];

	m->month = p->options.start + k;
	m->users = p->options.users * pow(1 + p->options.growth, k);
	const struct plan_flow flow = plan_flow_of(p->input, m->users);
	double ordered_for = m->users * pow(1 + p->options.growth, p->options.lead);
	for (unsigned g = 0; g < p->input->n_groups; g++) {
		m->possible[g] = plan_units(p, g, ordered_for, &m->units[g]);
		m->machines += m->units[g] * p->input->groups[g].machines_each;
	}
	m->egress = flow.bytes_out * days_of_month * DAY_S;
	m->price = price_of(p, m->units, m->egress, egress_price);
	m->disk = disk_of(p, m->users, *left);
	*left += flow.disk * days_of_month * DAY_S;
}

static enum err check(const struct plan *p, struct err_note *note)
{
	const struct plan_options *o = &p->options;

	if (p->input->n_activities == 0 || p->input->n_roles == 0 || !(p->input->users > 0)) {
		return err_note_set(
		    note, ERR_INVALID, "no users, no activity or no role: nothing to plan for");
	}
	if (!(o->users > 0) || !(o->peak >= 1) || !(o->use > 0) || o->use > 1 || o->sites < 1 ||
	    !(o->headroom >= 0) || !(o->growth > -1) || o->months < 0 ||
	    o->months > PLAN_MONTHS_MAX) {
		return err_note_set(note, ERR_INVALID,
		    "users, peak (1 or more), use (up to 1), sites or months are out of range");
	}
	return ERR_OK;
}

enum err plan_make(const struct plan_input *in, const struct plan_shapes *shapes,
    const struct plan_options *o, struct plan *ret, struct err_note *note)
{
	struct plan *p = ret;
	double left = 0;
	int none = -1;

	*p = (struct plan){ .input = in, .options = *o, .first = -1, .next = -1 };
	memcpy(p->currency, shapes->currency, sizeof(p->currency));
	p->options.users = o->users > 0 ? o->users : in->users;
	enum err e = check(p, note);
	if (e == ERR_OK) {
		e = choose_shapes(p, shapes, note);
	}
	if (e == ERR_OK) {
		e = plan_make_limits(p, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	p->flow = plan_flow_of(in, p->options.users);
	p->n_months = (unsigned)p->options.months + 1;
	for (unsigned k = 0; k < p->n_months; k++) {
		make_month(p, k, shapes->egress_price, &left);
	}
	for (unsigned g = 0; g < in->n_groups; g++) {
		p->have[g] =
		    o->have[g] > 0 && has_roles(in, g) ? o->have[g] : p->months[0].units[g];
	}
	p->line_users = plan_capacity(p, p->have, false, -1, &p->first);
	p->next_users = plan_capacity(p, p->have, false, p->first, &p->next);
	p->full_users = plan_capacity(p, p->have, true, -1, &none);
	p->line_months = months_until(p, p->line_users);
	p->full_months = months_until(p, p->full_users);
	return ERR_OK;
}
