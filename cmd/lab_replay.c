/*
 * A log is read, cut to what is wanted, and played.
 */
#include "cmd/lab_replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/lab_live.h"
#include "cmd/lab_main.h"
#include "cmd/lab_output.h"
#include "cmd/lab_watch.h"
#include "core/role/role.h"
#include "lab/replay_fleet.h"

void lab_replay_usage(FILE *out)
{
	fputs(
	    "usage: plimsoll replay LOG [option ...] URL\n\n"
	    "  LOG                    an access log, \"-\" for standard input\n"
	    "  --format F             combined (or common), haproxy, json, logfmt, paths (CSV), har; else told\n"
	    "                         from the first line\n"
	    "  --times T              original (whole seconds are spread), poisson (in the log's order, at\n"
	    "                         random), fast (each client at once behind its last answer)\n"
	    "  --speed N              so many times as fast (1)\n"
	    "  --rate N               requests a second, in place of --speed\n"
	    "  --clients N            the log's clients become N; 1 asks one after the other\n"
	    "  --parallel N           connections that a client may use at once (1)\n"
	    "  --method LIST          GET,HEAD; \"all\" sends the others too, without the bodies that logs lack\n"
	    "  --path P               what paths begin with, or a pattern with * and ?\n"
	    "  --status LIST          of the log: 200,404 or 3xx\n"
	    "  --since T              from there on: 2026-05-31T12:00:00Z, or 10m from the log's beginning\n"
	    "  --until T              up to there, likewise\n"
	    "  --requests N           not more than so many\n"
	    "  --shuffle              in random order, for lists of paths\n"
	    "  --timeout TIME         for an answer (10s)\n"
	    "  --seed N               the same times again (1)\n"
	    "  --ca FILE              trusts these certificates in place of the machine's (https)\n"
	    "  --insecure             takes any certificate\n"
	    "  --from ADDRESSES       source addresses in turn: 127.0.0.2,127.0.0.10-127.0.0.20\n"
	    "  --processes N          so many generators, one for a core each; each has its share of clients\n"
	    "  --admin HOST:PORT      watches a Plimsoll by its admin listener: its use by role\n"
	    "  --watch NAME[=PID]     watches a process of this machine with its children\n"
	    "  --metrics [NAME=]URL   watches a Prometheus endpoint\n"
	    "  --json                 the result as JSON on standard output\n"
	    "  --html FILE            the result as one page\n\n"
	    "exit codes as of plimsoll load\n",
	    out);
}

static bool number(const char *text, double least, double most, double *ret)
{
	char *end = NULL;
	double n = strtod(text, &end);

	if (end != text && (*end == 'k' || *end == 'M')) {
		n *= *end == 'k' ? 1e3 : 1e6;
		end++;
	}
	if (end == text || *end != '\0' || !(n >= least && n <= most)) {
		return false;
	}
	*ret = n;
	return true;
}

static bool times(const char *text, enum replay_times *ret)
{
	static const char *const names[] = { "original", "poisson", "fast" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum replay_times)i;
			return true;
		}
	}
	return false;
}

/* The texts among the flags. */
static bool set_text(struct replay_plan *plan, const char *flag, const char *value)
{
	const struct {
		const char *flag;
		const char **where;
	} rows[] = { { "--method", &plan->methods }, { "--path", &plan->path },
		{ "--status", &plan->status }, { "--since", &plan->since },
		{ "--until", &plan->until } };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(flag, rows[i].flag) == 0) {
			*rows[i].where = value;
			return value[0] != '\0';
		}
	}
	return false;
}

bool lab_replay_set(
    struct replay_plan *plan, enum access_format *format, const char *flag, const char *value)
{
	double n = 0;

	if (strcmp(flag, "--format") == 0) {
		return access_format_parse(slice_str(value), format) == ERR_OK;
	}
	if (strcmp(flag, "--times") == 0) {
		return times(value, &plan->times);
	}
	if (strcmp(flag, "--speed") == 0) {
		return number(value, 1e-6, 1e6, &plan->speed);
	}
	if (strcmp(flag, "--rate") == 0) {
		return number(value, 1e-6, 1e7, &plan->per_second);
	}
	if (strcmp(flag, "--clients") == 0 && number(value, 1, 1e6, &n)) {
		plan->clients = (unsigned)n;
		return true;
	}
	if (strcmp(flag, "--parallel") == 0 && number(value, 1, REPLAY_PARALLEL_MOST, &n)) {
		plan->parallel = (unsigned)n;
		return true;
	}
	if (strcmp(flag, "--requests") == 0 && number(value, 1, 1e9, &n)) {
		plan->most = (uint64_t)n;
		return true;
	}
	return set_text(plan, flag, value);
}

struct played {
	const struct access_log *log;
	const struct replay_schedule *schedule;
	const struct replay_result *result;
};

static void write_replay(const void *arg, enum lab_report kind, struct buf *out)
{
	static void (*const writers[])(const struct access_log *, const struct replay_schedule *,
	    const struct replay_result *, struct buf *) = { [LAB_REPORT_TEXT] = replay_report_text,
		[LAB_REPORT_JSON] = replay_report_json,
		[LAB_REPORT_PAGE] = replay_report_html };
	const struct played *p = arg;

	writers[kind](p->log, p->schedule, p->result, out);
}

static int play(const struct access_log *log, struct lab_options *o)
{
	struct err_note note = { 0 };
	struct replay_schedule schedule = { 0 };
	struct replay_result *r = NULL;
	struct lab_watch watch = { .target = NULL };
	struct lab_live live;

	const char *slash = strrchr(o->words[0], '/');

	o->replay.log = slash == NULL ? o->words[0] : slash + 1;
	o->replay.load = o->load;
	o->replay.load.url = o->words[1];
	o->replay.load.slos = o->slos;
	lab_live_open(&live, "replay", &o->replay.load, &watch);
	enum err e = lab_watch_open(&watch, o, &note);
	if (e == ERR_OK) {
		e = lab_watch_during(&watch, &o->replay.load, &note);
	}
	if (e == ERR_OK) {
		e = replay_schedule_make(log, &o->replay, &schedule, &note);
	}
	if (e == ERR_OK) {
		e = o->processes > 0
			? replay_fleet_run(log, &schedule, &o->replay, o->processes, &r, &note)
			: replay_run(log, &schedule, &o->replay, &r, &note);
	}
	if (e == ERR_OK) {
		lab_watch_take(&watch, "replay", r->load);
	}
	lab_watch_close(&watch);
	if (e != ERR_OK) {
		replay_schedule_free(&schedule);
		return lab_failed("replay", &note);
	}
	const struct played played = { log, &schedule, r };
	int code = lab_give_run("replay", o, write_replay, &played, r->load);
	replay_result_free(&r);
	replay_schedule_free(&schedule);
	return code;
}

int lab_replay(struct lab_options *o)
{
	struct err_note note = { 0 };
	struct access_log log;

	if (o->n_words != 2) {
		return lab_usage_error("replay", "replay LOG URL");
	}
	if (o->generators > 0 || o->listen != NULL || o->join != NULL) {
		return lab_usage_error("replay",
		    "a log is replayed by this machine alone (--processes): see doc/REPLAY.md");
	}
	if (access_log_read(o->words[0], o->format, &log, &note) != ERR_OK) {
		return lab_failed("replay", &note);
	}
	access_log_complain(&log, o->words[0]);
	int code = play(&log, o);
	access_log_free(&log);
	return code;
}
