/*
 * One row per flag that takes a value; a value is checked where it is read, with what is allowed.
 */
#include "cmd/lab_options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/lab_replay.h"
#include "lab/fleet.h"

/* "10k", "1.5M", "60s", "2m": a number with one letter of those behind it. False: it is not. */
static bool scaled(const char *text, const char *letters, const double *factors, double *ret)
{
	char *end = NULL;

	errno = 0;
	double n = strtod(text, &end);
	if (end == text || errno != 0 || !isfinite(n) || n < 0) {
		return false;
	}
	if (*end != '\0') {
		const char *letter = strchr(letters, *end);
		if (letter == NULL || end[1] != '\0') {
			return false;
		}
		n *= factors[letter - letters];
	}
	*ret = n;
	return true;
}

bool lab_options_count(const char *text, double most, double *ret)
{
	static const double factors[] = { 1e3, 1e6 };
	double n = 0;

	if (!scaled(text, "kM", factors, &n) || n > most) {
		return false;
	}
	*ret = floor(n);
	return true;
}

/* Of generators. */
static bool small_count(const char *text, unsigned *ret)
{
	double n = 0;

	if (!lab_options_count(text, FLEET_MAX, &n) || n < 1) {
		return false;
	}
	*ret = (unsigned)n;
	return true;
}

bool lab_options_seconds(const char *text, double *ret)
{
	static const double factors[] = { 1, 60, 3600 };

	return scaled(text, "smh", factors, ret) && *ret <= 7 * 86400.0;
}

bool lab_options_share(const char *text, double *ret)
{
	char *end = NULL;
	double n = strtod(text, &end);

	*ret = n / 100;
	return end != text && strcmp(end, "%") == 0 && n >= 0 && n <= 100;
}

/* The same for what stands in place of the model's clients. */
static bool set_behaviour(struct load_plan *l, const char *flag, const char *value)
{
	struct behaviour *b = &l->behaviour;

	if (strcmp(flag, "--retry") == 0) {
		l->has_retry = true;
		return behaviour_retry_parse(slice_str(value), &b->retry) == ERR_OK;
	}
	if (strcmp(flag, "--connection") == 0) {
		l->has_connection = true;
		return behaviour_connection_parse(slice_str(value), &b->connection) == ERR_OK;
	}
	if (strcmp(flag, "--resume") == 0) {
		l->has_resume = true;
		return lab_options_share(value, &b->resume);
	}
	if (strcmp(flag, "--patience") == 0) {
		l->has_patience = true;
		return lab_options_seconds(value, &b->patience_s);
	}
	return false;
}

/* True if the flag takes any text; it is set then. */
static bool set_text(struct lab_options *o, const char *flag, const char *value)
{
	const struct {
		const char *flag, **text;
	} texts[] = { { "--preset", &o->preset }, { "--html", &o->html },
		{ "--listen", &o->listen }, { "--join", &o->join },
		{ "--token-file", &o->token_file }, { "--record", &o->record },
		{ "--commit", &o->commit }, { "--from", &o->load.from },
		{ "--ca", &o->load.authorities } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].flag, flag) == 0) {
			*texts[i].text = value;
			return true;
		}
	}
	return false;
}

/* --admin, --watch, --metrics: one more thing to look at; false: it is none of them, or there are
 * too many. */
static bool add_watch(struct lab_options *o, const char *flag, const char *value)
{
	bool watch = strcmp(flag, "--watch") == 0, metrics = strcmp(flag, "--metrics") == 0;

	if ((!watch && !metrics && strcmp(flag, "--admin") != 0) ||
	    o->n_watch == TARGET_SOURCES_MAX) {
		return false;
	}
	o->watch[o->n_watch].kind = watch     ? TARGET_PROCESS
				    : metrics ? TARGET_METRICS
					      : TARGET_ADMIN;
	o->watch[o->n_watch++].text = value;
	return true;
}

/* Sets what a flag says; false: the value is not allowed. */
static bool set_value(struct lab_options *o, const char *flag, const char *value)
{
	struct load_plan *l = &o->load;

	if (set_text(o, flag, value) || add_watch(o, flag, value)) {
		return true;
	}
	if (strcmp(flag, "--processes") == 0) {
		return small_count(value, &o->processes);
	}
	if (strcmp(flag, "--generators") == 0) {
		return small_count(value, &o->generators);
	}
	if (strcmp(flag, "--users") == 0) {
		return lab_options_count(value, 1e9, &l->users) && l->users >= 1;
	}
	if (strcmp(flag, "--warm") == 0) {
		return lab_options_count(value, 1e7, &l->warm_users);
	}
	if (strcmp(flag, "--for") == 0) {
		return lab_options_seconds(value, &l->length_s) && l->length_s > 0;
	}
	if (strcmp(flag, "--warm-up") == 0) {
		return lab_options_seconds(value, &l->warm_up_s);
	}
	if (strcmp(flag, "--timeout") == 0) {
		return lab_options_seconds(value, &l->timeout_s) && l->timeout_s > 0;
	}
	if (strcmp(flag, "--seed") == 0) {
		return slice_to_u64(slice_str(value), UINT64_MAX, &l->seed) == ERR_OK;
	}
	if (strcmp(flag, "--arrivals") == 0) {
		return arrival_law_parse(slice_str(value), &l->law) == ERR_OK;
	}
	if (strcmp(flag, "--shape") == 0) {
		return arrival_shape_parse(slice_str(value), &l->shape) == ERR_OK;
	}
	if (strcmp(flag, "--spike") == 0) {
		return lab_options_count(value, 1000, &l->spike) && l->spike >= 1;
	}
	if (strcmp(flag, "--burst") == 0) {
		return lab_options_seconds(value, &l->burst_s) && l->burst_s > 0;
	}
	return set_behaviour(l, flag, value) || lab_replay_set(&o->replay, &o->format, flag, value);
}

/* clang-format off */
static const struct {
	const char *flag, *allowed;
} flags[] = {
	{ "--preset", "the name of a preset of the model" },
	{ "--html", "a file to write" },
	{ "--record", "a file to append to" },
	{ "--commit", "a name of what is measured" },
	{ "--admin", "the address of an admin listener, as 127.0.0.1:8001; at most 8 things are watched" },
	{ "--watch", "NAME or NAME=PID of a process; at most 8 things are watched" },
	{ "--metrics", "http://HOST:PORT/PATH or NAME=http://...; at most 8 things are watched" },
	{ "--ca", "a file of certificates" },
	{ "--from", "addresses of this machine, as 127.0.0.2,127.0.0.10-127.0.0.20" },
	{ "--processes", "from 1 to 64" },
	{ "--generators", "from 1 to 64" },
	{ "--listen", "HOST:PORT where other generators join" },
	{ "--join", "HOST:PORT of the leader" },
	{ "--token-file", "a file with the token of the generators" },
	{ "--users", "a number of users, as 500, 20k or 1M" },
	{ "--warm", "a number of users, as 500 or 20k" },
	{ "--for", "a time up to a week, as 60s, 10m or 2h" },
	{ "--warm-up", "a time, as 10s" },
	{ "--timeout", "a time, as 10s" },
	{ "--seed", "a whole number" },
	{ "--arrivals", "poisson, constant, uniform or burst" },
	{ "--shape", "flat, ramp, step, diurnal or spike" },
	{ "--spike", "from 1 to 1000, how many times the rate" },
	{ "--burst", "a time, as 1s" },
	{ "--retry", "none, blind, backoff, retry-after, weave or half" },
	{ "--connection", "activity, request or session" },
	{ "--patience", "a time, as 3s; 0s: no end" },
	{ "--resume", "a share, as 80%" },
	{ "--format", "auto, combined, common, haproxy, json, logfmt, paths or har" },
	{ "--times", "original, poisson or fast" },
	{ "--speed", "a number, as 2 for twice as fast" },
	{ "--rate", "requests a second, as 40 or 2k" },
	{ "--clients", "a number of clients, as 14" },
	{ "--parallel", "connections of a client, from 1 to 8" },
	{ "--method", "methods, as GET,HEAD, or all" },
	{ "--path", "what paths begin with, or a pattern with * and ?" },
	{ "--status", "statuses of the log, as 200,404 or 3xx" },
	{ "--since", "a time of the log, or seconds from its beginning" },
	{ "--until", "a time of the log, or seconds from its beginning" },
	{ "--requests", "a number of requests, as 500 or 20k" },
};
/* clang-format on */

/* One more threshold; false after saying what is wrong with it. */
static bool add_slo(struct lab_options *o, const char *text)
{
	struct err_note note = { 0 };

	if (o->load.n_slos == SLO_MAX) {
		fprintf(stderr, "plimsoll: --slo may be given %d times\n", SLO_MAX);
		return false;
	}
	if (slo_parse(text, &o->slos[o->load.n_slos], &note) != ERR_OK) {
		fprintf(stderr, "plimsoll: --slo %s\n", note.text);
		return false;
	}
	o->load.n_slos++;
	return true;
}

static bool complain(const char *word, const char *what)
{
	fprintf(stderr, "plimsoll: %s%s; see `plimsoll load --help`\n", word, what);
	return false;
}

/* A flag with a value at argv[*i]; *ret_known false: it is none of them. */
static bool take_flag(struct lab_options *o, int argc, char **argv, int *i, bool *ret_known)
{
	*ret_known = false;
	for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
		if (strcmp(argv[*i], flags[k].flag) != 0) {
			continue;
		}
		*ret_known = true;
		if (*i + 1 >= argc) {
			return complain(flags[k].flag, " needs a value");
		}
		const char *value = argv[++*i];
		if (!set_value(o, flags[k].flag, value)) {
			char text[200];
			(void)snprintf(
			    text, sizeof(text), " %s: allowed is %s", value, flags[k].allowed);
			return complain(flags[k].flag, text);
		}
		return true;
	}
	return true;
}

bool lab_options_parse(int argc, char **argv, struct lab_options *ret)
{
	struct lab_options o = { .load = LOAD_PLAN_DEFAULT, .replay = REPLAY_PLAN_DEFAULT };

	for (int i = 0; i < argc; i++) {
		bool known = false;
		if (!take_flag(&o, argc, argv, &i, &known)) {
			return false;
		}
		if (known) {
			continue;
		}
		if (strcmp(argv[i], "--slo") == 0) {
			if (i + 1 == argc) {
				return complain("--slo", " needs a value");
			}
			if (!add_slo(&o, argv[++i])) {
				return false;
			}
		} else if (strcmp(argv[i], "--json") == 0) {
			o.json = true;
		} else if (strcmp(argv[i], "--insecure") == 0) {
			o.load.insecure = true;
		} else if (strcmp(argv[i], "--shuffle") == 0) {
			o.replay.shuffle = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			o.help = true;
		} else if (argv[i][0] != '-' && o.n_words < LAB_OPTIONS_WORDS) {
			o.words[o.n_words++] = argv[i];
		} else {
			fprintf(stderr,
			    "plimsoll: \"%s\" is not understood; see `plimsoll load --help`\n",
			    argv[i]);
			return false;
		}
	}
	*ret = o;
	return true;
}
