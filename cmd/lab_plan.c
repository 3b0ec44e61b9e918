/*
 * The files that the flags name, and the plans of single changes beside the plan itself.
 */
#include "cmd/lab_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/lab_output.h"
#include "cmd/lab_plan_options.h"
#include "lab/plan_emit.h"
#include "lab/plan_field.h"
#include "lab/plan_file.h"
#include "lab/plan_report.h"

enum {
	JSON_BYTES = 640 << 20,
};

#define MACHINES_FILE PLIMSOLL_MODEL_DIR "/machines.ini"

/* All that is large. */
struct work {
	struct plan_input in, changed;
	struct plan_shapes shapes;
	struct plan plan, other;
	struct plan_view view;
};

/* ---- files ---- */

static bool is_json(const char *path)
{
	FILE *in = fopen(path, "re");
	int c = 0;

	while (in != NULL && (c = fgetc(in)) != EOF && (c == ' ' || c == '\n' || c == '\t')) {
	}
	if (in != NULL) {
		(void)fclose(in);
	}
	return c == '{';
}

static enum err read_input(const char *path, struct plan_input *in, struct err_note *note)
{
	struct arena arena = arena_new(JSON_BYTES);
	struct err_note why = { 0 };
	const struct json *result = NULL;

	if (!is_json(path)) {
		return plan_read_file(path, in, note);
	}
	enum err e = lab_read_json(path, &arena, &result, note);
	if (e == ERR_OK) {
		e = plan_read_line(result, in, &why);
		if (e != ERR_OK) {
			e = err_note_set(note, e, "%.60s: %s", path, why.text);
		}
	}
	arena_reset(&arena);
	return e;
}

static enum err read_all(const struct lab_plan_options *o, struct work *w, struct err_note *note)
{
	enum err e =
	    plan_read_shapes(o->machines == NULL ? MACHINES_FILE : o->machines, &w->shapes, note);

	for (unsigned i = 0; e == ERR_OK && i < o->n_inputs; i++) {
		e = read_input(o->inputs[i], &w->in, note);
	}
	return e;
}

/* "NAME=N", or "N" for all. */
static enum err read_have(
    struct lab_plan_options *o, const struct plan_input *in, struct err_note *note)
{
	for (unsigned i = 0; i < o->n_have; i++) {
		struct slice text = slice_str(o->have[i]);
		size_t sign = slice_find(text, '=', 0);
		bool named = sign < text.len;
		int group = named ? plan_find_group(in, slice_sub(text, 0, sign)) : 0;
		double n = 0;
		enum err e = plan_number(
		    named ? slice_sub(text, sign + 1, text.len) : text, PLAN_UNIT_NUMBER, &n, note);
		if (e == ERR_OK && (group < 0 || n < 1)) {
			e = err_note_set(note, ERR_NOT_FOUND,
			    "--have %.100s: no machines of that name, or none", o->have[i]);
		}
		for (unsigned g = 0; e == ERR_OK && g < in->n_groups; g++) {
			o->plan.have[g] = !named || (int)g == group ? n : o->plan.have[g];
		}
		if (e != ERR_OK) {
			return e;
		}
	}
	return ERR_OK;
}

/* ---- beside the plan ---- */

static enum err try_changes(struct work *w, const struct lab_plan_options *o, struct err_note *note)
{
	for (unsigned i = 0; i < o->n_changes; i++) {
		struct plan_options options = o->plan;
		struct err_note why = { 0 };
		w->changed = w->in;
		enum err e = plan_change(&w->changed, &options, o->changes[i], &why);
		if (e == ERR_OK) {
			e = plan_make(&w->changed, &w->shapes, &options, &w->other, &why);
		}
		if (e != ERR_OK) {
			return err_note_set(
			    note, e, "--what-if %.60s: %s", o->changes[i], why.text);
		}
		w->view.changes[w->view.n_changes++] = plan_sum_up(&w->other, o->changes[i]);
	}
	return ERR_OK;
}

/* The same on each shape, where all machines are alike; shapes that cannot do it are left out. */
static void try_shapes(struct work *w, const struct lab_plan_options *o)
{
	for (unsigned i = 0; w->in.n_groups == 1 && w->shapes.n > 1 && i < w->shapes.n; i++) {
		struct plan_options options = o->plan;
		struct err_note ignored = { 0 };
		const char *name = w->shapes.shapes[i].name;
		memset(options.have, 0, sizeof(options.have));
		memcpy(options.shape, name, sizeof(options.shape));
		if (strcmp(name, w->plan.shapes[0].name) != 0 &&
		    plan_make(&w->in, &w->shapes, &options, &w->other, &ignored) == ERR_OK) {
			w->view.shapes[w->view.n_shapes++] = plan_sum_up(&w->other, name);
		}
	}
}

/* Every cost at the upper end of its interval. */
static void try_dear(struct work *w, const struct lab_plan_options *o)
{
	struct err_note ignored = { 0 };
	bool any = false;

	w->changed = w->in;
	for (unsigned i = 0; i < w->in.n_activities; i++) {
		for (unsigned r = 0; r < w->in.n_roles; r++) {
			double high = w->in.activities[i].cpu_high_s[r];
			any = any || high > w->in.activities[i].cpu_s[r] * 1.0001;
			w->changed.activities[i].cpu_s[r] = high;
		}
	}
	if (any && plan_make(&w->changed, &w->shapes, &o->plan, &w->other, &ignored) == ERR_OK) {
		w->view.dear = plan_sum_up(&w->other, "costs at their upper ends");
	}
}

static bool emit(const struct work *w, const struct lab_plan_options *o)
{
	struct err_note note = { 0 };
	unsigned n = 0;

	if (plan_emit(&w->plan, &o->emit, &n, &note) != ERR_OK) {
		return lab_failed("plan", &note) == EXIT_OK;
	}
	if (n == 0) {
		fputs(
		    "plimsoll plan: none of the machines has a role of Plimsoll: nothing to emit\n",
		    stderr);
		return false;
	}
	fprintf(stderr, "plimsoll plan: %u configurations written below %s\n", n, o->emit.folder);
	return true;
}

static int give(const struct work *w, const struct lab_plan_options *o)
{
	struct buf text = buf_new(LAB_TEXT_BYTES), page = buf_new(LAB_TEXT_BYTES);

	(o->json ? plan_json : plan_text)(&w->view, &text);
	bool good = lab_print(&text);
	if (o->html != NULL) {
		plan_html(&w->view, &page);
		good = lab_save_page("plan", &page, o->html) && good;
	}
	if (o->emit.folder != NULL) {
		good = emit(w, o) && good;
	}
	buf_free(&text);
	buf_free(&page);
	return good ? EXIT_OK : EXIT_FAILED;
}

static int run(struct lab_plan_options *o, struct work *w)
{
	struct err_note note = { 0 };

	enum err e = read_all(o, w, &note);
	if (e == ERR_OK) {
		e = read_have(o, &w->in, &note);
	}
	if (e == ERR_OK) {
		e = plan_make(&w->in, &w->shapes, &o->plan, &w->plan, &note);
	}
	if (e == ERR_OK) {
		w->view.plan = &w->plan;
		e = try_changes(w, o, &note);
	}
	if (e != ERR_OK) {
		return lab_failed("plan", &note);
	}
	try_shapes(w, o);
	try_dear(w, o);
	return give(w, o);
}

int lab_plan_main(int argc, char **argv)
{
	struct lab_plan_options o = { .plan = PLAN_OPTIONS_DEFAULT };

	if (!lab_plan_parse(argc, argv, &o)) {
		return EXIT_USAGE;
	}
	if (o.help) {
		lab_plan_usage(stdout);
		return EXIT_OK;
	}
	if (o.n_inputs == 0) {
		return lab_usage_error("plan", "plan INPUT");
	}
	struct work *w = calloc(1, sizeof(*w));
	if (w == NULL) {
		fputs("plimsoll plan: no memory\n", stderr);
		return EXIT_FAILED;
	}
	int code = run(&o, w);
	free(w);
	return code;
}
