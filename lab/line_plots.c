/*
 * Rows of the result become columns of plots; a member that is null is a gap.
 */
#include "lab/line_plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plot.h"
#include "lab/result_json.h"

enum {
	POINTS_MAX = 400,
	ROLES_MAX = PLOT_SERIES_MAX,
	NAME_BYTES = 64,
	TEXT_BYTES = 64, /* of a word */
};

static void text_of(const struct json *object, const char *name, char *out)
{
	result_get_text(json_member(object, name), out, TEXT_BYTES);
}

/* ---- over load ---- */

struct columns {
	double users[POINTS_MAX], offered[POINTS_MAX], done[POINTS_MAX];
	double p50[POINTS_MAX], p90[POINTS_MAX], p99[POINTS_MAX];
	double cores[ROLES_MAX][POINTS_MAX];
	char roles[ROLES_MAX][NAME_BYTES];
	unsigned n, n_roles;
};

static int role_index(struct columns *c, const char *name)
{
	for (unsigned i = 0; i < c->n_roles; i++) {
		if (strcmp(c->roles[i], name) == 0) {
			return (int)i;
		}
	}
	if (c->n_roles == ROLES_MAX) {
		return -1;
	}
	(void)snprintf(c->roles[c->n_roles], NAME_BYTES, "%s", name);
	for (unsigned k = 0; k < POINTS_MAX; k++) {
		c->cores[c->n_roles][k] = (double)NAN;
	}
	return (int)c->n_roles++;
}

static void add_probe(struct columns *c, const struct json *probe)
{
	const struct json *use = json_member(probe, "use");
	unsigned k = c->n++;

	c->users[k] = result_get_real(probe, "users");
	c->offered[k] = result_get_real(probe, "offered_per_second");
	c->done[k] = result_get_real(probe, "done_per_second");
	c->p50[k] = result_get_real(probe, "p50_us") / 1000;
	c->p90[k] = result_get_real(probe, "p90_us") / 1000;
	c->p99[k] = result_get_real(probe, "p99_us") / 1000;
	for (size_t i = 0; i < json_count(use); i++) {
		char name[NAME_BYTES];
		result_get_text(json_member(json_element(use, i), "role"), name, sizeof(name));
		int role = role_index(c, name);
		if (role >= 0) {
			c->cores[role][k] = result_get_real(json_element(use, i), "cores");
		}
	}
}

static int by_users(const void *a, const void *b)
{
	double x = result_get_real(*(const struct json *const *)a, "users"),
	       y = result_get_real(*(const struct json *const *)b, "users");

	return x < y ? -1 : x > y;
}

/* The search for the line and for the thresholds, by rising users; mixes for costs are other loads.
 */
static void read_probes(const struct json *r, struct columns *c)
{
	static const struct json *chosen[POINTS_MAX];
	const struct json *probes = json_member(r, "probes");
	unsigned n = 0;

	for (size_t i = 0; i < json_count(probes) && n < POINTS_MAX; i++) {
		const struct json *p = json_element(probes, i);
		char phase[TEXT_BYTES], verdict[TEXT_BYTES];
		text_of(p, "phase", phase);
		text_of(p, "verdict", verdict);
		if ((strcmp(phase, "saturation") == 0 || strcmp(phase, "slo") == 0) &&
		    strcmp(verdict, "void") != 0) {
			chosen[n++] = p;
		}
	}
	qsort(chosen, n, sizeof(chosen[0]), by_users);
	for (unsigned i = 0; i < n; i++) {
		add_probe(c, chosen[i]);
	}
}

static void mark_line(const struct json *r, struct plot *p)
{
	const struct json *saturation = json_member(r, "saturation");
	double low = result_get_real(saturation, "low_users"),
	       high = result_get_real(saturation, "high_users");

	if (low > 0 && isfinite(high)) {
		p->marks[p->n_marks++] = (struct plot_mark){ sqrt(low * high), "the line", false };
	}
}

static void add_series(struct plot *p, const struct columns *c, const char *name, const double *y)
{
	p->series[p->n_series++] =
	    (struct plot_series){ .name = name, .x = c->users, .y = y, .n = c->n, .dots = true };
}

static void put_over_load(const struct json *r, const struct columns *c, struct buf *out)
{
	struct plot latency = { .title = "Latency of activities over load",
		.x_name = "active users",
		.x_log = true,
		.y_log = true,
		.y_quantity = QUANTITY_MS };
	struct plot use = { .title = "Cores used by each role over load",
		.x_name = "active users",
		.x_log = true,
		.y_from_zero = true };

	add_series(&latency, c, "half within", c->p50);
	add_series(&latency, c, "90 of 100", c->p90);
	add_series(&latency, c, "99 of 100", c->p99);
	mark_line(r, &latency);
	plot_put(&latency, out);
	for (unsigned i = 0; i < c->n_roles; i++) {
		add_series(&use, c, c->roles[i], c->cores[i]);
	}
	mark_line(r, &use);
	plot_put(&use, out);
}

/* Steps of one direction, in the order in which they were made. */
static unsigned read_steps(
    const struct json *steps, const char *direction, double *offered, double *good)
{
	unsigned n = 0;

	for (size_t i = 0; i < json_count(steps) && n < POINTS_MAX; i++) {
		const struct json *s = json_element(steps, i);
		char text[TEXT_BYTES];
		text_of(s, "direction", text);
		if (strcmp(text, direction) == 0) {
			offered[n] = result_get_real(s, "offered_per_second");
			good[n++] = result_get_real(s, "good_per_second");
		}
	}
	return n;
}

static void put_goodput(const struct json *r, const struct columns *c, struct buf *out)
{
	static double up_x[POINTS_MAX], up_y[POINTS_MAX], down_x[POINTS_MAX], down_y[POINTS_MAX];
	const struct json *steps = json_member(json_member(r, "beyond"), "steps");
	struct plot p = { .title = "Goodput against offered load, activities a second",
		.x_name = "offered a second",
		.x_from_zero = true,
		.y_from_zero = true };
	unsigned n = read_steps(steps, "up", up_x, up_y);

	p.series[p.n_series++] = (struct plot_series){
		.name = "search", .x = c->offered, .y = c->done, .n = c->n, .dots = true
	};
	if (n > 0) {
		p.series[p.n_series++] = (struct plot_series){
			.name = "beyond, up", .x = up_x, .y = up_y, .n = n, .dots = true
		};
	}
	n = read_steps(steps, "down", down_x, down_y);
	if (n > 0) {
		p.series[p.n_series++] = (struct plot_series){
			.name = "and down", .x = down_x, .y = down_y, .n = n, .dots = true
		};
	}
	plot_put(&p, out);
}

/* ---- at the line ---- */

static void put_roles(const struct json *r, struct buf *out)
{
	static char names[ROLES_MAX * 2][NAME_BYTES];
	static struct bar rows[ROLES_MAX * 2];
	const struct json *roles = json_member(r, "roles");
	struct bars b = { .title = "How full each role is at the line",
		.quantity = QUANTITY_SHARE,
		.n_parts = 1,
		.full = 1,
		.rows = rows };

	for (size_t i = 0; i < json_count(roles) && b.n_rows < ROLES_MAX * 2; i++) {
		const struct json *role = json_element(roles, i);
		double use = result_get_real(role, "use");
		if (isfinite(use)) {
			result_get_text(json_member(role, "name"), names[b.n_rows], NAME_BYTES);
			rows[b.n_rows] = (struct bar){ .name = names[b.n_rows], .parts = { use } };
			b.n_rows++;
		}
	}
	bars_put(&b, out);
}

struct costs {
	char activities[POINTS_MAX][NAME_BYTES], roles[PLOT_SERIES_MAX][NAME_BYTES];
	struct bar rows[POINTS_MAX];
	double below[POINTS_MAX], above[POINTS_MAX];
};

/* One cost into its row; errors of roles are taken as independent. */
static void add_cost(struct costs *c, struct bars *b, const struct json *cost, unsigned part)
{
	char name[NAME_BYTES];
	struct interval ms = { .known = false };
	unsigned k = 0;

	result_get_text(json_member(cost, "activity"), name, sizeof(name));
	while (k < b->n_rows && strcmp(c->activities[k], name) != 0) {
		k++;
	}
	if (k == POINTS_MAX || !result_get_interval(cost, 1000, &ms)) {
		return;
	}
	if (k == b->n_rows) {
		memcpy(c->activities[k], name, sizeof(name));
		c->rows[k] = (struct bar){ .name = c->activities[k] };
		b->n_rows++;
	}
	c->rows[k].parts[part] += ms.value;
	c->below[k] += (ms.value - ms.low) * (ms.value - ms.low);
	c->above[k] += (ms.high - ms.value) * (ms.high - ms.value);
}

static void put_costs(const struct json *r, struct buf *out)
{
	const struct json *roles = json_member(json_member(r, "demands"), "roles");
	struct costs *c = calloc(1, sizeof(*c));
	struct bars b = { .title = "Processor time of one activity, with its interval (95 %)",
		.quantity = QUANTITY_MS };

	if (c == NULL) {
		return;
	}
	for (size_t i = 0; i < json_count(roles); i++) {
		const struct json *role = json_element(roles, i);
		const struct json *costs = json_member(role, "cpu_seconds");
		char name[NAME_BYTES];
		result_get_text(json_member(role, "name"), name, sizeof(name));
		if (strcmp(name, "machine") == 0) {
			continue; /* all roles together */
		}
		unsigned part = b.n_parts < PLOT_SERIES_MAX ? b.n_parts++ : PLOT_SERIES_MAX - 1;
		memcpy(c->roles[part], name, sizeof(name));
		b.parts[part] = c->roles[part];
		for (size_t k = 0; k < json_count(costs); k++) {
			add_cost(c, &b, json_element(costs, k), part);
		}
	}
	for (unsigned k = 0; k < b.n_rows; k++) {
		double sum = 0;
		for (unsigned i = 0; i < b.n_parts; i++) {
			sum += c->rows[k].parts[i];
		}
		c->rows[k].low = fmax(0, sum - sqrt(c->below[k]));
		c->rows[k].high = sum + sqrt(c->above[k]);
	}
	b.rows = c->rows;
	bars_put(&b, out);
	free(c);
}

void line_plots_put(const struct json *result, struct buf *out)
{
	struct columns *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		out->failed = true;
		return;
	}
	read_probes(result, c);
	put_goodput(result, c, out);
	put_over_load(result, c, out);
	put_roles(result, out);
	put_costs(result, out);
	free(c);
}
