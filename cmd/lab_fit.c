/*
 * The live side comes from an access log, or from two looks at the counters of a Plimsoll.
 */
#include "cmd/lab_fit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cmd/fetch.h"
#include "cmd/lab_output.h"
#include "core/base/clock.h"
#include "lab/access_write.h"
#include "lab/exposition.h"
#include "lab/fit.h"

enum {
	METRICS_BYTES = 16 << 20,
	ADDRESS_BYTES = 300,
	LINE_BYTES = 16384,
};

/* ---- log ---- */

struct writer {
	struct buf line;
	enum access_format format;
	int64_t begin_ms;
	bool failed;
};

static void on_request(void *arg, const struct pretended *p)
{
	struct writer *w = arg;

	buf_clear(&w->line);
	access_write(p, w->begin_ms, w->format, &w->line);
	struct slice text = buf_slice(&w->line);
	w->failed =
	    w->failed || w->line.failed || fwrite(text.ptr, 1, text.len, stdout) != text.len;
}

int lab_model_log(struct model *m, const struct lab_options *o)
{
	struct err_note note = { 0 };
	struct pretend_counts counts;
	struct writer w = { .line = buf_new(LINE_BYTES),
		.format = o->format == ACCESS_JSON ? ACCESS_JSON : ACCESS_COMMON,
		/* A whole second: other starts would be seen in a log of whole seconds. */
		.begin_ms = clock_wall_ms() / 1000 * 1000 };
	struct pretend_plan plan = { .users = o->load.users,
		.length_s = o->load.length_s,
		.seed = o->load.seed,
		.only = -1,
		.begin_ms = w.begin_ms,
		.request = on_request,
		.arg = &w };

	if (model_find_preset(m, o->preset, &plan.preset, &note) != ERR_OK ||
	    pretend_run(m, &plan, &counts, &note) != ERR_OK) {
		buf_free(&w.line);
		return lab_failed("model", &note);
	}
	buf_free(&w.line);
	if (w.failed || fflush(stdout) != 0) {
		fputs("plimsoll: the output could not be written\n", stderr);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

/* ---- live ---- */

static bool is_url(const char *word)
{
	return strncmp(word, "http://", 7) == 0;
}

/* Adds the requests of each operation, times sign: "identity.list_emails" is of the kind
 * list_emails. */
static void add_metrics(struct slice text, double sign, struct fit_counts *counts)
{
	struct exposition_sample s;
	struct slice op;

	while (exposition_next(&text, &s)) {
		if (!slice_eq(s.name, SLICE("plimsoll_http_requests_total")) ||
		    !exposition_label(&s, "op", &op)) {
			continue;
		}
		size_t dot = slice_find(op, '.', 0);
		fit_count(
		    counts, slice_sub(op, dot < op.len ? dot + 1 : 0, op.len), sign * s.value);
	}
}

/* *ret_us: about when the server counted. */
static enum err look(
    const char *url, double sign, struct fit_counts *counts, int64_t *ret_us, struct err_note *note)
{
	int64_t before_us = clock_mono_us();
	char address[ADDRESS_BYTES];
	struct slice rest = slice_str(url + 7);
	size_t slash = slice_find(rest, '/', 0);
	struct slice path = slice_sub(rest, slash, rest.len), body = SLICE_EMPTY;
	struct buf text = buf_new(METRICS_BYTES);

	(void)snprintf(address, sizeof(address), "%.*s", SLICE_ARG(slice_sub(rest, 0, slash)));
	enum err e =
	    fetch_admin(address, path.len <= 1 ? "/metrics" : path.ptr, &text, &body, note);
	*ret_us = (before_us + clock_mono_us()) / 2;
	if (e == ERR_OK) {
		add_metrics(body, sign, counts);
	}
	buf_free(&text);
	return e;
}

/* What is counted between two looks. */
static enum err count_metrics(
    const char *url, double seconds, struct fit_counts *ret, struct err_note *note)
{
	int64_t first_us = 0, second_us = 0;
	enum err e = look(url, -1, ret, &first_us, note);

	if (e != ERR_OK) {
		return e;
	}
	fprintf(stderr, "counting at %s for %.0f s\n", url, seconds);
	poll(NULL, 0, (int)(seconds * 1000));
	e = look(url, 1, ret, &second_us, note);
	ret->seconds = (double)(second_us - first_us) / 1e6;
	for (uint32_t i = 0; i < ret->kinds.n; i++) {
		if (ret->counts[i] < 0) {
			return err_note_set(
			    note, ERR_INVALID, "the server was started anew meanwhile");
		}
	}
	return e;
}

static enum err count_log(const struct model *m, const struct lab_options *o, const char *path,
    struct fit_counts *ret, struct err_note *note)
{
	struct access_log log;
	enum err e = access_log_read(path, o->format, &log, note);

	if (e != ERR_OK) {
		return e;
	}
	access_log_complain(&log, path);
	e = fit_counts_of_log(m, &log, ret, note);
	access_log_free(&log);
	return e;
}

int lab_model_fit(struct model *m, const struct lab_options *o, bool compare)
{
	const char *live = o->words[2];
	const struct model_preset *preset = NULL;
	struct err_note note = { 0 };
	struct fit_counts counts = fit_counts_new();
	struct fit_result r;
	struct buf text = buf_new(LAB_TEXT_BYTES);

	enum err e = model_find_preset(m, o->preset, &preset, &note);
	if (e == ERR_OK) {
		e = is_url(live) ? count_metrics(live, o->load.length_s, &counts, &note)
				 : count_log(m, o, live, &counts, &note);
	}
	if (e == ERR_OK) {
		e = fit_model(
		    m, preset, is_url(live) ? FIT_BY_STEP : FIT_BY_ROUTE, &counts, &r, &note);
	}
	int code = EXIT_FAILED;
	if (e != ERR_OK) {
		code = lab_failed("model", &note);
	} else {
		(o->json      ? fit_put_json
		    : compare ? fit_put_comparison
			      : fit_put_estimates)(m, &r, &text);
		code = lab_print(&text) ? EXIT_OK : EXIT_FAILED;
	}
	buf_free(&text);
	fit_counts_free(&counts);
	return code;
}
