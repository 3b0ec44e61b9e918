/*
 * What the target used: which role was full, and what each activity costs.
 */
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/line_priv.h"

static const char machine_name[] = "machine"; /* all roles together */

static const double row_s = 1,	       /* of processor and counts */
    full = 0.9,			       /* from here on a role counts as full */
    machine_full = 0.93, alike = 0.05; /* shares this near are told apart by how they grew */

void line_caveat(struct line_result *r, const char *fmt, ...)
{
	va_list args;

	if (r->n_caveats == LINE_CAVEATS_MAX) {
		return;
	}
	va_start(args, fmt);
	(void)vsnprintf(r->caveats[r->n_caveats++], LOAD_TEXT_BYTES, fmt, args);
	va_end(args);
}

/* ---- rows of demands ---- */

static bool row_between(
    struct line *l, const struct line_course *a, const struct line_course *b, struct line_row *ret)
{
	struct line_row row = { .refused = 0 };
	unsigned n_roles = target_roles(l->plan.target);
	double seconds = (double)(b->at_us - a->at_us) / 1e6;

	for (unsigned i = 0; i < l->model->n_activities; i++) {
		row.per_second[i] = (b->work[i] - a->work[i]) / seconds;
	}
	row.refused = (b->refused - a->refused) / seconds;
	for (unsigned r = 0; r < n_roles; r++) {
		struct target_use use;
		if (!target_between(l->plan.target, r, a->at_us, b->at_us, &use)) {
			return false;
		}
		row.cores[r] = use.figures[TARGET_CPU_S];
		row.cores[n_roles] += row.cores[r]; /* the machine */
	}
	*ret = row;
	return true;
}

void line_add_rows(struct line *l, const struct line_probe_record *p, unsigned group)
{
	const struct line_course *from = NULL;
	int64_t begin_us =
	    l->n_course > 0 ? l->course[0].at_us + (int64_t)(p->settled_s * 1e6) : INT64_MAX;

	for (unsigned i = 0; i < l->n_course && l->n_rows < LINE_ROWS_MAX; i++) {
		const struct line_course *c = &l->course[i];
		if (c->at_us < begin_us) {
			continue;
		}
		if (from == NULL) {
			from = c;
		} else if ((double)(c->at_us - from->at_us) / 1e6 >= row_s) {
			if (row_between(l, from, c, &l->rows[l->n_rows])) {
				l->rows[l->n_rows++].group = group;
			}
			from = c;
		}
	}
}

bool line_solve(struct line *l)
{
	struct line_result *r = l->result;

	r->has_demands =
	    l->n_rows > 0 &&
	    line_demand_fit(l->rows, l->n_rows, r->share, l->model->n_activities,
		target_roles(l->plan.target) + 1, l->plan.load.seed, &r->demands) == ERR_OK;
	return r->has_demands;
}

void line_predict(struct line *l)
{
	struct line_result *r = l->result;
	double capacity[LINE_ROLES_MAX] = { 0 };

	if (!r->has_demands || r->n_roles == 0) {
		return;
	}
	for (unsigned i = 0; i < r->n_roles; i++) {
		capacity[i] = r->roles[i].capacity_cores;
	}
	r->prediction = line_demand_predict(&r->demands, r->share, capacity);
	r->has_prediction = isfinite(r->prediction.per_second);
}

/* ---- which role was full ---- */

/* What was said of a role by --capacity; 0: nothing. */
static double said_of(const struct line *l, const char *role)
{
	for (unsigned i = 0; i < l->plan.n_capacity; i++) {
		if (strcmp(l->plan.capacity[i].role, role) == 0) {
			return l->plan.capacity[i].cores;
		}
	}
	return 0;
}

/* Of this machine, as far as the target's processes may use them. */
static double local_cores(const struct line *l)
{
	cpu_set_t target;
	unsigned n = target_cpus(l->plan.target, &target);

	return n > 0 && n < l->result->machine.cores ? n : l->result->machine.cores;
}

/* What the generators take of the processors that the target may use. */
static double taken_by_generators(const struct line *l, double generator_cores)
{
	cpu_set_t target, own, both;

	if (target_cpus(l->plan.target, &target) == 0 ||
	    sched_getaffinity(0, sizeof(own), &own) != 0) {
		return generator_cores;
	}
	CPU_AND(&both, &own, &target);
	return generator_cores * CPU_COUNT(&both) / CPU_COUNT(&own);
}

/*
 * Cores that a role can use: what was said; else as many as it used, by the share that its busiest
 * thread was at it. At least one; not more than the machine has, or elsewhere than there are
 * processes, as far as it did not use more.
 */
static double capacity_of(struct line *l, const struct target_use *u, const char *role)
{
	double hot = u->figures[TARGET_HOT_S], cores = u->figures[TARGET_CPU_S];
	bool local = target_is_local(l->plan.target);
	double said = said_of(l, role), all = said_of(l, machine_name);
	double most = local ? local_cores(l) : fmax(u->figures[TARGET_PROCESSES], 1);

	if (said > 0) {
		return said;
	}
	most = all > 0 ? fmin(most, all) : most;
	double capacity = u->known[TARGET_HOT_S] && hot > 0.01 ? cores / hot : 1;
	return fmax(fmin(fmax(capacity, 1), fmax(most, 1)), ceil(cores - 0.1));
}

static struct line_role role_of(struct line *l, const struct target_use *u, unsigned i)
{
	struct line_role role = { .name = target_role_name(l->plan.target, i), .use = *u };

	role.capacity_cores = capacity_of(l, u, role.name);
	role.share = u->figures[TARGET_CPU_S] / role.capacity_cores;
	role.by = "processor";
	if (u->known[TARGET_BUSY_S] && u->figures[TARGET_BUSY_S] > role.share + alike) {
		/* Ready and without a processor is no waiting of its own. */
		double ready = role.share + u->figures[TARGET_RUN_DELAY_S];
		role.share = u->figures[TARGET_BUSY_S];
		role.by = role.share > ready + alike ? "busy" : "processor";
	}
	if (u->known[TARGET_BLOCKED_S] && u->figures[TARGET_BLOCKED_S] > role.share + alike) {
		role.share = u->figures[TARGET_BLOCKED_S];
		role.by = "disk";
	}
	return role;
}

/* The probe that shows saturation best: failed with the fewest users, else held with the most. */
static const struct line_probe_record *at_saturation(const struct line_result *r)
{
	const struct line_probe_record *best = NULL;

	for (unsigned i = 0; i < r->n_probes; i++) {
		const struct line_probe_record *p = &r->probes[i];
		if (p->phase != LINE_PHASE_SATURATION || !p->has_use ||
		    (p->verdict != LINE_FAILED && p->verdict != LINE_HELD)) {
			continue;
		}
		bool failed = p->verdict == LINE_FAILED,
		     best_failed = best != NULL && best->verdict == LINE_FAILED;
		if (best == NULL || (failed && !best_failed) ||
		    (failed == best_failed &&
			(failed ? p->users < best->users : p->users > best->users))) {
			best = p;
		}
	}
	return best;
}

/* The held probe with about half the users, to see what grew. */
static const struct line_probe_record *at_half(const struct line_result *r, double users)
{
	const struct line_probe_record *best = NULL;

	for (unsigned i = 0; i < r->n_probes; i++) {
		const struct line_probe_record *p = &r->probes[i];
		if (p->has_use && p->verdict == LINE_HELD && p->users < 0.8 * users &&
		    (best == NULL ||
			fabs(log(p->users / users * 2)) < fabs(log(best->users / users * 2)))) {
			best = p;
		}
	}
	return best;
}

static void add_machine(struct line *l, const struct line_probe_record *p)
{
	struct line_result *r = l->result;
	struct line_role *m = &r->roles[r->n_roles];

	*m = (struct line_role){ .name = machine_name, .by = "processor" };
	for (unsigned i = 0; i < r->n_roles; i++) {
		m->use.figures[TARGET_CPU_S] += r->roles[i].use.figures[TARGET_CPU_S];
	}
	m->use.known[TARGET_CPU_S] = true;
	double said = said_of(l, machine_name);
	/* What the generator took was not there for the target. */
	double left = local_cores(l) - taken_by_generators(l, p->generator_cores);
	m->capacity_cores = said > 0 ? said : fmax(left, 0.1);
	m->share = m->use.figures[TARGET_CPU_S] / m->capacity_cores;
	r->n_roles++;
}

/* How much fuller it got than in proportion to the load; a queue that commits in groups is full
 * early. */
static double growth(struct line *l, const struct line_probe_record *half, unsigned role)
{
	struct line_role before = role_of(l, &half->use[role], role);

	return l->result->roles[role].share - before.share;
}

static void choose(struct line *l, unsigned n, const struct line_probe_record *half)
{
	struct line_result *r = l->result;

	for (unsigned i = 0; i < n; i++) {
		double share = r->roles[i].share;
		if (r->saturated < 0) {
			r->saturated = (int)i;
			continue;
		}
		unsigned best = (unsigned)r->saturated;
		bool tie = fabs(share - r->roles[best].share) < alike ||
			   (share >= full && r->roles[best].share >= full);
		bool better = tie && half != NULL ? growth(l, half, i) > growth(l, half, best)
						  : share > r->roles[best].share;
		if (better) {
			r->next = r->saturated;
			r->saturated = (int)i;
		} else if (r->next < 0 || share > r->roles[r->next].share) {
			r->next = (int)i;
		}
	}
}

void line_name_saturated(struct line *l)
{
	struct line_result *r = l->result;
	const struct line_probe_record *p = at_saturation(r);

	r->saturated = r->next = -1;
	r->n_roles = 0;
	if (l->plan.target == NULL || p == NULL) {
		return;
	}
	unsigned n = target_roles(l->plan.target);
	for (unsigned i = 0; i < n; i++) {
		r->roles[r->n_roles++] = role_of(l, &p->use[i], i);
	}
	choose(l, n, at_half(r, p->users));
	bool is_known = target_is_local(l->plan.target) || said_of(l, machine_name) > 0;
	if (!is_known || n == 0) {
		return;
	}
	add_machine(l, p);
	const struct line_role *machine = &r->roles[n], *first = &r->roles[r->saturated];
	if (machine->share < machine_full || first->share >= full) {
		return;
	}
	/* Nobody had a processor for itself: the one that used the most of them. */
	for (unsigned i = 0; i < n; i++) {
		if (r->roles[i].use.figures[TARGET_CPU_S] >
		    r->roles[r->saturated].use.figures[TARGET_CPU_S]) {
			r->next = r->saturated;
			r->saturated = (int)i;
		}
	}
	r->roles[r->saturated].by = "machine";
}
