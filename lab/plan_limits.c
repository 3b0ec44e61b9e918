/*
 * What may be full on the machines of a plan, and how much of it a user takes.
 */
#include <math.h>
#include <stdio.h>

#include "lab/plan_priv.h"

static const double disk_use = 0.8, memory_use = 0.9;

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

struct plan_flow plan_flow_of(const struct plan_input *in, double users)
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
	const struct plan_flow one = plan_flow_of(p->input, 1);
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
	const struct plan_flow one = plan_flow_of(in, 1);
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

enum err plan_make_limits(struct plan *p, struct err_note *note)
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
