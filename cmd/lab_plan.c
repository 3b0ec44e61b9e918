/*
 * Flags, the files they name, and the plans of single changes beside the plan itself.
 */
#include "cmd/lab_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/lab_output.h"
#include "core/base/clock.h"
#include "lab/plan_emit.h"
#include "lab/plan_field.h"
#include "lab/plan_file.h"
#include "lab/plan_report.h"

enum {
	INPUTS_MAX = 8,
	HAVE_MAX = PLAN_GROUPS_MAX,
	JSON_BYTES = 640 << 20,
};

#define MACHINES_FILE PLIMSOLL_MODEL_DIR "/machines.ini"

struct options {
	const char *inputs[INPUTS_MAX], *changes[PLAN_CHANGES_MAX], *have[HAVE_MAX];
	unsigned n_inputs, n_changes, n_have;
	const char *machines, *html;
	struct plan_emit emit;
	struct plan_options plan;
	bool json, help;
};

/* All that is large. */
struct work {
	struct plan_input in, changed;
	struct plan_shapes shapes;
	struct plan plan, other;
	struct plan_view view;
};

static void print_usage(FILE *out)
{
	fputs(
	    "usage: plimsoll plan [option ...] INPUT ...\n\n"
	    "  INPUT                  a result of plimsoll line --json, or a file written by hand (doc/PLAN.md);\n"
	    "                         several add up\n"
	    "  --users N              active users now (those of the input)\n"
	    "  --growth SHARE         a month (20%)\n"
	    "  --months N             planned ahead (12)\n"
	    "  --peak N               highest rate of a day by its mean (3)\n"
	    "  --headroom SHARE       for so much more than the peak (25%)\n"
	    "  --use SHARE            most use of a core at that (80%)\n"
	    "  --spare N              machines of each kind that may fail (1)\n"
	    "  --sites N              with more than one, any of them may fail (1)\n"
	    "  --lead MONTHS          until ordered machines work (0)\n"
	    "  --from DATE            the date of now: 2026-11 or 2026-11-26 (today)\n"
	    "  --machines FILE        shapes and prices (the shapes that came along)\n"
	    "  --machine SHAPE        of all machines, in place of what the input says\n"
	    "  --have [NAME=]N        machines there are; how long they last (as many as are needed now)\n"
	    "  --what-if CHANGE       and with this single change: 'compute.cpu*4', 'signin.per_second=200',\n"
	    "                         'growth=10%', 'web.cores=1, store.cores=1'; may be given several times\n"
	    "  --emit FOLDER          writes the configuration of each machine needed now\n"
	    "  --public-url URL       (emit) the address of the service\n"
	    "  --html FILE            the result as one page\n"
	    "  --json                 the result as JSON on standard output\n\n"
	    "exit codes: 0 ok, 1 failed, 2 wrong command line\n",
	    out);
}

static double today(void)
{
	char date[CLOCK_HTTP_DATE_SIZE];
	const int64_t now_ms = clock_wall_ms();
	const char *months = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4] = "";
	unsigned day = 0, year = 0;

	/* "Sun, 06 Nov 1994 08:49:37 GMT" */
	clock_http_date(now_ms / 1000, date);
	if (sscanf(date, "%*4s %2u %3s %4u", &day, month, &year) != 3) {
		return 0;
	}
	const char *found = strstr(months, month);
	return year * 12.0 + (found == NULL ? 0 : (double)(found - months) / 3) + (day - 1) / 31.0;
}

static bool complain(const char *flag, const char *what)
{
	fprintf(stderr, "plimsoll: %s: %s; see `plimsoll plan --help`\n", flag, what);
	return false;
}

static bool add(const char **list, unsigned *n, unsigned most, const char *flag, const char *value)
{
	if (*n == most) {
		return complain(flag, "given too often");
	}
	list[(*n)++] = value;
	return true;
}

/* A figure of the plan by the name of its flag. */
static bool set_figure(struct options *o, const char *flag, const char *value)
{
	struct plan_field field;
	struct err_note note = { 0 };

	if (plan_option_find(&o->plan, slice_str(flag + 2), &field, &note) != ERR_OK) {
		return complain(flag, "not understood");
	}
	if (plan_number(slice_str(value), field.unit, field.value, &note) != ERR_OK) {
		return complain(flag, note.text);
	}
	return true;
}

static bool set_value(struct options *o, const char *flag, const char *value)
{
	const struct {
		const char *flag;
		const char **value;
	} texts[] = { { "--machines", &o->machines }, { "--html", &o->html },
		{ "--emit", &o->emit.folder }, { "--public-url", &o->emit.public_url } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(flag, texts[i].flag) == 0) {
			*texts[i].value = value;
			return true;
		}
	}
	if (strcmp(flag, "--what-if") == 0) {
		return add(o->changes, &o->n_changes, PLAN_CHANGES_MAX, flag, value);
	}
	if (strcmp(flag, "--have") == 0) {
		return add(o->have, &o->n_have, HAVE_MAX, flag, value);
	}
	if (strcmp(flag, "--from") == 0) {
		return plan_read_month(value, &o->plan.start) ||
		       complain(flag, "a date is 2026-11 or 2026-11-26");
	}
	if (strcmp(flag, "--machine") == 0) {
		return slice_to_cstr(slice_str(value), o->plan.shape, sizeof(o->plan.shape)) ==
			   ERR_OK ||
		       complain(flag, "no name of a shape");
	}
	return set_figure(o, flag, value);
}

static bool parse(int argc, char **argv, struct options *o)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		bool good = true;
		if (strcmp(word, "--json") == 0) {
			o->json = true;
		} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			o->help = true;
		} else if (strncmp(word, "--", 2) == 0) {
			good = i + 1 < argc ? set_value(o, word, argv[i + 1])
					    : complain(word, "needs a value, or is not understood");
			i++;
		} else {
			good = add(o->inputs, &o->n_inputs, INPUTS_MAX, word, word);
		}
		if (!good) {
			return false;
		}
	}
	return true;
}

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

static enum err read_all(const struct options *o, struct work *w, struct err_note *note)
{
	enum err e =
	    plan_read_shapes(o->machines == NULL ? MACHINES_FILE : o->machines, &w->shapes, note);

	for (unsigned i = 0; e == ERR_OK && i < o->n_inputs; i++) {
		e = read_input(o->inputs[i], &w->in, note);
	}
	return e;
}

/* "NAME=N", or "N" for all. */
static enum err read_have(struct options *o, const struct plan_input *in, struct err_note *note)
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

static enum err try_changes(struct work *w, const struct options *o, struct err_note *note)
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
static void try_shapes(struct work *w, const struct options *o)
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
static void try_dear(struct work *w, const struct options *o)
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

static bool emit(const struct work *w, const struct options *o)
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

static int give(const struct work *w, const struct options *o)
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

static int run(struct options *o, struct work *w)
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
	struct options o = { .plan = PLAN_OPTIONS_DEFAULT };

	o.plan.start = today();
	if (!parse(argc, argv, &o)) {
		return EXIT_USAGE;
	}
	if (o.help) {
		print_usage(stdout);
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
