/*
 * plimsoll-lab: models of users, and the load they make. A program of its own so that the server's
 * do not link LuaJIT; `plimsoll model` and `plimsoll load` execute it.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/lab_fit.h"
#include "cmd/lab_fleet.h"
#include "cmd/lab_line.h"
#include "cmd/lab_live.h"
#include "cmd/lab_main.h"
#include "cmd/lab_options.h"
#include "cmd/lab_output.h"
#include "cmd/lab_plan.h"
#include "cmd/lab_replay.h"
#include "cmd/lab_report.h"
#include "cmd/lab_watch.h"
#include "core/role/role.h"
#include "lab/load_report.h"
#include "lab/model.h"
#include "lab/rates.h"

enum {
	PATH_BYTES = 4096,
};

static void print_usage(FILE *out)
{
	fputs(
	    "usage: plimsoll model check MODEL\n"
	    "       plimsoll model rates MODEL [--preset P] [--users N]\n"
	    "       plimsoll model log MODEL [--preset P] [--users N] [--for TIME] [--format combined|json]\n"
	    "       plimsoll model fit MODEL LOG|http://HOST:PORT/metrics [--preset P] [--for TIME] [--json]\n"
	    "       plimsoll model compare MODEL LOG|http://HOST:PORT/metrics [--preset P] [--for TIME] [--json]\n"
	    "       plimsoll load MODEL [option ...] URL\n"
	    "       plimsoll load --join HOST:PORT [--processes N] [--from ADDRESSES]\n\n"
	    "  MODEL                  a file of Lua, or the name of one that came along: persona, web\n"
	    "  --users N              active users (10k): their number sets the rates\n"
	    "  --preset P             published rates of the model in place of derived ones\n"
	    "  --for TIME             how long new activities begin (60s)\n"
	    "  --warm N               this many users have been here before; only they act\n"
	    "  --warm-up TIME         leaves what begins before out of the figures (0s)\n"
	    "  --arrivals LAW         poisson, constant, uniform, burst (each second's at once)\n"
	    "  --burst TIME           the period of bursts (1s)\n"
	    "  --shape S              flat, ramp (from 0 to the rate), step (ten steps), diurnal (a day in\n"
	    "                         the time), spike (ten times the rate in the middle fifth)\n"
	    "  --spike N              how many times the rate it is (10)\n"
	    "  --retry R              what clients do about refusals: none, blind (at once again), backoff\n"
	    "                         (random waits that double), retry-after (as a 503 says), weave (stay\n"
	    "                         away as Firefox Sync does), half (half of the users blind, half\n"
	    "                         retry-after); else what the model says\n"
	    "  --patience TIME        users give a request up behind this\n"
	    "  --resume P%            of new TLS connections, so many resume a session\n"
	    "  --connection C         kept for an activity, a request, or the session of a device\n"
	    "  --timeout TIME         for an answer (10s)\n"
	    "  --seed N               the same arrivals and users again (1)\n"
	    "  --ca FILE              trusts these certificates in place of the machine's (https)\n"
	    "  --insecure             takes any certificate\n"
	    "  --from ADDRESSES       source addresses in turn: 127.0.0.2,127.0.0.10-127.0.0.20\n"
	    "  --processes N          so many generators, one for a core each; each has its share\n"
	    "  --generators N         so many others, which join from other machines at\n"
	    "  --listen HOST:PORT     this address (with the token that is printed, or that of\n"
	    "  --token-file FILE      or PLIMSOLL_LAB_TOKEN)\n"
	    "  --admin HOST:PORT      watches a Plimsoll by its admin listener: its use by role\n"
	    "  --watch NAME[=PID]     watches a process of this machine with its children; without PID all\n"
	    "                         of that name: nginx, node, postgres\n"
	    "  --metrics [NAME=]URL   watches a Prometheus endpoint\n"
	    "  --slo THRESHOLD        exits with 1 where it is missed: 'p99<50ms', 'errors<0.1%', 'signin.p90<200ms',\n"
	    "                         'done>20/s'; may be given several times\n"
	    "  --record FILE          appends the run to FILE, for plimsoll report trend\n"
	    "  --commit TEXT          what is measured, for the record; else the commit of the work tree here\n"
	    "  --json                 the result as JSON on standard output\n"
	    "  --html FILE            the result as one page\n\n"
	    "exit codes: 0 ok, 1 failed, nothing succeeded or a threshold missed, 2 wrong command line,\n"
	    "            6 void: the generator itself was the limit, and says of what\n",
	    out);
}

/* "persona" is one of those that came with the program; with '/' or ".lua" it is a file. */
enum err lab_open_model(
    const char *word, const struct lab_options *o, struct model **ret, struct err_note *note)
{
	static char path[PATH_BYTES]; /* the model keeps it */

	return model_open(lab_model_path(word, path, sizeof(path)), o->load.seed, ret, note);
}

/* ---- model ---- */

static int model_check(const struct model *m)
{
	printf("%s: %s; %u activities, %u numbers, %u presets: good\n", m->path, m->name,
	    m->n_activities, m->n_values, m->n_presets);
	return EXIT_OK;
}

static int model_rates(const struct model *m, const struct lab_options *o)
{
	const struct model_preset *p = NULL;
	struct err_note note = { 0 };
	struct buf text = buf_new(LAB_TEXT_BYTES);

	if (model_find_preset(m, o->preset, &p, &note) != ERR_OK) {
		return lab_failed("model", &note);
	}
	rates_print(m, p, o->load.users, &text);
	int code = lab_print(&text) ? EXIT_OK : EXIT_FAILED;
	buf_free(&text);
	return code;
}

/* Those that read a model and nothing else. */
static int run_model(const struct lab_options *o)
{
	struct err_note note = { 0 };
	struct model *m = NULL;
	const char *verb = o->n_words == 0 ? "" : o->words[0];
	bool fit = strcmp(verb, "fit") == 0, compare = strcmp(verb, "compare") == 0;
	bool check = strcmp(verb, "check") == 0, rates = strcmp(verb, "rates") == 0;
	bool log = strcmp(verb, "log") == 0;

	if (!(fit || compare) ? !(check || rates || log) || o->n_words != 2 : o->n_words != 3) {
		return lab_usage_error("load",
		    "model check MODEL or model rates MODEL; also log MODEL, fit MODEL LOG, compare MODEL LOG");
	}
	if (lab_open_model(o->words[1], o, &m, &note) != ERR_OK) {
		return lab_failed("model", &note);
	}
	int code = check   ? model_check(m)
		   : rates ? model_rates(m, o)
		   : log   ? lab_model_log(m, o)
			   : lab_model_fit(m, o, compare);
	model_close(&m);
	return code;
}

/* ---- load ---- */

int lab_give_run(const char *command, const struct lab_options *o, lab_report_fn *write,
    const void *arg, const struct load_result *r)
{
	struct buf text = buf_new(LAB_TEXT_BYTES);

	write(arg, o->json ? LAB_REPORT_JSON : LAB_REPORT_TEXT, &text);
	bool good = lab_print(&text);
	if (o->html != NULL) {
		buf_clear(&text);
		write(arg, LAB_REPORT_PAGE, &text);
		good = lab_save_page(command, &text, o->html) && good;
	}
	if (o->record != NULL) {
		buf_clear(&text);
		write(arg, LAB_REPORT_JSON, &text);
		good = lab_record(command, o->record, o->commit, buf_slice(&text)) && good;
	}
	buf_free(&text);
	if (!good) {
		return EXIT_FAILED;
	}
	if (r->n_void > 0) {
		return EXIT_VOID;
	}
	return load_result_succeeded(r) && slo_all_met(r) ? EXIT_OK : EXIT_FAILED;
}

static void write_load(const void *arg, enum lab_report kind, struct buf *out)
{
	static void (*const writers[])(
	    const struct load_result *, struct buf *) = { [LAB_REPORT_TEXT] = load_report_text,
		[LAB_REPORT_JSON] = load_report_json,
		[LAB_REPORT_PAGE] = load_report_html };

	writers[kind](arg, out);
}

static enum err make_load(struct lab_options *o, struct model *m, struct slice text,
    struct load_result **ret, struct err_note *note)
{
	struct fleet *fleet = NULL;
	enum err e = model_find_preset(m, o->preset, &o->load.preset, note);

	if (e == ERR_OK && o->processes == 0 && o->generators == 0) {
		return load_run(m, &o->load, ret, note);
	}
	if (e == ERR_OK) {
		e = lab_fleet_open(o, &fleet, note);
	}
	if (e == ERR_OK) {
		e = fleet_run(fleet, m, text, &o->load, ret, note);
	}
	fleet_close(&fleet);
	return e;
}

static int run_load(struct lab_options *o)
{
	struct err_note note = { 0 };
	struct model *m = NULL;
	struct load_result *r = NULL;
	struct lab_watch watch = { .target = NULL };
	struct lab_live live;
	char path[PATH_BYTES];
	struct buf text = buf_new(SCRIPT_FILE_BYTES);

	if (o->join != NULL && o->n_words == 0) {
		return lab_fleet_join(o, &note) == ERR_OK ? EXIT_OK : lab_failed("load", &note);
	}
	if (o->n_words != 2) {
		return lab_usage_error("load", "load MODEL URL");
	}
	if ((o->generators > 0) != (o->listen != NULL)) {
		return lab_usage_error("load", "--generators and --listen go together");
	}
	o->load.url = o->words[1];
	const char *file = lab_model_path(o->words[0], path, sizeof(path));
	enum err e = script_read_file(file, &text, &note);
	if (e == ERR_OK) {
		e = model_open_text(file, buf_slice(&text), o->load.seed, &m, &note);
	}
	o->load.slos = o->slos;
	for (unsigned i = 0; e == ERR_OK && i < o->load.n_slos; i++) {
		e = slo_check_name(&o->slos[i], m, &note);
	}
	if (e == ERR_OK) {
		e = lab_watch_open(&watch, o, &note);
	}
	if (e == ERR_OK) {
		e = lab_watch_during(&watch, &o->load, &note);
	}
	if (e == ERR_OK) {
		lab_live_open(&live, m->name, &o->load, &watch);
		e = make_load(o, m, buf_slice(&text), &r, &note);
	}
	if (e == ERR_OK) {
		lab_watch_take(&watch, "load", r);
	}
	lab_watch_close(&watch);
	int code =
	    e == ERR_OK ? lab_give_run("load", o, write_load, r, r) : lab_failed("load", &note);
	load_result_free(&r);
	model_close(&m);
	buf_free(&text);
	return code;
}

int main(int argc, char **argv)
{
	struct lab_options o;

	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "plan") == 0) {
		return lab_plan_main(argc - 2, argv + 2);
	}
	if (strcmp(argv[1], "report") == 0) {
		return lab_report_main(argc - 2, argv + 2);
	}
	if (strcmp(argv[1], "line") == 0) {
		return lab_line_main(argc - 2, argv + 2);
	}
	if (!lab_options_parse(argc - 2, argv + 2, &o)) {
		return EXIT_USAGE;
	}
	if (o.help && strcmp(argv[1], "replay") == 0) {
		lab_replay_usage(stdout);
		return EXIT_OK;
	}
	if (o.help || strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "model") == 0) {
		return run_model(&o);
	}
	if (strcmp(argv[1], "load") == 0) {
		return run_load(&o);
	}
	if (strcmp(argv[1], "replay") == 0) {
		return lab_replay(&o);
	}
	return lab_usage_error("load", "there is model, load, line, plan, replay and report");
}
