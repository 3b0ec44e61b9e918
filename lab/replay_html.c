/*
 * The page of a replay: that of a load run without a model, with what the log says beside it.
 */
#include "lab/load_page.h"
#include "lab/load_report.h"
#include "lab/replay.h"
#include "lab/report_parts.h"

enum {
	SENTENCE_BYTES = 4096
};

static void put_sentence(const struct access_log *log, const struct replay_schedule *s,
    const struct replay_result *r, struct buf *out)
{
	const struct load_activity *a = &r->load->activities[0];

	buf_printf(out, "%llu of %zu requests of %s", (unsigned long long)a->begun, log->n, r->log);
	buf_printf(out, ", by %llu clients in %.1f s", (unsigned long long)r->counts.clients,
	    r->load->elapsed_s);
	if (s->length_s > 0) {
		buf_printf(out, " (meant to take %.1f s)", s->length_s);
	}
	buf_append_str(out, ": half of them answered within ");
	quantity_put(QUANTITY_MS, (double)hdr_quantile_us(&a->latency, 0.5) / 1000, out);
	buf_append_str(out, " and 99 of 100 within ");
	quantity_put(QUANTITY_MS, (double)hdr_quantile_us(&a->latency, 0.99) / 1000, out);
	buf_append_char(out, '.');
	buf_append_char(out, '\0');
}

static void put_counts(const struct access_log *log, const struct replay_result *r, struct buf *out)
{
	static const char *const columns[] = { "<", "found", "missing", "other", "no answer" };
	const struct replay_counts *c = &r->counts;

	report_section(out, "Then and now");
	struct report_table t = report_table_begin(out, columns, 5);
	report_cell(&t, "in the log");
	report_cell_count(&t, c->log_hits, false);
	report_cell_count(&t, c->log_misses, false);
	report_cell_count(&t, c->log_others, false);
	report_cell(&t, "-");
	report_cell(&t, "now");
	report_cell_count(&t, c->hits, false);
	report_cell_count(&t, c->misses, false);
	report_cell_count(&t, c->others, false);
	report_cell_count(&t, c->none, true);
	report_table_end(&t);
	if (c->changed > 0) {
		report_text(out, "%llu answers are of another kind than in the log.",
		    (unsigned long long)c->changed);
	}
	if (log->n_broken > 0) {
		report_text(out, "%llu of %llu lines of the log were not understood.",
		    (unsigned long long)log->n_broken, (unsigned long long)log->n_lines);
	}
}

void replay_report_html(const struct access_log *log, const struct replay_schedule *s,
    const struct replay_result *r, struct buf *out)
{
	struct buf lead = buf_new(SENTENCE_BYTES), how = buf_new(SENTENCE_BYTES);

	put_sentence(log, s, r, &lead);
	load_report_headline(r->load, &how);
	report_begin(out, "Replay of a log", lead.failed ? "" : lead.data);
	report_text(out, "%.*s.", SLICE_ARG(buf_slice(&how)));
	load_page_put_doubts(r->load, out);
	load_page_put_slos(r->load, out);
	put_counts(log, r, out);
	load_page_put_courses(r->load, out);
	load_page_put_shares(r->load, out);
	load_page_put_steps(r->load, out);
	load_page_put_target(r->load, out);
	load_page_put_caveats(r->load, out);
	load_page_put_generator(r->load, out);
	report_end(out);
	buf_free(&lead);
	buf_free(&how);
}
