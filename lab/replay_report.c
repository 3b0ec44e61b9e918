/*
 * What a replay says beside the figures that every load run has.
 */
#include "lab/load_report.h"
#include "lab/replay.h"
#include "lab/result_json.h"

void replay_report_text(const struct access_log *log, const struct replay_schedule *s,
    const struct replay_result *r, struct buf *out)
{
	const struct replay_counts *c = &r->counts;

	buf_printf(out, "replayed %zu of %zu requests (%s) of %llu clients, meant to take %.1f s\n",
	    s->n, log->n, access_format_name(log->format), (unsigned long long)c->clients,
	    s->length_s);
	if (log->n_broken > 0) {
		buf_printf(out, "%llu of %llu lines were not understood\n",
		    (unsigned long long)log->n_broken, (unsigned long long)log->n_lines);
	}
	buf_printf(out, "  %-24s %9s %9s %9s %9s\n", "", "found", "missing", "other", "no answer");
	buf_printf(out, "  %-24s %9llu %9llu %9llu\n", "in the log",
	    (unsigned long long)c->log_hits, (unsigned long long)c->log_misses,
	    (unsigned long long)c->log_others);
	buf_printf(out, "  %-24s %9llu %9llu %9llu %9llu\n", "now", (unsigned long long)c->hits,
	    (unsigned long long)c->misses, (unsigned long long)c->others,
	    (unsigned long long)c->none);
	if (c->changed > 0) {
		buf_printf(out, "  %llu answers are of another kind than in the log\n",
		    (unsigned long long)c->changed);
	}
	buf_append_char(out, '\n');
	load_report_text(r->load, out);
}

/* The object of a load run, with one more member in front. */
void replay_report_json(const struct access_log *log, const struct replay_schedule *s,
    const struct replay_result *r, struct buf *out)
{
	const struct replay_counts *c = &r->counts;
	struct json_writer w = json_writer_new(out);
	struct buf load = buf_new(out->max);

	json_begin_object(&w);
	json_put_name(&w, SLICE("replay"));
	json_begin_object(&w);
	result_put_text(&w, "log", r->log);
	result_put_text(&w, "format", access_format_name(log->format));
	result_put_count(&w, "requests", s->n);
	result_put_count(&w, "left_out", s->left_out);
	result_put_count(&w, "lines", log->n_lines);
	result_put_count(&w, "broken_lines", log->n_broken);
	result_put_count(&w, "clients", c->clients);
	result_put_count(&w, "hits", c->hits);
	result_put_count(&w, "misses", c->misses);
	result_put_count(&w, "others", c->others);
	result_put_count(&w, "no_answer", c->none);
	result_put_count(&w, "log_hits", c->log_hits);
	result_put_count(&w, "log_misses", c->log_misses);
	result_put_count(&w, "log_others", c->log_others);
	result_put_count(&w, "changed", c->changed);
	json_end_object(&w);
	load_report_json(r->load, &load);
	buf_append_char(out, ',');
	buf_append_slice(out, slice_sub(buf_slice(&load), 1, load.len));
	out->failed = out->failed || load.failed;
	buf_free(&load);
}
