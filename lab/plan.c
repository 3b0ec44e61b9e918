/*
 * All limits are proportional to users, so a number of users, a number of machines and a date are
 * three sides of one equation, each solved directly.
 */
#include "lab/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	DAY_S = 86400
};

static const double days_of_month = 365.25 / 12, disk_use = 0.8, memory_use = 0.9;

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

/* ---- what a user costs ---- */

/* Cores that all users of the input keep busy in a role, as a mean of the day. */
static double cores_of(const struct plan_input *in, unsigned role)
{
	double sum = 0;

	for (unsigned i = 0; i < in->n_activities; i++) {
		sum += in->activities[i].per_second * in->activities[i].cpu_s[role];
	}
	return sum;
}

static struct plan_flow flow_of(const struct plan_input *in, double users)
{
	struct plan_flow f = { .bytes_in = 0 };
	double share = users / in->users;

	for (unsigned i = 0; i < in->n_activities; i++) {
		const struct plan_activity *a = &in->activities[i];
		double rate = a->per_second * share;
		f.activities += rate;
		f.bytes_in += rate * a->bytes_in;
		f.bytes_out += rate * a->bytes_out;
		f.disk += rate * a->disk;
		f.mails += rate * a->mails;
		for (unsigned c = 0; c < in->n_counts; c++) {
			f.counts[c] += rate * a->counts[c];
		}
	}
	for (unsigned r = 0; r < in->n_roles; r++) {
		f.cores[r] = cores_of(in, r) * share;
	}
	return f;
}

/* ---- limits ---- */

static void add_limit(struct plan *p, struct plan_limit l)
{
	if (l.per_user > 0 && p->n_limits < PLAN_LIMITS_MAX) {
		p->limits[p->n_limits++] = l;
	}
}

/* The same bound at the allowed use and at all. */
static void add_flat(struct plan *p, struct plan_limit l, double per_unit)
{
	l.per_unit = l.per_unit_full = per_unit;
	add_limit(p, l);
}

/* A role by itself, where it cannot use all cores of all machines. */
static void add_role(struct plan *p, unsigned number)
{
	const struct plan_role *r = &p->input->roles[number];
	const struct plan_shape *s = &p->shapes[r->group];
	const struct plan_flow one = flow_of(p->input, 1);
	double cores = r->cores > 0 && r->cores < s->cores ? r->cores : s->cores;
	struct plan_limit l = { .kind = PLAN_ROLE_CORES,
		.group = r->group,
		.role = number,
		.units_most = r->machines };

	l.per_user = one.cores[number] / s->speed * p->options.peak;
	l.per_unit = cores * p->options.use - r->idle_cores;
	l.per_unit_full = cores - r->idle_cores;
	if (cores < s->cores || r->machines > 0) {
		add_limit(p, l);
	}
	if (r->users > 0) {
		l.kind = PLAN_USERS;
		l.per_user = 1;
		add_flat(p, l, r->users);
	}
	for (unsigned c = 0; c < p->input->n_counts; c++) {
		l.kind = PLAN_COUNT;
		l.count = c;
		l.per_user = r->most[c] > 0 ? one.counts[c] * p->options.peak : 0;
		add_flat(p, l, r->most[c]);
	}
}

/* What the machines of a group bear of all their roles together. */
static void add_group(struct plan *p, unsigned group)
{
	const struct plan_input *in = p->input;
	const struct plan_shape *s = &p->shapes[group];
	const struct plan_flow one = flow_of(in, 1);
	struct plan_limit cores = { .kind = PLAN_CORES, .group = group }, memory = cores,
			  disk = cores, network = cores;
	double idle = 0, fixed = 0;
	bool edge = false;

	for (unsigned r = 0; r < in->n_roles; r++) {
		const struct plan_role *role = &in->roles[r];
		if (role->group != group) {
			continue;
		}
		cores.per_user += one.cores[r] / s->speed * p->options.peak;
		idle += role->idle_cores;
		memory.per_user += role->memory_per_user;
		fixed += role->memory;
		disk.per_user += role->disk_per_user;
		edge = edge || role->edge;
	}
	cores.per_unit = s->cores * p->options.use - idle;
	cores.per_unit_full = s->cores - idle;
	add_limit(p, cores);
	memory.kind = PLAN_MEMORY;
	memory.per_user = s->memory > 0 ? memory.per_user : 0;
	add_flat(p, memory, s->memory * memory_use - fixed);
	disk.kind = PLAN_DISK;
	disk.per_user = s->disk > 0 ? disk.per_user : 0;
	add_flat(p, disk, s->disk * disk_use);
	network.kind = PLAN_NETWORK;
	/* Full duplex: the larger of the two directions. */
	network.per_user =
	    edge && s->network > 0 ? fmax(one.bytes_in, one.bytes_out) * 8 * p->options.peak : 0;
	network.per_unit = s->network * p->options.use;
	network.per_unit_full = s->network;
	add_limit(p, network);
}

static enum err make_limits(struct plan *p, struct err_note *note)
{
	for (unsigned g = 0; g < p->input->n_groups; g++) {
		add_group(p, g);
	}
	for (unsigned r = 0; r < p->input->n_roles; r++) {
		add_role(p, r);
	}
	for (unsigned i = 0; i < p->n_limits; i++) {
		if (!(p->limits[i].per_unit > 0)) {
			char what[PLAN_TEXT_BYTES];
			plan_limit_text(p, &p->limits[i], what);
			return err_note_set(note, ERR_INVALID,
			    "%s: a machine of that shape is full without any user", what);
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
	const struct plan_flow flow = flow_of(p->input, m->users);
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
		e = make_limits(p, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	p->flow = flow_of(in, p->options.users);
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

void plan_limit_text(const struct plan *p, const struct plan_limit *l, char *out)
{
	static const char *const what[] = { [PLAN_CORES] = "cores",
		[PLAN_MEMORY] = "memory",
		[PLAN_DISK] = "disk",
		[PLAN_NETWORK] = "network" };
	const char *group = p->input->groups[l->group].name;
	const struct plan_role *role = &p->input->roles[l->role];

	switch (l->kind) {
	case PLAN_ROLE_CORES:
		(void)snprintf(out, PLAN_TEXT_BYTES, "%s: %.3g cores of each %s%s", role->name,
		    fmin(role->cores > 0 ? role->cores : (double)INFINITY,
			p->shapes[l->group].cores),
		    group, role->machines > 0 ? ", which cannot be more" : "");
		break;
	case PLAN_USERS:
		(void)snprintf(out, PLAN_TEXT_BYTES, "%s: %.0f users on each %s", role->name,
		    role->users, group);
		break;
	case PLAN_COUNT:
		(void)snprintf(out, PLAN_TEXT_BYTES, "%s: %.6g %s a second on each %s", role->name,
		    role->most[l->count], p->input->counts[l->count], group);
		break;
	case PLAN_CORES:
	case PLAN_MEMORY:
	case PLAN_DISK:
	case PLAN_NETWORK:
		(void)snprintf(out, PLAN_TEXT_BYTES, "%s of %s", what[l->kind], group);
		break;
	}
}
