/*
 * What a run leaves behind.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/load_priv.h"

enum {
	FAILED_LEAST = 3 /* to say that nobody answers any more */
};

enum err load_result_new(
    const struct model *m, const struct load_plan *plan, struct load_result **ret)
{
	struct load_result *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->seconds = calloc(LOAD_SECONDS_MAX, sizeof(*r->seconds));
	}
	if (r == NULL || r->seconds == NULL) {
		free(r);
		return ERR_MEMORY;
	}
	r->model = m;
	r->plan = *plan;
	r->generators = 1;
	*ret = r;
	return ERR_OK;
}

void load_result_add_cause(struct load_result *r, const char *fmt, ...)
{
	va_list args;

	if (r->n_void == LOAD_CAUSES_MAX) {
		return;
	}
	va_start(args, fmt);
	(void)vsnprintf(r->causes[r->n_void++], LOAD_TEXT_BYTES, fmt, args);
	va_end(args);
}

void load_result_add_failure(struct load_result *r, const char *text, uint64_t count)
{
	for (unsigned i = 0; i < r->n_failures; i++) {
		if (strcmp(r->failures[i].text, text) == 0) {
			r->failures[i].count += count;
			return;
		}
	}
	if (r->n_failures == LOAD_FAILURES_MAX) {
		r->failures[LOAD_FAILURES_MAX - 1].count += count;
		return;
	}
	struct load_failure *f = &r->failures[r->n_failures++];
	(void)snprintf(f->text, sizeof(f->text), "%s",
	    r->n_failures == LOAD_FAILURES_MAX ? "further ones" : text);
	f->count = count;
}

void load_note_failure(struct load *l, const char *activity, const char *text)
{
	char line[LOAD_TEXT_BYTES];

	(void)snprintf(line, sizeof(line), "%s: %s", activity, text);
	for (char *c = line; *c != '\0'; c++) {
		*c = (unsigned char)*c < ' ' ? ' ' : *c;
	}
	load_result_add_failure(l->result, line, 1);
}

void load_result_free(struct load_result **rp)
{
	struct load_result *r = *rp;

	if (r == NULL) {
		return;
	}
	for (unsigned i = 0; i < MODEL_ACTIVITIES_MAX; i++) {
		hdr_fini(&r->activities[i].latency);
		for (unsigned k = 0; k < LOAD_STEPS_MAX; k++) {
			hdr_fini(&r->activities[i].steps[k].latency);
			hdr_fini(&r->activities[i].steps[k].service);
		}
	}
	hdr_fini(&r->lateness);
	hdr_fini(&r->first_lateness);
	hdr_fini(&r->service);
	free(r->seconds);
	free(r->uses);
	free(r);
	*rp = NULL;
}

double load_result_answered_until_s(const struct load_result *r)
{
	unsigned last = r->n_seconds;
	uint64_t failed = 0;
	double until_s = 0;

	while (last > 0 && r->seconds[last - 1].done == 0) {
		last--;
		failed += r->seconds[last].failed + r->seconds[last].gave_up;
	}
	for (unsigned i = 0; i < last; i++) {
		until_s += r->seconds[i].length_s;
	}
	return failed >= FAILED_LEAST ? until_s : (double)INFINITY;
}

bool load_result_succeeded(const struct load_result *r)
{
	uint64_t done = 0, failed = r->warm_failed;

	for (unsigned i = 0; i < r->n_activities; i++) {
		done += r->activities[i].done;
		failed += r->activities[i].failed + r->activities[i].gave_up;
		failed += r->interrupted ? 0 : r->activities[i].unfinished;
	}
	return done > 0 && failed == 0;
}
