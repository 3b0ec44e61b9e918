/*
 * Tables and words. Percentiles are of whole histograms.
 */
#include "lab/load_page.h"

#include "lab/load_sum.h"
#include "lab/load_use.h"
#include "lab/plot.h"
#include "lab/report_parts.h"

static double ms_of(const struct hdr *h, double q)
{
	return (double)hdr_quantile_us(h, q) / 1000;
}

static unsigned long long number(uint64_t n)
{
	return (unsigned long long)n;
}

/* ---- tables ---- */

void load_page_put_activities(const struct load_result *r, struct buf *out)
{
	static const char *const columns[] = { "<activity", "planned/s", "begun/s", "done",
		"refused", "failed", "p50 ms", "p90 ms", "p99 ms", "max ms" };

	report_section(out, "Activities");
	struct report_table t =
	    report_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		report_cell(&t, "%s", a->name);
		report_cell(&t, "%.2f", a->per_second);
		report_cell(&t, "%.2f", r->elapsed_s > 0 ? (double)a->begun / r->elapsed_s : 0);
		report_cell_count(&t, a->done, false);
		report_cell_count(&t, a->refused, true);
		report_cell_count(&t, a->failed, true);
		static const double points[] = { 0.5, 0.9, 0.99, 1 };
		for (unsigned k = 0; k < 4; k++) {
			report_cell(&t, "%.1f", ms_of(&a->latency, points[k]));
		}
	}
	report_table_end(&t);
}

void load_page_put_steps(const struct load_result *r, struct buf *out)
{
	static const char *const columns[] = { "<activity", "<step", "done", "refused", "failed",
		"latency p50 ms", "p99 ms", "service p50 ms", "p99 ms" };

	report_section(out, "Steps");
	struct report_table t =
	    report_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		for (unsigned k = 0; k < a->n_steps; k++) {
			const struct load_step *s = &a->steps[k];
			report_cell(&t, "%s", k == 0 ? a->name : "");
			report_cell(&t, "%s", s->name);
			report_cell_count(&t, s->done, false);
			report_cell_count(&t, s->refused, true);
			report_cell_count(&t, s->failed, true);
			report_cell(&t, "%.1f", ms_of(&s->latency, 0.5));
			report_cell(&t, "%.1f", ms_of(&s->latency, 0.99));
			report_cell(&t, "%.1f", ms_of(&s->service, 0.5));
			report_cell(&t, "%.1f", ms_of(&s->service, 0.99));
		}
	}
	report_table_end(&t);
	report_text(out,
	    "Latency counts from the moment a request should have been sent, service from "
	    "the moment it was.");
}

/* ---- the target, the generator ---- */

/* What there is beside the processor, as a mean of the run. */
static void put_use(const struct load_result *r, struct buf *out)
{
	static const struct {
		const char *column;
		enum target_figure figure;
		enum quantity quantity;
	} rows[] = { { "busiest thread", TARGET_HOT_S, QUANTITY_SHARE },
		{ "waits for a core", TARGET_RUN_DELAY_S, QUANTITY_SHARE },
		{ "blocked by the disk", TARGET_BLOCKED_S, QUANTITY_SHARE },
		{ "memory", TARGET_MEMORY_BYTES, QUANTITY_BYTES },
		{ "sockets", TARGET_SOCKETS, QUANTITY_NUMBER },
		{ "written/s", TARGET_WRITTEN_BYTES, QUANTITY_BYTES },
		{ "fsyncs/s", TARGET_FSYNCS, QUANTITY_NUMBER },
		{ "statements/s", TARGET_STATEMENTS, QUANTITY_NUMBER } };
	enum {
		COLUMNS = sizeof(rows) / sizeof(rows[0])
	};
	const char *columns[COLUMNS + 1] = { "<role" };

	for (unsigned k = 0; k < COLUMNS; k++) {
		columns[k + 1] = rows[k].column;
	}
	struct report_table t = report_table_begin(out, columns, COLUMNS + 1);
	for (unsigned i = 0; i < r->n_roles; i++) {
		report_cell(&t, "%s", r->roles[i].name);
		for (unsigned k = 0; k < COLUMNS; k++) {
			const struct target_use *u = &r->roles[i].use;
			if (u->known[rows[k].figure]) {
				report_cell_quantity(
				    &t, rows[k].quantity, u->figures[rows[k].figure]);
			} else {
				report_cell(&t, "-");
			}
		}
	}
	report_table_end(&t);
}

void load_page_put_target(const struct load_result *r, struct buf *out)
{
	struct bar rows[LOAD_ROLES_MAX];
	struct bars b = { .title = "Cores used by each role", .n_parts = 1, .rows = rows };
	const struct interval cost = load_use_cost_us(r);
	double cpu_s = 0;

	if (r->n_roles == 0 || r->watched_s <= 0) {
		return;
	}
	for (unsigned i = 0; i < r->n_roles; i++) {
		rows[b.n_rows++] =
		    (struct bar){ r->roles[i].name, { r->roles[i].cpu_s / r->watched_s }, 0, 0 };
		cpu_s += r->roles[i].cpu_s;
	}
	report_section(out, "The target");
	bars_put(&b, out);
	load_page_put_use_course(r, out);
	put_use(r, out);
	report_text(out, "Together %.2f cores.", cpu_s / r->watched_s);
	if (cost.value > 0) {
		struct buf interval = buf_new(128);
		if (cost.known) {
			buf_printf(
			    &interval, " (95 %%: %.3f to %.3f)", cost.low / 1000, cost.high / 1000);
		}
		report_text(out,
		    "An activity of this mix took %.3f ms of processor%.*s. What each kind costs in "
		    "each role, plimsoll line finds out.",
		    cost.value / 1000, SLICE_ARG(buf_slice(&interval)));
		buf_free(&interval);
	}
}

void load_page_put_generator(const struct load_result *r, struct buf *out)
{
	const struct machine m = machine_read();
	struct buf machine = buf_new(512);
	double wall_s = r->elapsed_s + r->plan.warm_up_s;

	report_section(out, "The generator and its machine");
	report_put_machine(&m, &machine);
	report_text(out, "%.*s.", SLICE_ARG(buf_slice(&machine)));
	buf_free(&machine);
	report_text(out,
	    "Requests left late by %.3f ms (p50), %.3f ms (p99), at most %.3f ms. %s used %.0f %% of a "
	    "core, made %llu connections, and had at most %u activities at once.",
	    ms_of(&r->lateness, 0.5), ms_of(&r->lateness, 0.99), (double)r->lateness.max_us / 1000,
	    r->generators > 1 ? "Each generator" : "It",
	    wall_s > 0 ? r->cpu_s / wall_s / r->generators * 100 : 0, number(r->connections),
	    r->running_max);
	if (r->handshakes > 0) {
		report_text(out, "Of %llu TLS handshakes %llu resumed a session.",
		    number(r->handshakes), number(r->resumed));
	}
}

/* ---- what to know ---- */

void load_page_put_doubts(const struct load_result *r, struct buf *out)
{
	if (r->n_void > 0) {
		report_verdict(out, REPORT_BAD,
		    "Void: the generator itself was the limit; these figures are its own as much "
		    "as the target's.");
		report_list_begin(out);
		for (unsigned i = 0; i < r->n_void; i++) {
			report_list_item(out, "%s", r->causes[i]);
		}
		report_list_end(out);
	}
	if (r->n_failures > 0) {
		report_verdict(out, REPORT_BAD, "Failures:");
		report_list_begin(out);
		for (unsigned i = 0; i < r->n_failures; i++) {
			report_list_item(out, "%llu times: %s", number(r->failures[i].count),
			    r->failures[i].text);
		}
		report_list_end(out);
	}
}

void load_page_put_slos(const struct load_result *r, struct buf *out)
{
	static const char *const columns[] = { "<threshold", "measured", "<" };

	if (r->plan.n_slos == 0) {
		return;
	}
	bool met = slo_all_met(r);
	report_verdict(out, met ? REPORT_GOOD : REPORT_BAD,
	    met ? "All thresholds were met." : "Thresholds were missed.");
	struct report_table t = report_table_begin(out, columns, 3);
	for (unsigned i = 0; i < r->plan.n_slos; i++) {
		const struct slo *s = &r->plan.slos[i];
		struct slo_result result = slo_judge_run(s, r);
		struct buf value = buf_new(64);
		slo_put_value(s, &result, &value);
		report_cell(&t, "%s", s->text);
		report_cell(&t, "%.*s", SLICE_ARG(buf_slice(&value)));
		(result.met ? report_cell : report_cell_bad)(&t, result.met ? "met" : "missed");
		buf_free(&value);
	}
	report_table_end(&t);
}

void load_page_put_caveats(const struct load_result *r, struct buf *out)
{
	char texts[LOAD_CAVEATS_MAX][LOAD_TEXT_BYTES];
	unsigned n = load_sum_caveats(r, texts);

	report_section(out, "To bear in mind");
	report_list_begin(out);
	for (unsigned i = 0; i < n; i++) {
		report_list_item(out, "%s", texts[i]);
	}
	report_list_end(out);
}
