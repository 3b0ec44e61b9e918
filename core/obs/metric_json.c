/*
 * The block as JSON, for /status and `plimsoll status`: one object per process, then the families
 * with each row summed over all processes (histograms merged, never averaged).
 */
#include "core/obs/metric_schema.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"

static void put_i64(struct json_writer *w, const char *name, int64_t n)
{
	json_put_name(w, slice_str(name));
	json_put_i64(w, n);
}

static void put_str(struct json_writer *w, const char *name, const char *value)
{
	json_put_name(w, slice_str(name));
	json_put_string(w, slice_str(value));
}

static int64_t load32(const _Atomic int32_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

static const char *state_name(const struct metric_slot *s)
{
	static const char *const names[] = { "empty", "starting", "serving", "draining" };
	int64_t state = load32(&s->state);

	return state >= 0 && state <= SLOT_DRAINING ? names[state] : "unknown";
}

static void write_process(struct json_writer *w, const struct metric_slot *s, int64_t now_us)
{
	json_begin_object(w);
	put_str(w, "role", metric_slot_role(s));
	put_i64(w, "instance", load32(&s->instance));
	put_i64(w, "pid", load32(&s->pid));
	put_str(w, "state", state_name(s));
	put_i64(w, "restarts", load32(&s->restarts));
	put_i64(w, "sandbox", load32(&s->sandbox));
	put_i64(w, "uptime_us", metric_since(&s->started_us, now_us));
	put_i64(w, "silence_us", metric_since(&s->alive_us, now_us));
	put_i64(w, "connections", metric_get(&s->connections));
	put_i64(w, "queue_len", metric_get(&s->queue_len));
	put_i64(w, "queue_wait_us", metric_get(&s->queue_wait_us));
	put_i64(w, "loop_lag_us", metric_get(&s->loop_lag_us));
	put_i64(w, "cpu_us", metric_get(&s->cpu_us));
	put_i64(w, "busy_us", metric_get(&s->busy_us));
	put_i64(w, "tasks", metric_get(&s->tasks));
	put_i64(w, "busy", metric_get(&s->busy));
	json_end_object(w);
}

static void write_hist(struct json_writer *w, const struct metrics *m, const struct metric_row *row)
{
	struct hist sum = { 0 };

	metric_row_merge(m, row, &sum);
	json_begin_object(w);
	put_i64(w, "count", metric_get(&sum.count));
	put_i64(w, "sum_us", metric_get(&sum.sum_us));
	put_i64(w, "p50_us", hist_quantile_us(&sum, 0.5));
	put_i64(w, "p90_us", hist_quantile_us(&sum, 0.9));
	put_i64(w, "p99_us", hist_quantile_us(&sum, 0.99));
	put_i64(w, "max_us", hist_quantile_us(&sum, 1));
	json_end_object(w);
}

static void write_value(struct json_writer *w, const struct metrics *m,
    const struct metric_family *f, const struct metric_row *row)
{
	if (f->def.kind == METRIC_HIST) {
		write_hist(w, m, row);
		return;
	}
	json_put_i64(w, metric_row_sum(m, row));
}

static void write_family(
    struct json_writer *w, const struct metrics *m, const struct metric_family *f)
{
	json_put_name(w, slice_str(f->def.name));
	json_begin_object(w);
	put_str(w, "kind", metric_kind_name(f->def.kind));
	if (f->def.label == NULL) {
		json_put_name(w, SLICE("value"));
		write_value(w, m, f, f->first);
	} else {
		put_str(w, "label", f->def.label);
		json_put_name(w, SLICE("rows"));
		json_begin_object(w);
		for (const struct metric_row *row = f->first; row != NULL; row = row->next) {
			json_put_name(w, slice_str(row->label_value));
			write_value(w, m, f, row);
		}
		json_end_object(w);
	}
	json_end_object(w);
}

void metrics_put_processes(const struct metrics *m, struct json_writer *w)
{
	int64_t now_us = clock_mono_us();

	json_begin_array(w);
	for (unsigned i = 0; i < metrics_slots(m); i++) {
		if (metric_slot_is_used(metrics_slot(m, i))) {
			write_process(w, metrics_slot(m, i), now_us);
		}
	}
	json_end_array(w);
}

void metrics_put_rows(const struct metrics *m, const char *family, struct json_writer *w)
{
	const struct metric_schema *s = metrics_schema(m);

	json_begin_object(w);
	for (unsigned i = 0; i < s->n_families; i++) {
		const struct metric_family *f = &s->families[i];
		if (strcmp(f->def.name, family) != 0 || f->def.kind == METRIC_HIST) {
			continue;
		}
		for (const struct metric_row *row = f->first; row != NULL; row = row->next) {
			int64_t n = metric_row_sum(m, row);
			if (n != 0) {
				put_i64(w, row->label_value, n);
			}
		}
	}
	json_end_object(w);
}

void metrics_write_json(const struct metrics *m, struct buf *out)
{
	const struct metric_schema *s = metrics_schema(m);
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	json_put_name(&w, SLICE("processes"));
	metrics_put_processes(m, &w);
	json_put_name(&w, SLICE("families"));
	json_begin_object(&w);
	for (unsigned i = 0; i < s->n_families; i++) {
		write_family(&w, m, &s->families[i]);
	}
	json_end_object(&w);
	json_end_object(&w);
}
