/*
 * The words of `plimsoll model` and `plimsoll load`, which plimsoll-lab understands itself: they
 * share nothing with the flags of the server.
 */
#ifndef PLIMSOLL_CMD_LAB_OPTIONS_H
#define PLIMSOLL_CMD_LAB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/load.h"
#include "lab/replay.h"

enum {
	LAB_OPTIONS_WORDS = 3
};

/* Texts point into argv. */
struct lab_options {
	const char *words[LAB_OPTIONS_WORDS]; /* without a dash, in order; NULL behind the last */
	unsigned n_words;
	const char *preset, *html, *record, *commit; /* or NULL */
	struct {
		enum target_kind kind;
		const char *text;
	} watch[TARGET_SOURCES_MAX]; /* what of the target is looked at */
	unsigned n_watch;
	/* Several generators: of this machine (0: just this process), others and where they join.
	 */
	unsigned processes, generators;
	const char *listen, *join, *token_file; /* or NULL */
	bool json, help;
	struct slo slos[SLO_MAX]; /* load.n_slos of them */
	struct load_plan load;
	struct replay_plan replay; /* its load is not filled in */
	enum access_format format;
};

/* False after saying on standard error what is wrong. */
bool lab_options_parse(int argc, char **argv, struct lab_options *ret);

/* "500", "20k", "1.5M", whole and at most that; "60s", "2m", up to a week. False: it is none. */
bool lab_options_count(const char *text, double most, double *ret);
bool lab_options_seconds(const char *text, double *ret);

/* "5%", up to 100 %, as 0.05. */
bool lab_options_share(const char *text, double *ret);

#endif
