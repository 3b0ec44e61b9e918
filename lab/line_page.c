/*
 * Words and tables; the plots are in line_plots.c.
 */
#include "lab/line_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/grace.h"
#include "lab/line_plots.h"
#include "lab/report_parts.h"
#include "lab/result_json.h"

enum {
	TEXT_BYTES = 200
};

static void text_of(const struct json *object, const char *name, char *out)
{
	result_get_text(json_member(object, name), out, TEXT_BYTES);
}

static void put_number(struct buf *out, double n)
{
	quantity_put(QUANTITY_NUMBER, n, out);
}

/* ---- what it comes to ---- */

/* "between 9.8k and 10.1k active users" */
static void put_limit(const struct json *limit, struct buf *out)
{
	bool held = result_get_flag(limit, "held"), failed = result_get_flag(limit, "failed");

	if (!held) {
		buf_append_str(out, "fewer than ");
		put_number(out, result_get_real(limit, "high_users"));
	} else if (!failed) {
		buf_append_str(out, "at least ");
		put_number(out, result_get_real(limit, "low_users"));
	} else {
		buf_append_str(out, "between ");
		put_number(out, result_get_real(limit, "low_users"));
		buf_append_str(out, " and ");
		put_number(out, result_get_real(limit, "high_users"));
	}
	buf_append_str(out, " active users");
}

static bool is_known(const struct json *v)
{
	return v != NULL && json_kind(v) == JSON_KIND_OBJECT;
}

static void put_sentence(const struct json *r, struct buf *out)
{
	const struct json *saturation = json_member(r, "saturation"),
			  *saturated = json_member(r, "saturated");
	char role[TEXT_BYTES];

	if (!is_known(saturation)) {
		buf_append_str(out, "No line was found.");
		return;
	}
	buf_append_str(out, "The line is ");
	put_limit(saturation, out);
	if (is_known(saturated)) {
		text_of(saturated, "role", role);
		buf_printf(out, "; then %s is full first", role);
		text_of(saturated, "next_role", role);
		if (role[0] != '\0') {
			buf_printf(out, ", and after it %s", role);
		}
	}
	buf_append_str(out, ".");
}

static void put_verdicts(const struct json *r, struct buf *out)
{
	const struct json *slo = json_member(r, "slo_limit"), *beyond = json_member(r, "beyond"),
			  *predicted = json_member(r, "predicted");
	char text[TEXT_BYTES];

	text_of(r, "stopped", text);
	if (!result_get_flag(r, "complete")) {
		report_verdict(out, REPORT_BAD,
		    "It was ended before its end (%s); all there is is here.",
		    text[0] == '\0' ? "why is not known" : text);
	}
	if (is_known(slo)) {
		struct buf limit = buf_new(256);
		put_limit(slo, &limit);
		report_text(
		    out, "All thresholds are kept up to %.*s.", SLICE_ARG(buf_slice(&limit)));
		buf_free(&limit);
	}
	if (is_known(beyond)) {
		text_of(beyond, "verdict", text);
		bool good = strcmp(text, "plateau") == 0;
		report_verdict(out, good ? REPORT_GOOD : REPORT_BAD,
		    "Beyond the line: %s. At one and a half times it %.0f %% of the most is still done.",
		    text, result_get_real(beyond, "collapse_ratio") * 100);
	}
	if (is_known(predicted)) {
		struct buf users = buf_new(64);
		put_number(&users, result_get_real(predicted, "users"));
		report_text(out,
		    "From what activities cost, the line was predicted at %.*s users, %+.1f %% from what was measured.",
		    SLICE_ARG(buf_slice(&users)), result_get_real(predicted, "error_share") * 100);
		buf_free(&users);
	}
}

/* ---- tables ---- */

static void put_probes(const struct json *r, struct buf *out)
{
	static const char *const columns[] = { "<for", "users", "s", "offered/s", "done/s",
		"refused/s", "failed/s", "p50 ms", "p99 ms", "<verdict" };
	const struct json *probes = json_member(r, "probes");

	report_section(out, "What was tried");
	struct report_table t = report_table_begin(out, columns, 10);
	for (size_t i = 0; i < json_count(probes); i++) {
		const struct json *p = json_element(probes, i);
		char phase[TEXT_BYTES], verdict[TEXT_BYTES], cause[TEXT_BYTES];
		text_of(p, "phase", phase);
		text_of(p, "verdict", verdict);
		text_of(p, "cause", cause);
		report_cell(&t, "%s", phase);
		report_cell_real(&t, result_get_real(p, "users"), 0);
		report_cell_real(&t, result_get_real(p, "seconds"), 1);
		report_cell_real(&t, result_get_real(p, "offered_per_second"), 1);
		report_cell_real(&t, result_get_real(p, "done_per_second"), 1);
		report_cell_real(&t, result_get_real(p, "refused_per_second"), 1);
		report_cell_real(&t, result_get_real(p, "failed_per_second"), 1);
		report_cell_real(&t, result_get_real(p, "p50_us") / 1000, 1);
		report_cell_real(&t, result_get_real(p, "p99_us") / 1000, 1);
		report_cell(&t, "%s%s%s", verdict, cause[0] != '\0' ? ": " : "", cause);
	}
	report_table_end(&t);
}

static void put_model(const struct json *model, struct buf *out)
{
	static const char *const columns[] = { "<activity", "a day and user",
		"a second of a million users", "share" };
	const struct json *activities = json_member(model, "activities");
	char preset[TEXT_BYTES];

	report_section(out, "The model");
	text_of(model, "preset", preset);
	if (preset[0] != '\0') {
		report_text(out, "Rates are the published ones of preset %s.", preset);
	}
	struct report_table t = report_table_begin(out, columns, 4);
	for (size_t i = 0; i < json_count(activities); i++) {
		const struct json *a = json_element(activities, i);
		char name[TEXT_BYTES];
		text_of(a, "name", name);
		report_cell(&t, "%s", name);
		report_cell(&t, "%.4g", result_get_real(a, "per_user_day"));
		report_cell(&t, "%.2f", result_get_real(a, "per_second_of_1m_users"));
		report_cell(&t, "%.1f %%", result_get_real(a, "share") * 100);
	}
	report_table_end(&t);
}

static void put_end(const struct json *r, struct buf *out)
{
	const struct json *caveats = json_member(r, "caveats");
	const struct machine m = machine_of_json(json_member(r, "machine"));
	struct buf machine = buf_new(512);
	char url[TEXT_BYTES];

	report_section(out, "The machine");
	text_of(r, "url", url);
	report_put_machine(&m, &machine);
	report_text(out, "The generator ran on %.*s, against %s, for %.0f s.",
	    SLICE_ARG(buf_slice(&machine)), url, result_get_real(r, "seconds"));
	buf_free(&machine);
	if (json_count(caveats) > 0) {
		report_section(out, "To bear in mind");
		report_list_begin(out);
		for (size_t i = 0; i < json_count(caveats); i++) {
			char text[TEXT_BYTES];
			result_get_text(json_element(caveats, i), text, sizeof(text));
			report_list_item(out, "%s", text);
		}
		report_list_end(out);
	}
}

enum err line_page(const struct json *result, struct buf *out, struct err_note *note)
{
	struct buf sentence = buf_new(4096);
	char format[TEXT_BYTES], name[TEXT_BYTES], title[TEXT_BYTES + 16];

	text_of(result, "format", format);
	if (strcmp(format, "plimsoll-line") != 0) {
		return err_note_set(note, ERR_SYNTAX, "it is no result of plimsoll line --json");
	}
	text_of(json_member(result, "model"), "name", name);
	(void)snprintf(title, sizeof(title), "The line of %s", name);
	put_sentence(result, &sentence);
	buf_append_char(&sentence, '\0');
	report_begin(out, title, sentence.failed ? "" : sentence.data);
	put_verdicts(result, out);
	line_plots_put(result, out);
	grace_page_put(json_member(result, "grace"), out);
	put_probes(result, out);
	put_model(json_member(result, "model"), out);
	put_end(result, out);
	report_end(out);
	buf_free(&sentence);
	return ERR_OK;
}
