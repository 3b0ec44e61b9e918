/*
 * The block in Prometheus' exposition format 0.0.4. A slot counts as used once it has had a
 * process; its rows stay visible after the process died (counters must not vanish), only "up" says
 * 0.
 *
 * A process shows the families that it counts, with all their rows, so that a rate is known from
 * the first event on; but not those of other roles.
 *
 * Histograms have 248 buckets inside; outside we show powers of two from 32 us to 33.5 s, and none
 * at all for rows without records, which keeps the page of a machine under some 100 KiB.
 */
#include "core/obs/metric_schema.h"

#include <inttypes.h>
#include <stdbool.h>

#include "core/base/clock.h"

enum {
	FIRST_LE_EXPONENT = 5,
	LAST_LE_EXPONENT = 25
};

static const char prefix[] = "plimsoll_";

/* The slot's own fields as families; the order is that of the page. */
struct slot_field {
	const char *name, *type, *help;
	bool is_us; /* shown in seconds */
	int64_t (*get)(const struct metric_slot *s, int64_t now_us);
};

static int64_t load32(const _Atomic int32_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

static int64_t get_up(const struct metric_slot *s, int64_t now_us)
{
	(void)now_us;
	return load32(&s->state) != SLOT_EMPTY;
}

static int64_t get_state(const struct metric_slot *s, int64_t now_us)
{
	(void)now_us;
	return load32(&s->state);
}

static int64_t get_restarts(const struct metric_slot *s, int64_t now_us)
{
	(void)now_us;
	return load32(&s->restarts);
}

static int64_t get_sandbox(const struct metric_slot *s, int64_t now_us)
{
	(void)now_us;
	return load32(&s->sandbox);
}

static int64_t get_uptime(const struct metric_slot *s, int64_t now_us)
{
	return metric_since(&s->started_us, now_us);
}

static int64_t get_silence(const struct metric_slot *s, int64_t now_us)
{
	return metric_since(&s->alive_us, now_us);
}

#define GETTER(field)                                                                              \
	static int64_t get_##field(const struct metric_slot *s, int64_t now_us)                    \
	{                                                                                          \
		(void)now_us;                                                                      \
		return metric_get(&s->field);                                                      \
	}
GETTER(connections)
GETTER(queue_len)
GETTER(queue_wait_us)
GETTER(loop_lag_us)
GETTER(cpu_us)
GETTER(busy_us)
GETTER(tasks)
GETTER(busy)
#undef GETTER

/* clang-format off */
static const struct slot_field slot_fields[] = {
	{ "process_up", "gauge", "1 while the process runs.", false, get_up },
	{ "process_state", "gauge", "0 empty, 1 starting, 2 serving, 3 draining.", false, get_state },
	{ "process_restarts_total", "counter", "Times the supervisor started it again.", false, get_restarts },
	{ "process_sandbox", "gauge", "Bits: 1 no_new_privs, 2 Landlock, 4 seccomp.", false, get_sandbox },
	{ "process_uptime_seconds", "gauge", "Since the process started.", true, get_uptime },
	{ "process_silence_seconds", "gauge", "Since the last round of its event loop.", true, get_silence },
	{ "process_connections", "gauge", "Open client connections.", false, get_connections },
	{ "process_queue_length", "gauge", "Pieces of work waiting.", false, get_queue_len },
	{ "process_queue_wait_seconds", "gauge", "Expected wait of new work.", true, get_queue_wait_us },
	{ "process_loop_lag_seconds", "gauge", "The longest round of the event loop in the last 10 to 20 s.", true, get_loop_lag_us },
	{ "process_cpu_seconds_total", "counter", "Processor time used.", true, get_cpu_us },
	{ "process_busy_seconds_total", "counter", "Time not idle: of the event loop, in compute of the worker.", true, get_busy_us },
	{ "process_tasks", "gauge", "Tasks alive.", false, get_tasks },
	{ "process_busy", "gauge", "Jobs in work.", false, get_busy },
};
/* clang-format on */

/* Escapes for help lines; label values also escape the quote. */
static void put_escaped(struct buf *out, const char *text, bool in_quotes)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\\' || (in_quotes && *p == '"')) {
			buf_append_char(out, '\\');
		}
		if (*p == '\n') {
			buf_append_str(out, "\\n");
		} else {
			buf_append_char(out, *p);
		}
	}
}

static void put_seconds(struct buf *out, int64_t us)
{
	uint64_t n = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

	buf_printf(out, "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "", n / 1000000, n % 1000000);
}

static void put_family_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s%s ", prefix, name);
	put_escaped(out, help, false);
	buf_printf(out, "\n# TYPE %s%s %s\n", prefix, name, type);
}

/* name{role="web",instance="0" - the caller closes the brace. */
static void put_series(
    struct buf *out, const char *name, const char *suffix, const struct metric_slot *slot)
{
	buf_append_str(out, prefix);
	buf_append_str(out, name);
	buf_append_str(out, suffix);
	buf_append_str(out, "{role=\"");
	buf_append_str(out, metric_slot_role(slot));
	buf_append_str(out, "\",instance=\"");
	buf_append_i64(out, load32(&slot->instance));
	buf_append_char(out, '"');
}

static void put_label(struct buf *out, const char *name, const char *value)
{
	buf_append_char(out, ',');
	buf_append_str(out, name);
	buf_append_str(out, "=\"");
	put_escaped(out, value, true);
	buf_append_char(out, '"');
}

static void put_row_label(
    struct buf *out, const struct metric_family *f, const struct metric_row *row)
{
	if (row->label_value != NULL) {
		put_label(out, f->def.label, row->label_value);
	}
}

static void write_slot_field(
    const struct metrics *m, const struct slot_field *f, int64_t now_us, struct buf *out)
{
	put_family_head(out, f->name, f->type, f->help);
	for (unsigned i = 0; i < metrics_slots(m); i++) {
		const struct metric_slot *slot = metrics_slot(m, i);
		if (!metric_slot_is_used(slot)) {
			continue;
		}
		int64_t n = f->get(slot, now_us);
		put_series(out, f->name, "", slot);
		if (f->get == get_up) {
			buf_printf(out, ",pid=\"%" PRId64 "\"", load32(&slot->pid));
		}
		buf_append_str(out, "} ");
		if (f->is_us) {
			put_seconds(out, n);
		} else {
			buf_append_i64(out, n);
		}
		buf_append_char(out, '\n');
	}
}

/* Buckets, sum and count of one row. They are read one after another while the process goes on. */
static void write_hist(const struct metric_slot *slot, const struct metric_family *f,
    const struct metric_row *row, const struct hist *h, struct buf *out)
{
	int64_t seen = 0;
	int i = 0;

	for (int e = FIRST_LE_EXPONENT; e <= LAST_LE_EXPONENT; e++) {
		int64_t limit_us = (int64_t)1 << e;
		while (i < HIST_BUCKETS && hist_bucket_limit_us(i) <= limit_us) {
			seen += metric_get(&h->bucket[i++]);
		}
		put_series(out, f->def.name, "_bucket", slot);
		put_row_label(out, f, row);
		buf_append_str(out, ",le=\"");
		put_seconds(out, limit_us);
		buf_append_str(out, "\"} ");
		buf_append_i64(out, seen);
		buf_append_char(out, '\n');
	}
	while (i < HIST_BUCKETS) {
		seen += metric_get(&h->bucket[i++]);
	}
	put_series(out, f->def.name, "_bucket", slot);
	put_row_label(out, f, row);
	buf_append_str(out, ",le=\"+Inf\"} ");
	buf_append_i64(out, seen);
	buf_append_char(out, '\n');
	put_series(out, f->def.name, "_sum", slot);
	put_row_label(out, f, row);
	buf_append_str(out, "} ");
	put_seconds(out, metric_get(&h->sum_us));
	buf_append_char(out, '\n');
	/* The count is that of the buckets, so that the histogram agrees with itself. */
	put_series(out, f->def.name, "_count", slot);
	put_row_label(out, f, row);
	buf_append_str(out, "} ");
	buf_append_i64(out, seen);
	buf_append_char(out, '\n');
}

static void write_row(const struct metrics *m, unsigned i, const struct metric_family *f,
    const struct metric_row *row, struct buf *out)
{
	const struct metric_slot *slot = metrics_slot(m, i);

	if (f->def.kind == METRIC_HIST) {
		const struct hist *h = metrics_row_hist(m, i, row);
		if (metric_get(&h->count) != 0) {
			write_hist(slot, f, row, h, out);
		}
		return;
	}
	put_series(out, f->def.name, "", slot);
	put_row_label(out, f, row);
	buf_append_str(out, "} ");
	buf_append_i64(out, metric_get(metrics_row_cell(m, i, row)));
	buf_append_char(out, '\n');
}

void metrics_write_prometheus(const struct metrics *m, struct buf *out)
{
	const struct metric_schema *s = metrics_schema(m);
	int64_t now_us = clock_mono_us();

	for (size_t i = 0; i < sizeof(slot_fields) / sizeof(slot_fields[0]); i++) {
		write_slot_field(m, &slot_fields[i], now_us, out);
	}
	for (unsigned i = 0; i < s->n_families; i++) {
		const struct metric_family *f = &s->families[i];
		put_family_head(out, f->def.name, metric_kind_name(f->def.kind), f->def.help);
		for (unsigned slot = 0; slot < metrics_slots(m); slot++) {
			if (!metric_slot_is_used(metrics_slot(m, slot)) ||
			    !metrics_slot_counts(m, slot, f)) {
				continue;
			}
			for (const struct metric_row *row = f->first; row != NULL;
			     row = row->next) {
				write_row(m, slot, f, row, out);
			}
		}
	}
}

static void put_reference_row(
    struct buf *out, const char *name, const char *kind, const char *label, const char *help)
{
	buf_printf(out, "| `%s%s` | %s | %s | %s |\n", prefix, name, kind, label, help);
}

void metric_schema_write_reference(const struct metric_schema *s, struct buf *out)
{
	buf_append_str(out, "| family | kind | label | what it says |\n|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof(slot_fields) / sizeof(slot_fields[0]); i++) {
		const struct slot_field *f = &slot_fields[i];
		put_reference_row(out, f->name, f->type, "", f->help);
	}
	for (unsigned i = 0; i < s->n_families; i++) {
		const struct metric_def *d = &s->families[i].def;
		put_reference_row(out, d->name, metric_kind_name(d->kind),
		    d->label == NULL ? "" : d->label, d->help);
	}
}
