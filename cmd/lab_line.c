/*
 * Words of its own are taken out first; the rest are those of `plimsoll load`.
 */
#include "cmd/lab_line.h"

#include <stdio.h>
#include <string.h>

#include "cmd/fetch.h"
#include "cmd/lab_options.h"
#include "cmd/lab_output.h"
#include "cmd/lab_report.h"
#include "lab/line.h"

enum {
	PATH_BYTES = 4096,
	WORDS_MAX = 64,
};

struct line_options {
	struct line_plan plan;
	struct {
		enum target_kind kind;
		const char *text;
	} watch[TARGET_SOURCES_MAX];
	unsigned n_watch;
	char *rest[WORDS_MAX]; /* the words that are not of line alone */
	int n_rest;
};

static void print_usage(FILE *out)
{
	fputs(
	    "usage: plimsoll line MODEL [option ...] URL\n\n"
	    "Pushes the target until it breaks: how many active users it holds, what is full first, what\n"
	    "happens beyond, what each activity costs there. Minutes. Not for a target that others use.\n\n"
	    "  MODEL                  a file of Lua, or the name of one that came along: persona, web\n"
	    "  --slo THRESHOLD        also the most users at which it is kept: 'p99<500ms', 'errors<0.1%'\n"
	    "  --admin HOST:PORT      watches a Plimsoll by its admin listener\n"
	    "  --watch NAME[=PID]     watches a process of this machine with its children; without PID all\n"
	    "                         of that name: nginx, node, postgres\n"
	    "  --metrics [NAME=]URL   watches a Prometheus endpoint\n"
	    "  --capacity ROLE=CORES  what a role has, where that cannot be seen (--metrics)\n"
	    "  --start N              users to begin with; else five activities a second\n"
	    "  --most N               never more users than this\n"
	    "  --width P%             how narrow the interval of saturation has to be (5%)\n"
	    "  --within TIME          of each search; the interval is then as narrow as it got (10m)\n"
	    "  --step TIME            of each step beyond saturation; else twice the timeout, 5s to 20s\n"
	    "  --mix TIME             of each mix for the costs (3s)\n"
	    "  --no-beyond            does not go beyond saturation\n"
	    "  --no-demands           does not measure what activities cost\n"
	    "  --preset P             published rates of the model in place of derived ones\n"
	    "  --warm N               this many users have been here before; only they act\n"
	    "  --arrivals LAW         of the probes for --slo: poisson, constant, uniform, burst\n"
	    "  --timeout TIME         for an answer (10s)\n"
	    "  --seed N               the same arrivals and users again (1)\n"
	    "  --ca FILE              trusts these certificates in place of the machine's (https)\n"
	    "  --insecure             takes any certificate\n"
	    "  --html FILE            the result as one page\n"
	    "  --record FILE          appends the costs to FILE, for plimsoll report trend\n"
	    "  --commit TEXT          what is measured, for the record; else the commit of the work tree here\n"
	    "  --json                 the result as JSON on standard output (doc/LINE.md)\n\n"
	    "exit codes: 0 ok, 1 failed, ended early or nothing found, 2 wrong command line,\n"
	    "            6 void: the generator itself was the limit\n",
	    out);
}

static bool percent(const char *text, double *ret)
{
	char number[16];
	size_t len = strlen(text);
	double n = 0;

	if (len < 2 || len >= sizeof(number) || text[len - 1] != '%') {
		return false;
	}
	memcpy(number, text, len - 1);
	number[len - 1] = '\0';
	*ret = 0;
	if (sscanf(number, "%lf", &n) == 1) {
		*ret = n / 100;
	}
	return *ret >= 0.01 && *ret <= 1;
}

/* ROLE=CORES */
static bool add_capacity(struct line_plan *p, const char *text)
{
	const char *equals = strchr(text, '=');
	double cores = 0;

	if (equals == NULL || equals == text || p->n_capacity == TARGET_ROLES_MAX ||
	    (size_t)(equals - text) >= TARGET_NAME_BYTES ||
	    sscanf(equals + 1, "%lf", &cores) != 1 || !(cores > 0 && cores < 1e5)) {
		return false;
	}
	memcpy(p->capacity[p->n_capacity].role, text, (size_t)(equals - text));
	p->capacity[p->n_capacity++].cores = cores;
	return true;
}

/* What a flag of line says; false: the value is not allowed. *ret_known false: it is none of them.
 */
static bool set_value(struct line_options *o, const char *flag, const char *value, bool *ret_known)
{
	struct line_plan *p = &o->plan;

	*ret_known = true;
	if (strcmp(flag, "--start") == 0) {
		return lab_options_count(value, 1e9, &p->start_users) && p->start_users >= 1;
	}
	if (strcmp(flag, "--most") == 0) {
		return lab_options_count(value, 1e9, &p->most_users) && p->most_users >= 1;
	}
	if (strcmp(flag, "--capacity") == 0) {
		return add_capacity(p, value);
	}
	if (strcmp(flag, "--width") == 0) {
		return percent(value, &p->width);
	}
	if (strcmp(flag, "--within") == 0) {
		return lab_options_seconds(value, &p->search_s) && p->search_s >= 1;
	}
	if (strcmp(flag, "--step") == 0) {
		return lab_options_seconds(value, &p->step_s) && p->step_s >= 1 && p->step_s <= 120;
	}
	if (strcmp(flag, "--mix") == 0) {
		return lab_options_seconds(value, &p->mix_s) && p->mix_s >= 2 && p->mix_s <= 120;
	}
	bool watch = strcmp(flag, "--watch") == 0, metrics = strcmp(flag, "--metrics") == 0;
	if (!watch && !metrics && strcmp(flag, "--admin") != 0) {
		*ret_known = false;
		return true;
	}
	if (o->n_watch == TARGET_SOURCES_MAX) {
		return false;
	}
	o->watch[o->n_watch].kind = watch     ? TARGET_PROCESS
				    : metrics ? TARGET_METRICS
					      : TARGET_ADMIN;
	o->watch[o->n_watch++].text = value;
	return true;
}

/* False after saying what is wrong. */
static bool take_own(struct line_options *o, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		bool known = false;
		if (strcmp(argv[i], "--no-beyond") == 0) {
			o->plan.skip_beyond = true;
			continue;
		}
		if (strcmp(argv[i], "--no-demands") == 0) {
			o->plan.skip_demands = true;
			continue;
		}
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (!set_value(o, argv[i], value, &known)) {
			fprintf(stderr,
			    "plimsoll: %s %s is not allowed; see `plimsoll line --help`\n", argv[i],
			    value);
			return false;
		}
		if (known) {
			i++;
		} else if (o->n_rest < WORDS_MAX) {
			o->rest[o->n_rest++] = argv[i];
		} else {
			fputs("plimsoll: too many words\n", stderr);
			return false;
		}
	}
	return true;
}

static enum err take_slos(struct line_plan *p, const struct lab_options *o, struct err_note *note)
{
	for (unsigned i = 0; i < o->load.n_slos; i++) {
		if (p->n_slo == LINE_SLO_MAX) {
			return err_note_set(
			    note, ERR_LIMIT, "--slo may be given %d times", LINE_SLO_MAX);
		}
		enum err e = line_slo_of(&o->slos[i], &p->slo[p->n_slo], note);
		if (e != ERR_OK) {
			return e;
		}
		p->n_slo++;
	}
	return ERR_OK;
}

static enum err open_watch(struct line_options *o, struct err_note *note)
{
	enum err e = o->n_watch == 0 ? ERR_OK : target_open(fetch_admin, &o->plan.target);

	for (unsigned i = 0; i < o->n_watch && e == ERR_OK; i++) {
		e = target_add(o->plan.target, o->watch[i].kind, o->watch[i].text, note);
	}
	return e;
}

/* The page and the record are made from the JSON, as those of a result that was kept. */
static bool keep(const struct line_result *r, const struct lab_options *o)
{
	struct buf json = buf_new(LAB_TEXT_BYTES);
	bool good = true;

	line_report_json(r, &json);
	if (o->html != NULL) {
		good = lab_save_line("line", o->html, buf_slice(&json));
	}
	if (o->record != NULL) {
		good = lab_record("line", o->record, o->commit, buf_slice(&json)) && good;
	}
	buf_free(&json);
	return good;
}

static int report(const struct line_result *r, const struct lab_options *o)
{
	struct buf text = buf_new(LAB_TEXT_BYTES);

	(o->json ? line_report_json : line_report_text)(r, &text);
	bool good = lab_print(&text);
	buf_free(&text);
	if (o->html != NULL || o->record != NULL) {
		good = keep(r, o) && good;
	}
	if (!good || r->stopped[0] != '\0') {
		return EXIT_FAILED;
	}
	bool found = r->saturation.held || r->saturation.failed;
	for (unsigned i = 0; i < r->n_probes && !found; i++) {
		if (r->probes[i].verdict == LINE_VOID) {
			return EXIT_VOID;
		}
	}
	return found ? EXIT_OK : EXIT_FAILED;
}

static int run(struct line_options *o, struct lab_options *rest)
{
	char path[PATH_BYTES];
	struct err_note note = { 0 };
	struct model *m = NULL;
	struct line_result *r = NULL;

	o->plan.load = rest->load;
	o->plan.load.url = rest->words[1];
	enum err e = model_open(
	    lab_model_path(rest->words[0], path, sizeof(path)), rest->load.seed, &m, &note);
	if (e == ERR_OK) {
		e = model_find_preset(m, rest->preset, &o->plan.load.preset, &note);
	}
	if (e == ERR_OK) {
		e = take_slos(&o->plan, rest, &note);
	}
	if (e == ERR_OK) {
		e = open_watch(o, &note);
	}
	if (e == ERR_OK) {
		e = line_run(m, &o->plan, &r, &note);
	}
	int code = e == ERR_OK ? report(r, rest) : lab_failed("line", &note);
	line_result_free(&r);
	target_close(&o->plan.target);
	model_close(&m);
	return code;
}

int lab_line_main(int argc, char **argv)
{
	struct line_options o = { .plan = LINE_PLAN_DEFAULT };
	struct lab_options rest;

	if (!take_own(&o, argc, argv) || !lab_options_parse(o.n_rest, o.rest, &rest)) {
		return EXIT_USAGE;
	}
	if (rest.help) {
		print_usage(stdout);
		return EXIT_OK;
	}
	if (rest.n_words != 2) {
		return lab_usage_error("line", "line MODEL URL");
	}
	return run(&o, &rest);
}
