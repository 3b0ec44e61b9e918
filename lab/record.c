/*
 * A record is read back by the same names as it is written with. Results of other versions of this
 * program are read as far as they have what is needed.
 */
#include "lab/record.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "lab/result_json.h"

enum {
	FILE_BYTES = 256 << 20,
	ARENA_BYTES = 64 << 20,
};

void record_git_commit(char out[RECORD_COMMIT_BYTES])
{
	char line[RECORD_COMMIT_BYTES] = "";
	FILE *in =
	    popen("git describe --always --dirty=+ --abbrev=12 --exclude='*' 2>/dev/null", "re");

	if (in != NULL) {
		if (fgets(line, sizeof(line), in) == NULL) {
			line[0] = '\0';
		}
		(void)pclose(in);
	}
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(out, RECORD_COMMIT_BYTES, "%s", line);
}

/* ---- of results ---- */

static struct record_cost *add_cost(struct record *r)
{
	return r->n_costs < RECORD_COSTS_MAX ? &r->costs[r->n_costs++] : NULL;
}

/* Of one of the mix; where only one activity was done, of that. */
static void cost_of_load(const struct json *result, struct record *r)
{
	const struct json *activities = json_member(result, "activities");
	struct interval us = { 0 };
	struct record_cost *cost = NULL;
	const struct json *only = NULL;
	unsigned n_done = 0;

	for (size_t i = 0; i < json_count(activities); i++) {
		const struct json *a = json_element(activities, i);
		int64_t done = 0;
		if (json_get_i64(json_member(a, "done"), &done) && done > 0) {
			only = a;
			n_done++;
		}
	}
	const struct json *v = json_member(json_member(result, "target"), "cpu_us_per_activity");
	if (!result_get_interval(v, 1, &us) || us.value <= 0 || (cost = add_cost(r)) == NULL) {
		return;
	}
	cost->us = us;
	(void)snprintf(cost->activity, sizeof(cost->activity), "any");
	if (n_done == 1) {
		result_get_text(json_member(only, "name"), cost->activity, sizeof(cost->activity));
	}
}

/* The sum over the roles; errors of roles are taken as independent. */
static void cost_of_line(const struct json *demands, const char *activity, struct record *r)
{
	const struct json *roles = json_member(demands, "roles");
	struct interval sum = { .known = true };
	double below = 0, above = 0;

	for (size_t i = 0; i < json_count(roles); i++) {
		const struct json *costs = json_member(json_element(roles, i), "cpu_seconds");
		char role[RECORD_NAME_BYTES];
		result_get_text(json_member(json_element(roles, i), "name"), role, sizeof(role));
		if (strcmp(role, "machine") == 0) {
			continue; /* all roles together */
		}
		for (size_t k = 0; k < json_count(costs); k++) {
			const struct json *c = json_element(costs, k);
			char name[RECORD_NAME_BYTES];
			struct interval one = { 0 };
			result_get_text(json_member(c, "activity"), name, sizeof(name));
			if (strcmp(name, activity) != 0 || !result_get_interval(c, 1e6, &one)) {
				continue;
			}
			sum.value += one.value;
			sum.known = sum.known && one.known;
			below += (one.value - one.low) * (one.value - one.low);
			above += (one.high - one.value) * (one.high - one.value);
		}
	}
	struct record_cost *cost = sum.value > 0 ? add_cost(r) : NULL;
	if (cost != NULL) {
		cost->us = (struct interval){ sum.value, fmax(0, sum.value - sqrt(below)),
			sum.value + sqrt(above), sum.known };
		(void)snprintf(cost->activity, sizeof(cost->activity), "%s", activity);
	}
}

static void costs_of_line(const struct json *result, struct record *r)
{
	const struct json *demands = json_member(result, "demands");
	const struct json *activities = json_member(json_member(result, "model"), "activities");

	for (size_t i = 0; i < json_count(activities); i++) {
		char name[RECORD_NAME_BYTES];
		result_get_text(
		    json_member(json_element(activities, i), "name"), name, sizeof(name));
		cost_of_line(demands, name, r);
	}
}

/* A replay is compared with those of the same part of the same log. */
static void name_replay(const struct json *replay, struct record *r)
{
	result_get_text(json_member(replay, "log"), r->model, sizeof(r->model));
	(void)snprintf(r->preset, sizeof(r->preset), "%llu requests",
	    (unsigned long long)result_get_count(replay, "requests"));
	(void)snprintf(r->kind, sizeof(r->kind), "replay");
}

static enum err of_result(const struct json *result, struct record *r, struct err_note *note)
{
	const struct json *model = json_member(result, "model"),
			  *replay = json_member(result, "replay");
	bool flag = false;
	char format[32];

	result_get_text(json_member(result, "format"), format, sizeof(format));
	if (strcmp(format, "plimsoll-load") == 0) {
		const struct json *causes = json_member(json_member(result, "generator"), "void");
		result_get_text(model, r->model, sizeof(r->model));
		result_get_text(json_member(result, "preset"), r->preset, sizeof(r->preset));
		r->is_void = json_count(causes) > 0 ||
			     (json_get_bool(json_member(result, "interrupted"), &flag) && flag);
		cost_of_load(result, r);
	} else if (strcmp(format, "plimsoll-line") == 0) {
		result_get_text(json_member(model, "name"), r->model, sizeof(r->model));
		result_get_text(json_member(model, "preset"), r->preset, sizeof(r->preset));
		r->is_void = json_get_bool(json_member(result, "complete"), &flag) && !flag;
		costs_of_line(result, r);
	} else {
		return err_note_set(
		    note, ERR_SYNTAX, "it is no result of plimsoll load or line (--json)");
	}
	(void)snprintf(r->kind, sizeof(r->kind), "%s", format + sizeof("plimsoll-") - 1);
	if (replay != NULL) {
		name_replay(replay, r);
	}
	return ERR_OK;
}

/* ---- the line ---- */

static void put_costs(struct json_writer *w, const struct record *r)
{
	json_put_name(w, SLICE("costs"));
	json_begin_array(w);
	for (unsigned i = 0; i < r->n_costs; i++) {
		const struct record_cost *c = &r->costs[i];
		json_begin_object(w);
		result_put_text(w, "activity", c->activity);
		result_put_bounds(w, &c->us);
		json_end_object(w);
	}
	json_end_array(w);
}

/* What may be read of the run beside what is compared: as it stood in the result. */
static void put_rest(struct json_writer *w, const struct json *result)
{
	static const char *const names[] = { "url", "users", "seed", "seconds", "slo", "saturation",
		"slo_limit" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct json *v = json_member(result, names[i]);
		if (v != NULL) {
			json_put_name(w, slice_str(names[i]));
			json_put_value(w, v);
		}
	}
}

enum err record_write(const struct json *result, const struct machine *machine, const char *commit,
    struct buf *out, struct err_note *note)
{
	struct record r = { .at_ms = clock_wall_ms() };
	struct json_writer w = json_writer_new(out);

	enum err e = of_result(result, &r, note);
	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&w);
	result_put_text(&w, "format", "plimsoll-record");
	json_put_name(&w, SLICE("at_ms"));
	json_put_i64(&w, r.at_ms);
	result_put_text(&w, "commit", commit);
	result_put_text(&w, "kind", r.kind);
	result_put_text(&w, "model", r.model);
	result_put_text(&w, "preset", r.preset);
	result_put_flag(&w, "void", r.is_void);
	json_put_name(&w, SLICE("machine"));
	machine_put_json(machine, &w);
	put_costs(&w, &r);
	put_rest(&w, result);
	json_end_object(&w);
	buf_append_char(out, '\n');
	return out->failed ? err_note_set(note, ERR_LIMIT, "the record is too long") : ERR_OK;
}

enum err record_append(const char *path, struct slice line, struct err_note *note)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	enum err e = ERR_OK;

	if (fd < 0) {
		return err_note_set(note, err_from_errno(errno), "%s", strerror(errno));
	}
	/* In one piece: two that append at the same time do not mix. */
	ssize_t n = write(fd, line.ptr, line.len);
	if (n != (ssize_t)line.len) {
		e = n < 0 ? err_note_set(note, err_from_errno(errno), "%s", strerror(errno))
			  : err_note_set(note, ERR_DISK_FULL, "the disk is full");
	}
	if (close(fd) != 0 && e == ERR_OK) {
		e = err_note_set(note, err_from_errno(errno), "%s", strerror(errno));
	}
	return e;
}

/* ---- reading ---- */

static bool read_record(const struct json *v, struct record *ret)
{
	struct record r = { .at_ms = 0 };
	char format[32];
	const struct json *costs = json_member(v, "costs");

	result_get_text(json_member(v, "format"), format, sizeof(format));
	if (strcmp(format, "plimsoll-record") != 0 ||
	    !json_get_i64(json_member(v, "at_ms"), &r.at_ms)) {
		return false;
	}
	result_get_text(json_member(v, "commit"), r.commit, sizeof(r.commit));
	result_get_text(json_member(v, "kind"), r.kind, sizeof(r.kind));
	result_get_text(json_member(v, "model"), r.model, sizeof(r.model));
	result_get_text(json_member(v, "preset"), r.preset, sizeof(r.preset));
	(void)json_get_bool(json_member(v, "void"), &r.is_void);
	r.machine = machine_of_json(json_member(v, "machine"));
	for (size_t i = 0; i < json_count(costs); i++) {
		const struct json *c = json_element(costs, i);
		struct interval us = { 0 };
		struct record_cost *cost = result_get_interval(c, 1, &us) ? add_cost(&r) : NULL;
		if (cost != NULL) {
			cost->us = us;
			result_get_text(
			    json_member(c, "activity"), cost->activity, sizeof(cost->activity));
		}
	}
	*ret = r;
	return true;
}

/* Keeps the last RECORDS_MAX in order. */
static bool keep(struct record **all, size_t *n, const struct record *r)
{
	if (*n == RECORDS_MAX) {
		memmove(*all, *all + 1, (RECORDS_MAX - 1) * sizeof(**all));
		(*n)--;
	}
	if ((*n & (*n - 1)) == 0) { /* room for 1, 2, 4, 8, ... */
		struct record *more = realloc(*all, (*n == 0 ? 1 : 2 * *n) * sizeof(**all));
		if (more == NULL) {
			return false;
		}
		*all = more;
	}
	(*all)[(*n)++] = *r;
	return true;
}

static enum err read_lines(
    struct slice text, struct record **all, size_t *n, size_t *bad, struct err_note *note)
{
	for (struct slice line; slice_split(&text, '\n', &line);) {
		struct arena arena = arena_new(ARENA_BYTES);
		struct err_note ignored = { 0 };
		const struct json *v = NULL;
		struct record r;

		if (slice_trim(line).len == 0) {
			continue;
		}
		bool good = line.len <= RECORD_LINE_BYTES &&
			    json_parse(&arena, line, &v, &ignored) == ERR_OK && read_record(v, &r);
		arena_reset(&arena);
		*bad += good ? 0 : 1;
		if (good && !keep(all, n, &r)) {
			return err_note_set(note, ERR_MEMORY, "no memory for the records");
		}
	}
	return ERR_OK;
}

enum err record_read_all(
    const char *path, struct record **ret, size_t *ret_n, size_t *ret_bad, struct err_note *note)
{
	struct buf text = buf_new(FILE_BYTES);
	struct record *all = NULL;
	size_t n = 0, bad = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return err_note_set(note, err_from_errno(errno), "%s: %s", path, strerror(errno));
	}
	enum err e = buf_read_all(&text, fd);
	close(fd);
	if (e != ERR_OK) {
		e = err_note_set(note, e, "%s cannot be read: %s", path, err_text(e));
	} else {
		e = read_lines(buf_slice(&text), &all, &n, &bad, note);
	}
	buf_free(&text);
	if (e != ERR_OK) {
		free(all);
		return e;
	}
	*ret = all;
	*ret_n = n;
	*ret_bad = bad;
	return ERR_OK;
}
