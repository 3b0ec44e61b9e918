/*
 * One row per word that takes a time or a number: where it goes, and between which values.
 */
#include "cmd/lab_grace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/lab_options.h"

const char lab_grace_usage[] =
    "  --grace                far beyond saturation, in place of costs and of what is a little beyond:\n"
    "                         goodput up to ten times and down, peaks of clients who try again\n"
    "  --saturation N         users that are known to be it; it is not searched for then\n"
    "  --deadline TIME        for each answer of a good activity; clients leave behind it (3s)\n"
    "  --steps L,L,...        of the curve, rising, times saturation (0.5,0.8,0.95,1,1.2,1.5,2,3,5,10)\n"
    "  --step-seconds TIME    of each load, counted (30s); --settle TIME before it, not counted (10s)\n"
    "  --peaks N              peaks in one run (1), each of --peak TIME (10s) at --peak-load N (10),\n"
    "                         with --base TIME (10s) before the first and --tail TIME (30s) behind\n"
    "                         each at --calm-load N (0.7)\n"
    "  --hold TIME            of good seconds until it counts as back (5s)\n"
    "  --jumps N              so many jumps from 0.5 to --jump-load N (1.4), 0 is none (0);\n"
    "                         --bound TIME is what the served may wait (else twice the p99 before)\n"
    "  --no-curve             leaves the curve out\n"
    "  --no-recovery          leaves the peaks out\n";

bool lab_grace_flag(struct line_plan *p, const char *word)
{
	struct grace_plan *g = &p->grace;
	const struct {
		const char *word;
		bool *flag;
	} flags[] = { { "--grace", &g->on }, { "--no-curve", &g->skip_course },
		{ "--no-recovery", &g->skip_recovery } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(flags[i].word, word) == 0) {
			g->is_set = *flags[i].flag = true;
			return true;
		}
	}
	return false;
}

/* "0.5,1,10": rising, each from 0.01 to 1000. */
static bool take_loads(struct grace_course_plan *c, const char *text)
{
	c->n_loads = 0;
	for (const char *at = text;; at++) {
		char *end = NULL;
		double load = strtod(at, &end);
		if (end == at || !(load >= 0.01 && load <= 1000) || c->n_loads == GRACE_LOADS_MAX ||
		    (c->n_loads > 0 && load <= c->loads[c->n_loads - 1])) {
			return false;
		}
		c->loads[c->n_loads++] = load;
		at = end;
		if (*at != ',') {
			return *at == '\0' && c->n_loads >= 2;
		}
	}
}

static bool take_number(const char *text, double least, double most, double *ret)
{
	char *end = NULL;

	*ret = strtod(text, &end);
	return end != text && *end == '\0' && *ret >= least && *ret <= most;
}

static bool take_deadline(struct grace_plan *g, const char *value)
{
	double s = 0;
	bool good = lab_options_seconds(value, &s) && s >= 0.01;

	g->course.deadline_s = g->recovery.deadline_s = s;
	return good;
}

/* Times and counts that are whole where the plan wants them so. */
static bool take_rest(struct grace_plan *g, const char *flag, const char *value, bool *ret_known)
{
	double seconds = 0, n = 0;

	if (strcmp(flag, "--bound") == 0) {
		g->response.bound_us =
		    lab_options_seconds(value, &seconds) ? (int64_t)(seconds * 1e6) : 0;
		return g->response.bound_us > 0;
	}
	if (strcmp(flag, "--peaks") == 0) {
		g->recovery.peaks = take_number(value, 1, GRACE_PEAKS_MAX, &n) ? (unsigned)n : 0;
		return g->recovery.peaks > 0;
	}
	if (strcmp(flag, "--jumps") == 0) {
		bool good = take_number(value, 0, GRACE_RESPONSES_MAX, &n);
		g->response.times = (unsigned)n;
		return good;
	}
	if (strcmp(flag, "--hold") == 0) {
		bool good = lab_options_seconds(value, &seconds) && seconds >= 1;
		g->recovery.hold_s = (unsigned)seconds;
		return good;
	}
	*ret_known = false;
	return true;
}

static bool set(struct line_plan *p, const char *flag, const char *value, bool *ret_known)
{
	struct grace_plan *g = &p->grace;
	const struct {
		const char *flag;
		double *seconds;
		double least;
		bool whole;
	} times[] = { { "--step-seconds", &g->course.step_s, 0.5, false },
		{ "--settle", &g->course.settle_s, 0, false },
		{ "--base", &g->recovery.base_s, 2, true },
		{ "--peak", &g->recovery.peak_s, 1, true },
		{ "--tail", &g->recovery.tail_s, 2, true } };
	const struct {
		const char *flag;
		double *load;
	} loads[] = { { "--peak-load", &g->recovery.peak_load },
		{ "--calm-load", &g->recovery.calm_load },
		{ "--jump-load", &g->response.high_load } };

	*ret_known = true;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (strcmp(times[i].flag, flag) == 0) {
			double *s = times[i].seconds;
			return lab_options_seconds(value, s) && *s >= times[i].least &&
			       *s <= 3600 && (!times[i].whole || floor(*s) == *s);
		}
	}
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		if (strcmp(loads[i].flag, flag) == 0) {
			return take_number(value, 0.01, 1000, loads[i].load);
		}
	}
	if (strcmp(flag, "--deadline") == 0) {
		return take_deadline(g, value);
	}
	if (strcmp(flag, "--steps") == 0) {
		return take_loads(&g->course, value);
	}
	if (strcmp(flag, "--saturation") == 0) {
		return lab_options_count(value, 1e9, &p->known_users) && p->known_users >= 1;
	}
	return take_rest(g, flag, value, ret_known);
}

bool lab_grace_set(struct line_plan *p, const char *flag, const char *value, bool *ret_known)
{
	bool good = set(p, flag, value, ret_known);

	p->grace.is_set = p->grace.is_set || *ret_known;
	return good;
}

const char *lab_grace_trouble(const struct line_plan *p, bool fleet)
{
	const struct grace_recovery_plan *r = &p->grace.recovery;

	if (!p->grace.on) {
		return p->grace.is_set
			   ? "--saturation, --steps, --peaks and the others from --deadline "
			     "to --no-recovery go with --grace"
			   : NULL;
	}
	if (r->tail_s < r->hold_s) {
		return "--tail must be at least as long as --hold";
	}
	if (r->base_s + r->peaks * (r->peak_s + r->tail_s) > GRACE_SECONDS_MAX) {
		return "the peaks take more than an hour";
	}
	if (fleet) {
		return "--grace is one generator's: no --processes, no --generators";
	}
	return NULL;
}
