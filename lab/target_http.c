/*
 * What a target says of itself: the status of a Plimsoll, or metrics of anybody in Prometheus'
 * format.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "lab/exposition.h"
#include "lab/target_priv.h"

/* Counters of target_grown(), beyond those of processes. */
enum {
	SEEN_STATUS = 16,
	SEEN_METRIC = 32,
};

/* clang-format off */
/* Endings of names; units is what a whole number of the counter is worth. */
static const struct {
	const char *ending;
	enum target_figure figure;
	double units; /* a second: counted in millionths; 0: a gauge */
	bool of_busiest; /* the largest of the series of a role, not their sum */
} rows[] = {
	{ "process_cpu_seconds_total", TARGET_CPU_S, 1e-6, false },
	{ "container_cpu_usage_seconds_total", TARGET_CPU_S, 1e-6, false },
	{ "process_busy_seconds_total", TARGET_BUSY_S, 1e-6, true },
	{ "process_network_receive_bytes_total", TARGET_NET_IN_BYTES, 1, false },
	{ "process_network_transmit_bytes_total", TARGET_NET_OUT_BYTES, 1, false },
	{ "http_bytes_in_total", TARGET_NET_IN_BYTES, 1, false },
	{ "http_bytes_out_total", TARGET_NET_OUT_BYTES, 1, false },
	{ "process_disk_read_bytes_total", TARGET_READ_BYTES, 1, false },
	{ "process_disk_write_bytes_total", TARGET_WRITTEN_BYTES, 1, false },
	{ "fsyncs_total", TARGET_FSYNCS, 1, false },
	{ "store_commit_seconds_count", TARGET_FSYNCS, 1, false },
	{ "statements_total", TARGET_STATEMENTS, 1, false },
	{ "sql_seconds_count", TARGET_STATEMENTS, 1, false },
	{ "process_resident_memory_bytes", TARGET_MEMORY_BYTES, 0, false },
	{ "process_open_fds", TARGET_SOCKETS, 0, false },
	{ "process_connections", TARGET_SOCKETS, 0, false },
	{ "process_threads", TARGET_THREADS, 0, false },
	{ "process_queue_length", TARGET_QUEUE, 0, false },
};
/* clang-format on */

/* FNV-1a: a series is told from others by its name and labels. */
static int64_t series_id(const struct exposition_sample *s)
{
	uint64_t h = UINT64_C(14695981039346656037);
	const struct slice parts[] = { s->name, s->labels };

	for (unsigned p = 0; p < 2; p++) {
		for (size_t i = 0; i < parts[p].len; i++) {
			h = (h ^ (unsigned char)parts[p].ptr[i]) * UINT64_C(1099511628211);
		}
	}
	return -(int64_t)(h >> 2) - 1;
}

static void take_sample(struct target *t, const struct target_source *src,
    const struct exposition_sample *s, size_t row)
{
	struct slice role = slice_str(src->name);

	(void)exposition_label(s, "role", &role);
	struct target_role *r = target_role_of(t, role);
	if (r == NULL || s->value < 0) {
		return;
	}
	if (rows[row].units == 0) {
		target_gauge(r, rows[row].figure, s->value);
		return;
	}
	double whole = floor(fmin(s->value / rows[row].units, 9e18));
	double more = (double)target_grown(t, series_id(s), SEEN_METRIC, 1, (uint64_t)whole) *
		      rows[row].units;
	if (rows[row].of_busiest) {
		r->busy_s = fmax(r->busy_s, more);
		r->known[TARGET_BUSY_S] = true;
		return;
	}
	target_count(r, rows[row].figure, more);
	if (rows[row].figure == TARGET_CPU_S) {
		r->hot_s = fmax(r->hot_s, more);
		r->known[TARGET_HOT_S] = true;
		target_gauge(r, TARGET_PROCESSES, 1);
	}
}

/* A Plimsoll's status says those itself. */
static bool is_in_status(enum target_figure f)
{
	return f == TARGET_CPU_S || f == TARGET_BUSY_S || f >= TARGET_COUNTERS;
}

enum err target_take_metrics(
    struct target *t, const struct target_source *src, struct slice body, struct err_note *note)
{
	struct exposition_sample s;
	bool any = false;

	while (exposition_next(&body, &s)) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			if (slice_ends(s.name, slice_str(rows[i].ending)) &&
			    !(src->kind == TARGET_ADMIN && is_in_status(rows[i].figure))) {
				take_sample(t, src, &s, i);
				any = true;
			}
		}
	}
	return any ? ERR_OK
		   : err_note_set(note, ERR_SYNTAX,
			 "http://%s%s has none of the figures that are looked for, as process_cpu_seconds_total",
			 src->address, src->path);
}

static void take_process(
    struct target *t, const struct target_source *s, const struct json *p, double elapsed_s)
{
	struct slice name = SLICE_EMPTY;
	int64_t pid = 0, cpu_us = 0, busy_us = 0, queue = 0, connections = 0;

	if (!json_get_string(json_member(p, "role"), &name) ||
	    !json_get_i64(json_member(p, "pid"), &pid) ||
	    !json_get_i64(json_member(p, "cpu_us"), &cpu_us) || pid <= 0 || cpu_us < 0) {
		return;
	}
	struct target_role *r = target_role_of(t, name);
	if (r == NULL) {
		return;
	}
	if (json_get_i64(json_member(p, "busy_us"), &busy_us) && busy_us >= 0) {
		double busy_s =
		    (double)target_grown(t, pid, SEEN_STATUS + 1, 1, (uint64_t)busy_us) / 1e6;
		r->busy_s = fmax(r->busy_s, busy_s);
		r->known[TARGET_BUSY_S] = true;
	}
	if (json_get_i64(json_member(p, "queue_len"), &queue)) {
		target_gauge(r, TARGET_QUEUE, (double)queue);
	}
	if (s->is_local && target_proc_add(t, r, (int)pid, elapsed_s)) {
		return;
	}
	double cpu_s = (double)target_grown(t, pid, SEEN_STATUS, 1, (uint64_t)cpu_us) / 1e6;
	target_count(r, TARGET_CPU_S, cpu_s);
	r->hot_s = fmax(r->hot_s, cpu_s);
	r->known[TARGET_HOT_S] = true;
	target_gauge(r, TARGET_PROCESSES, 1);
	if (json_get_i64(json_member(p, "connections"), &connections)) {
		target_gauge(r, TARGET_SOCKETS, (double)connections);
	}
}

enum err target_take_status(struct target *t, const struct target_source *s, struct slice body,
    double elapsed_s, struct err_note *note)
{
	struct arena arena = arena_new((size_t)2 * TARGET_ANSWER_BYTES);
	const struct json *status = NULL;
	enum err e = json_parse(&arena, body, &status, note);

	if (e == ERR_OK) {
		const struct json *processes = json_member(status, "processes");
		for (size_t i = 0; i < json_count(processes); i++) {
			take_process(t, s, json_element(processes, i), elapsed_s);
		}
		if (json_count(processes) == 0) {
			e = err_note_set(
			    note, ERR_SYNTAX, "%s is no admin listener of a Plimsoll", s->address);
		}
	}
	arena_reset(&arena);
	return e;
}

enum err target_admin_look(
    struct target *t, struct target_source *s, double elapsed_s, struct err_note *note)
{
	struct buf answer = buf_new(TARGET_ANSWER_BYTES);
	struct slice body = SLICE_EMPTY;
	enum err e = t->fetch(s->address, "/status", &answer, &body, note);

	if (e == ERR_OK) {
		e = target_take_status(t, s, body, elapsed_s, note);
	}
	if (e == ERR_OK && t->round % TARGET_DEAR_EVERY == 1) {
		buf_clear(&answer);
		e = t->fetch(s->address, "/metrics", &answer, &body, note);
		e = e == ERR_OK ? target_take_metrics(t, s, body, note) : e;
	}
	buf_free(&answer);
	return e;
}

enum err target_metrics_look(
    struct target *t, struct target_source *s, double elapsed_s, struct err_note *note)
{
	struct buf answer = buf_new(TARGET_ANSWER_BYTES);
	struct slice body = SLICE_EMPTY;
	enum err e = t->fetch(s->address, s->path, &answer, &body, note);

	(void)elapsed_s;
	if (e == ERR_OK) {
		e = target_take_metrics(t, s, body, note);
	}
	buf_free(&answer);
	return e;
}
