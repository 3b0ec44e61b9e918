/*
 * diff, trend and record; each reads files, none needs a server.
 */
#include "cmd/lab_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/lab_output.h"
#include "lab/diff.h"
#include "lab/line_page.h"
#include "lab/record.h"
#include "lab/trend.h"

enum {
	JSON_BYTES = 640 << 20, /* of a parsed result */
	WORDS_MAX = 3,
};

struct options {
	const char *words[WORDS_MAX];
	unsigned n_words;
	const char *html, *commit;
	bool json, help;
};

static void print_usage(FILE *out)
{
	fputs(
	    "usage: plimsoll report diff A B              compares two runs of load --json, with confidence\n"
	    "       plimsoll report trend FILE            whether an activity costs more than it did\n"
	    "       plimsoll report record FILE RESULT    appends a result of load or line (--json) to FILE\n"
	    "       plimsoll report line RESULT --html FILE    the page of a result of line --json\n\n"
	    "  --html FILE            (diff, trend, line) the result as one page\n"
	    "  --json                 (diff, trend) the result as JSON on standard output\n"
	    "  --commit TEXT          (record) of what was measured; else that of the work tree here\n\n"
	    "exit codes: 0 ok, 1 failed, or B is worse, or an activity grew beyond its interval, 2 wrong command line\n",
	    out);
}

static bool parse(int argc, char **argv, struct options *o)
{
	for (int i = 0; i < argc; i++) {
		bool value = i + 1 < argc;
		if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			o->help = true;
		} else if (strcmp(argv[i], "--html") == 0 && value) {
			o->html = argv[++i];
		} else if (strcmp(argv[i], "--commit") == 0 && value) {
			o->commit = argv[++i];
		} else if ((argv[i][0] != '-' || argv[i][1] == '\0') && o->n_words < WORDS_MAX) {
			o->words[o->n_words++] = argv[i];
		} else {
			fprintf(stderr,
			    "plimsoll: \"%s\" is not understood; see `plimsoll report --help`\n",
			    argv[i]);
			return false;
		}
	}
	return true;
}

/* Prints the text and writes the page; frees both. */
static bool give(const struct options *o, struct buf *text, struct buf *page)
{
	bool good = lab_print(text);

	good = (o->html == NULL || lab_save_page("report", page, o->html)) && good;
	buf_free(text);
	buf_free(page);
	return good;
}

static int run_diff(const struct options *o)
{
	struct arena arena = arena_new(JSON_BYTES);
	const struct json *a = NULL, *b = NULL;
	struct diff *d = malloc(sizeof(*d));
	struct err_note note = { 0 };

	enum err e = d == NULL ? err_note_set(&note, ERR_MEMORY, "no memory") : ERR_OK;
	if (e == ERR_OK) {
		e = lab_read_json(o->words[1], &arena, &a, &note);
	}
	if (e == ERR_OK) {
		e = lab_read_json(o->words[2], &arena, &b, &note);
	}
	if (e == ERR_OK) {
		e = diff_compare(a, b, d, &note);
	}
	int code = e == ERR_OK ? EXIT_OK : lab_failed("report", &note);
	if (e == ERR_OK) {
		struct buf text = buf_new(LAB_TEXT_BYTES), page = buf_new(LAB_TEXT_BYTES);
		(o->json ? diff_json : diff_text)(d, &text);
		diff_html(d, o->words[1], o->words[2], &page);
		code = give(o, &text, &page) && !d->worse ? EXIT_OK : EXIT_FAILED;
	}
	arena_reset(&arena);
	free(d);
	return code;
}

static int run_trend(const struct options *o)
{
	struct record *records = NULL;
	size_t n = 0, bad = 0;
	struct err_note note = { 0 };

	if (record_read_all(o->words[1], &records, &n, &bad, &note) != ERR_OK) {
		return lab_failed("report", &note);
	}
	if (bad > 0) {
		fprintf(stderr,
		    "plimsoll report: %zu lines of %s are no records and were left out\n", bad,
		    o->words[1]);
	}
	struct buf text = buf_new(LAB_TEXT_BYTES), page = buf_new(LAB_TEXT_BYTES);
	const struct trend t = trend_judge(records, n);
	(o->json ? trend_json : trend_text)(&t, &text);
	trend_html(&t, o->words[1], &page);
	bool good = give(o, &text, &page) && t.newest != NULL && !t.grew;
	free(records);
	return good ? EXIT_OK : EXIT_FAILED;
}

static bool save_line(const char *command, const char *path, const struct json *result)
{
	struct buf page = buf_new(LAB_TEXT_BYTES);
	struct err_note note = { 0 };
	bool good = line_page(result, &page, &note) == ERR_OK;

	if (good) {
		good = lab_save_page(command, &page, path);
	} else {
		(void)lab_failed(command, &note);
	}
	buf_free(&page);
	return good;
}

bool lab_save_line(const char *command, const char *path, struct slice result)
{
	struct arena arena = arena_new(JSON_BYTES);
	const struct json *json = NULL;
	struct err_note note = { 0 };
	bool good = json_parse(&arena, result, &json, &note) == ERR_OK;

	if (good) {
		good = save_line(command, path, json);
	} else {
		(void)lab_failed(command, &note);
	}
	arena_reset(&arena);
	return good;
}

static int run_line(const struct options *o)
{
	struct arena arena = arena_new(JSON_BYTES);
	const struct json *result = NULL;
	struct err_note note = { 0 };
	int code = EXIT_FAILED;

	if (lab_read_json(o->words[1], &arena, &result, &note) != ERR_OK) {
		code = lab_failed("report", &note);
	} else if (save_line("report", o->html, result)) {
		code = EXIT_OK;
	}
	arena_reset(&arena);
	return code;
}

/* The record is of the machine that the result names; of this one where it names none. */
static enum err append(
    const char *path, const char *commit, const struct json *result, struct err_note *note)
{
	struct buf line = buf_new(RECORD_LINE_BYTES);
	char git[RECORD_COMMIT_BYTES];
	struct machine machine = machine_of_json(json_member(result, "machine"));
	struct err_note why = { 0 };

	if (machine.cores == 0) {
		machine = machine_read();
	}
	if (commit == NULL) {
		record_git_commit(git);
		commit = git;
	}
	enum err e = record_write(result, &machine, commit, &line, note);
	if (e == ERR_OK) {
		e = record_append(path, buf_slice(&line), &why);
		if (e != ERR_OK) {
			e = err_note_set(note, e, "%s could not be written: %s", path, why.text);
		}
	}
	buf_free(&line);
	return e;
}

static int run_record(const struct options *o)
{
	struct arena arena = arena_new(JSON_BYTES);
	const struct json *result = NULL;
	struct err_note note = { 0 };

	enum err e = lab_read_json(o->words[2], &arena, &result, &note);
	if (e == ERR_OK) {
		e = append(o->words[1], o->commit, result, &note);
	}
	arena_reset(&arena);
	return e == ERR_OK ? EXIT_OK : lab_failed("report", &note);
}

bool lab_record(const char *command, const char *path, const char *commit, struct slice result)
{
	struct arena arena = arena_new(JSON_BYTES);
	const struct json *json = NULL;
	struct err_note note = { 0 };

	enum err e = json_parse(&arena, result, &json, &note);
	if (e == ERR_OK) {
		e = append(path, commit, json, &note);
	}
	arena_reset(&arena);
	return e == ERR_OK || lab_failed(command, &note) == EXIT_OK;
}

int lab_report_main(int argc, char **argv)
{
	struct options o = { .n_words = 0 };

	if (!parse(argc, argv, &o)) {
		return EXIT_USAGE;
	}
	if (o.help) {
		print_usage(stdout);
		return EXIT_OK;
	}
	if (o.n_words == 3 && strcmp(o.words[0], "diff") == 0) {
		return run_diff(&o);
	}
	if (o.n_words == 2 && strcmp(o.words[0], "trend") == 0) {
		return run_trend(&o);
	}
	if (o.n_words == 2 && strcmp(o.words[0], "line") == 0 && o.html != NULL) {
		return run_line(&o);
	}
	if (o.n_words == 3 && strcmp(o.words[0], "record") == 0) {
		return run_record(&o);
	}
	return lab_usage_error("report",
	    "report diff A B, report trend FILE, report record FILE RESULT or report line RESULT --html FILE");
}
