/*
 * Words of its own are taken out first; the rest are those of `plimsoll load`.
 */
#include "cmd/lab_line.h"

#include <stdio.h>
#include <string.h>

#include "cmd/lab_fleet.h"
#include "cmd/lab_grace.h"
#include "cmd/lab_options.h"
#include "cmd/lab_output.h"
#include "cmd/lab_report.h"
#include "cmd/lab_watch.h"
#include "lab/line.h"

enum {
	PATH_BYTES = 4096,
	WORDS_MAX = 64,
};

struct line_options {
	struct line_plan plan;
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
	    "  --slo THRESHOLD        also the most users at which it is kept: 'p99<500ms',\n"
	    "                         'signin.p99<300ms', 'errors<0.1%'; may be given four times\n"
	    "  --admin HOST:PORT      watches a Plimsoll by its admin listener\n"
	    "  --watch NAME[=PID]     watches a process of this machine with its children; without PID all\n"
	    "                         of that name: nginx, node, postgres\n"
	    "  --metrics [NAME=]URL   watches a Prometheus endpoint\n"
	    "  --capacity ROLE=CORES  what a role has, where that cannot be seen (--metrics);\n"
	    "                         machine=CORES is what all of them share\n"
	    "  --start N              users to begin with; else five activities a second\n"
	    "  --most N               never more users than this\n"
	    "  --width P%             how narrow the interval of saturation has to be (5%)\n"
	    "  --within TIME          of each search; the interval is then as narrow as it got (10m)\n"
	    "  --step TIME            of each step beyond saturation; else twice the timeout, 5s to 20s\n"
	    "  --mix TIME             of each mix for the costs (3s)\n"
	    "  --no-beyond            does not go beyond saturation\n"
	    "  --no-demands           does not measure what activities cost\n",
	    out);
	fputs(lab_grace_usage, out);
	fputs(
	    "  --preset P             published rates of the model in place of derived ones\n"
	    "  --warm N               this many users have been here before; only they act\n"
	    "  --arrivals LAW         of the probes for --slo: poisson, constant, uniform, burst\n"
	    "  --processes N          so many generators, one for a core each; each has its share\n"
	    "  --generators N         so many others, which join from other machines at\n"
	    "  --listen HOST:PORT     this address, as of plimsoll load\n"
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
		return lab_options_share(value, &p->width) && p->width >= 0.01;
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
	return lab_grace_set(p, flag, value, ret_known);
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
		if (lab_grace_flag(&o->plan, argv[i])) {
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

static enum err take_slos(
    struct line_plan *p, const struct lab_options *o, const struct model *m, struct err_note *note)
{
	for (unsigned i = 0; i < o->load.n_slos; i++) {
		if (p->n_slo == LINE_SLO_MAX) {
			return err_note_set(
			    note, ERR_LIMIT, "--slo may be given %d times", LINE_SLO_MAX);
		}
		enum err e = line_slo_of(&o->slos[i], m, &p->slo[p->n_slo], note);
		if (e != ERR_OK) {
			return e;
		}
		p->n_slo++;
	}
	return ERR_OK;
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

/* The generators of a search, and the text that each reads the model from. */
struct generators {
	struct fleet *fleet; /* owned */
	struct slice text;
};

static enum err run_fleet(void *arg, struct model *m, const struct load_plan *plan,
    struct load_result **ret, struct err_note *note)
{
	struct generators *g = arg;

	return fleet_run(g->fleet, m, g->text, plan, ret, note);
}

/* Before anything has a thread: they are forked. */
static enum err open_generators(
    struct generators *g, struct line_plan *p, const struct lab_options *o, struct err_note *note)
{
	if (o->processes == 0 && o->generators == 0) {
		return ERR_OK;
	}
	enum err e = lab_fleet_open(o, &g->fleet, note);
	if (e == ERR_OK) {
		p->run = run_fleet;
		p->run_arg = g;
		p->generators = fleet_size(g->fleet);
	}
	return e;
}

static int run(struct line_options *o, struct lab_options *rest)
{
	char path[PATH_BYTES];
	struct err_note note = { 0 };
	struct model *m = NULL;
	struct line_result *r = NULL;
	struct lab_watch watch = { .target = NULL };
	struct generators generators = { .fleet = NULL };
	struct buf text = buf_new(SCRIPT_FILE_BYTES);
	const char *file = lab_model_path(rest->words[0], path, sizeof(path));

	o->plan.load = rest->load;
	o->plan.load.url = rest->words[1];
	enum err e = script_read_file(file, &text, &note);
	if (e == ERR_OK) {
		generators.text = buf_slice(&text);
		e = model_open_text(file, generators.text, rest->load.seed, &m, &note);
	}
	if (e == ERR_OK) {
		e = model_find_preset(m, rest->preset, &o->plan.load.preset, &note);
	}
	if (e == ERR_OK) {
		e = take_slos(&o->plan, rest, m, &note);
	}
	if (e == ERR_OK) {
		e = open_generators(&generators, &o->plan, rest, &note);
	}
	if (e == ERR_OK) {
		e = lab_watch_open(&watch, rest, &note);
		o->plan.target = watch.target;
	}
	if (e == ERR_OK) {
		e = line_run(m, &o->plan, &r, &note);
	}
	int code = e == ERR_OK ? report(r, rest) : lab_failed("line", &note);
	line_result_free(&r);
	lab_watch_close(&watch);
	fleet_close(&generators.fleet);
	buf_free(&text);
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
	if ((rest.generators > 0) != (rest.listen != NULL)) {
		return lab_usage_error("line", "--generators and --listen go together");
	}
	const char *trouble = lab_grace_trouble(&o.plan, rest.processes > 0 || rest.generators > 0);
	if (trouble != NULL) {
		return lab_usage_error("line", trouble);
	}
	return run(&o, &rest);
}
