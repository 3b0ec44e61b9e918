/*
 * The comparison; how it is shown is in diff_report.c.
 */
#include "lab/diff.h"

#include <stdlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lab/machine.h"
#include "lab/result_json.h"

static const double wrong_at_most = 0.01;

static const double quantiles[] = { [DIFF_P50] = 0.5, [DIFF_P90] = 0.9, [DIFF_P99] = 0.99 };

struct activity {
	char name[DIFF_NAME_BYTES];
	uint64_t begun, errors;
	struct hdr latency;
};

struct run {
	struct activity activities[DIFF_ACTIVITIES_MAX];
	unsigned n;
	const struct json *json;
};

static enum err read_run(const struct json *json, struct run *ret, struct err_note *note)
{
	const struct json *activities = json_member(json, "activities");
	char format[32];

	ret->json = json;
	result_get_text(json_member(json, "format"), format, sizeof(format));
	if (strcmp(format, "plimsoll-load") != 0) {
		return err_note_set(note, ERR_SYNTAX, "it is no result of plimsoll load --json");
	}
	for (size_t i = 0; i < json_count(activities) && ret->n < DIFF_ACTIVITIES_MAX; i++) {
		const struct json *v = json_element(activities, i);
		struct activity *a = &ret->activities[ret->n++];
		struct slice text = SLICE_EMPTY;
		result_get_text(json_member(v, "name"), a->name, sizeof(a->name));
		a->begun = result_get_count(v, "begun");
		a->errors = result_get_count(v, "refused") + result_get_count(v, "failed");
		(void)json_get_string(json_member(json_member(v, "latency"), "hdr"), &text);
		if (text.len > 0 && hdr_read(&a->latency, text) != ERR_OK) {
			return err_note_set(
			    note, ERR_SYNTAX, "the histogram of %s is damaged", a->name);
		}
	}
	return ERR_OK;
}

static void free_run(struct run *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		hdr_fini(&r->activities[i].latency);
	}
}

static const struct activity *activity_of(const struct run *r, const char *name)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (strcmp(r->activities[i].name, name) == 0) {
			return &r->activities[i];
		}
	}
	return NULL;
}

/* Less is better of all that is compared. nothing: the change that is none. */
static enum diff_verdict judge(const struct interval *change, double nothing)
{
	return !change->known		? DIFF_UNKNOWN
	       : change->low > nothing	? DIFF_WORSE
	       : change->high < nothing ? DIFF_BETTER
					: DIFF_SAME;
}

static void add_row(
    struct diff *d, const char *activity, enum diff_what what, struct interval a, struct interval b)
{
	struct diff_row *row = &d->rows[d->n_rows++];
	bool share = what == DIFF_ERRORS;

	*row = (struct diff_row){ .what = what, .a = a, .b = b };
	(void)snprintf(row->activity, sizeof(row->activity), "%s", activity);
	row->change = share ? interval_difference(a, b) : interval_quotient(a, b);
	row->verdict = judge(&row->change, share ? 0 : 1);
	d->worse = d->worse || row->verdict == DIFF_WORSE;
}

static void compare_activity(
    struct diff *d, const struct activity *a, const struct activity *b, double confidence)
{
	for (enum diff_what what = DIFF_P50; what <= DIFF_P99; what++) {
		if (a->latency.count > 0 && b->latency.count > 0) {
			add_row(d, a->name, what,
			    interval_quantile(&a->latency, quantiles[what], confidence),
			    interval_quantile(&b->latency, quantiles[what], confidence));
		}
	}
	if (a->begun > 0 && b->begun > 0) {
		add_row(d, a->name, DIFF_ERRORS, interval_share(a->errors, a->begun, confidence),
		    interval_share(b->errors, b->begun, confidence));
	}
}

static bool cost_of(const struct json *run, struct interval *ret)
{
	const struct json *v = json_member(json_member(run, "target"), "cpu_us_per_activity");

	return result_get_interval(v, 1, ret) && ret->value > 0;
}

/* Kept at 95 % by the runs; widened to what all comparisons together need. */
static struct interval widen(struct interval i, double confidence)
{
	double factor = normal_bound(confidence) / normal_bound(0.95);

	i.low = i.value - (i.value - i.low) * factor;
	i.high = i.value + (i.high - i.value) * factor;
	return i;
}

/* ---- what makes them different runs ---- */

static void say(struct diff *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct diff *d, const char *fmt, ...)
{
	va_list args;

	if (d->n_notes < DIFF_NOTES_MAX) {
		va_start(args, fmt);
		(void)vsnprintf(d->notes[d->n_notes++], DIFF_NOTE_BYTES, fmt, args);
		va_end(args);
	}
}

static void note_void(struct diff *d, const struct json *run, const char *which)
{
	if (json_count(json_member(json_member(run, "generator"), "void")) > 0) {
		say(d, "%s is void: its generator was the limit, so nothing follows from it",
		    which);
	}
}

static void note_differences(struct diff *d, const struct run *a, const struct run *b)
{
	static const char *const names[] = { "model", "preset", "users", "arrivals", "shape",
		"seed", "warmed_users" };
	struct machine machine_a = machine_of_json(json_member(a->json, "machine"));
	struct machine machine_b = machine_of_json(json_member(b->json, "machine"));

	note_void(d, a->json, "A");
	note_void(d, b->json, "B");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf va = buf_new(512), vb = buf_new(512);
		struct json_writer wa = json_writer_new(&va), wb = json_writer_new(&vb);
		const struct json *ja = json_member(a->json, names[i]);
		const struct json *jb = json_member(b->json, names[i]);
		if (ja != NULL && jb != NULL) {
			json_put_value(&wa, ja);
			json_put_value(&wb, jb);
			if (!slice_eq(buf_slice(&va), buf_slice(&vb))) {
				say(d, "%s differs: %.*s and %.*s", names[i],
				    SLICE_ARG(buf_slice(&va)), SLICE_ARG(buf_slice(&vb)));
			}
		}
		buf_free(&va);
		buf_free(&vb);
	}
	if (machine_a.cores > 0 && !machine_is_like(&machine_a, &machine_b)) {
		say(d, "they ran on different machines: %u cores of %s, %u cores of %s",
		    machine_a.cores, machine_a.cpu, machine_b.cores, machine_b.cpu);
	}
}

static void compare_runs(struct diff *d, const struct run *a, const struct run *b)
{
	unsigned n = 1; /* the cost */
	struct interval cost_a, cost_b;

	for (unsigned i = 0; i < a->n; i++) {
		n += activity_of(b, a->activities[i].name) != NULL ? 4 : 0;
	}
	double confidence = 1 - wrong_at_most / n;
	for (unsigned i = 0; i < a->n; i++) {
		const struct activity *other = activity_of(b, a->activities[i].name);
		if (other != NULL) {
			compare_activity(d, &a->activities[i], other, confidence);
		}
	}
	if (cost_of(a->json, &cost_a) && cost_of(b->json, &cost_b)) {
		add_row(d, "any", DIFF_COST, widen(cost_a, confidence), widen(cost_b, confidence));
	}
	note_differences(d, a, b);
}

enum err diff_compare(
    const struct json *a, const struct json *b, struct diff *ret, struct err_note *note)
{
	struct run *runs = calloc(2, sizeof(*runs)); /* too large for the stack */

	if (runs == NULL) {
		return ERR_MEMORY;
	}
	*ret = (struct diff){ .n_rows = 0 };
	enum err e = read_run(a, &runs[0], note);
	if (e == ERR_OK) {
		e = read_run(b, &runs[1], note);
	}
	if (e == ERR_OK) {
		compare_runs(ret, &runs[0], &runs[1]);
	}
	free_run(&runs[0]);
	free_run(&runs[1]);
	free(runs);
	return e;
}
