/*
 * The page of a load run: what it comes to, plots, tables, the target, and what to know of model,
 * machine and generator.
 */
#include "lab/load_page.h"
#include "lab/load_report.h"
#include "lab/load_sum.h"
#include "lab/report.h"

static void put_model(const struct load_result *r, struct buf *out)
{
	static const char *const columns[] = { "<number", "value", "<why" };
	static const char *const activity_columns[] = { "<activity", "a day and user", "<why" };
	const struct model *m = r->model;

	report_section(out, "The model");
	report_text(out, "%s: %s.%s%s", m->name, m->about,
	    r->plan.preset == NULL ? "" : " Rates are the published ones of preset ",
	    r->plan.preset == NULL ? "" : r->plan.preset->name);
	if (m->n_values > 0) {
		struct report_table t = report_table_begin(out, columns, 3);
		for (unsigned i = 0; i < m->n_values; i++) {
			report_cell(&t, "%s", m->values[i].name);
			report_cell(&t, "%.4g", m->values[i].value);
			report_cell(&t, "%s", m->values[i].why);
		}
		report_table_end(&t);
	}
	struct report_table t = report_table_begin(out, activity_columns, 3);
	for (unsigned i = 0; i < m->n_activities; i++) {
		double rate = model_rate(m, r->plan.preset, i, 1);
		report_cell(&t, "%s", m->activities[i].name);
		report_cell(&t, "%.4g", rate * MODEL_DAY_S);
		report_cell(&t, "%s", m->activities[i].why);
	}
	report_table_end(&t);
}

/* A sentence that a function writes, as a text. */
static const char *sentence(const struct load_result *r,
    void (*write)(const struct load_result *, struct buf *), const char *end, struct buf *out)
{
	write(r, out);
	buf_append_str(out, end);
	buf_append_char(out, '\0');
	return out->failed ? "" : out->data;
}

void load_report_html(const struct load_result *r, struct buf *out)
{
	struct buf title = buf_new(4096), lead = buf_new(4096), how = buf_new(4096);

	buf_printf(&title, "Load of %s", r->model->name);
	buf_append_char(&title, '\0');
	report_begin(
	    out, title.failed ? "Load" : title.data, sentence(r, load_sum_sentence, ".", &lead));
	report_text(out, "%s", sentence(r, load_report_headline, ".", &how));
	load_page_put_doubts(r, out);
	load_page_put_slos(r, out);
	load_page_put_courses(r, out);
	load_page_put_shares(r, out);
	load_page_put_activities(r, out);
	load_page_put_steps(r, out);
	load_page_put_target(r, out);
	load_page_put_caveats(r, out);
	put_model(r, out);
	load_page_put_generator(r, out);
	report_end(out);
	buf_free(&title);
	buf_free(&lead);
	buf_free(&how);
}
