/*
 * Reading a request. Members come in any order, so nothing can be judged before the end of a job:
 * frames and modules are kept with what is wrong with them, symbolicate_check.c complains in the
 * order of the protocol. Of all else nothing is kept.
 */
#include <stdio.h>

#include "core/base/json_pull.h"
#include "services/symbols/symbolicate_priv.h"

struct reading {
	struct asked *a;
	struct json_pull *pull;
	struct json_item item; /* the last one */
};

static enum err next(struct reading *r)
{
	r->item.text = SLICE_EMPTY;
	enum err e = json_pull_next(r->pull, &r->item);

	if (e == ERR_OK && r->item.event == JSON_LARGE_INT &&
	    r->item.text.len > SYMBOLICATE_DIGITS_MAX) {
		return ERR_SYNTAX;
	}
	return e == ERR_OK ? asked_breathe(r->a, BREATHE_ITEMS) : e;
}

static enum err skip(struct reading *r)
{
	return json_pull_skip(r->pull, &r->item);
}

static enum err limit(struct asked *a, const char *what, uint32_t max)
{
	(void)snprintf(a->title, sizeof(a->title),
	    "please limit number of %s in a single request to <= %u", what, max);
	return ERR_INVALID;
}

/* ---- frames ---- */

static void take_index(const struct json_item *item, struct frame_asked *f)
{
	bool is_negative = item->text.len > 0 && item->text.ptr[0] == '-';

	if (item->event == JSON_LARGE_INT && !is_negative) {
		f->module = INT32_MAX;
	} else if (item->event == JSON_INT && item->integer >= -1) {
		f->module = item->integer > INT32_MAX ? INT32_MAX : (int32_t)item->integer;
	} else {
		f->flaw = FLAW_FIRST;
	}
}

/* What fits 64 bits without sign, and what is larger than anything. */
static void take_large(struct asked *a, struct slice digits, struct frame_asked *f)
{
	if (slice_to_u64(digits, UINT64_MAX, &f->offset) == ERR_OK) {
		return;
	}
	f->offset_kind = OFFSET_LARGE;
	f->offset = a->large.len;
	buf_append_slice(&a->large, digits);
	buf_append_char(&a->large, '\0');
}

static void take_offset(struct asked *a, const struct json_item *item, struct frame_asked *f)
{
	if (item->event == JSON_INT && item->integer >= -1) {
		f->offset = item->integer == -1 ? 0 : (uint64_t)item->integer;
		f->offset_kind = item->integer == -1 ? OFFSET_MINUS_ONE : OFFSET_KNOWN;
	} else if (item->event == JSON_LARGE_INT && item->text.ptr[0] != '-') {
		take_large(a, item->text, f);
	} else {
		f->flaw_second = FLAW_SECOND;
	}
}

/* The items of a list behind its beginning: two of them are what is wanted. */
static enum err take_frame(struct reading *r)
{
	struct frame_asked f = { .flaw = FLAW_NONE };
	unsigned n = 0;
	enum err e = ERR_OK;

	if (asked_count(&r->a->frames, sizeof(f)) == r->a->call->limits->frames) {
		return limit(r->a, "frames", r->a->call->limits->frames);
	}
	if (r->item.event != JSON_BEGIN_ARRAY) {
		f.flaw = FLAW_SHAPE;
		e = skip(r);
	} else {
		while ((e = next(r)) == ERR_OK && r->item.event != JSON_END_ARRAY) {
			if (n == 0) {
				take_index(&r->item, &f);
			} else if (n == 1) {
				take_offset(r->a, &r->item, &f);
			}
			n++;
			e = skip(r);
			if (e != ERR_OK) {
				return e;
			}
		}
		f.flaw = n == 2 ? f.flaw : FLAW_SHAPE;
	}
	buf_append(&r->a->frames, &f, sizeof(f));
	return e;
}

static enum err take_stack(struct reading *r)
{
	struct asked *a = r->a;
	struct stack_asked s = { .first = asked_count(&a->frames, sizeof(struct frame_asked)),
		.is_list = r->item.event == JSON_BEGIN_ARRAY };
	enum err e = ERR_OK;

	if (asked_count(&a->stacks, sizeof(s)) == a->call->limits->frames) {
		return limit(a, "stacks", a->call->limits->frames);
	}
	if (!s.is_list) {
		e = skip(r);
	}
	while (s.is_list && e == ERR_OK && (e = next(r)) == ERR_OK &&
	       r->item.event != JSON_END_ARRAY) {
		e = take_frame(r);
	}
	s.n = asked_count(&a->frames, sizeof(struct frame_asked)) - s.first;
	buf_append(&a->stacks, &s, sizeof(s));
	return e;
}

/* What Python calls false: an empty value of any type. */
static bool is_empty_value(const struct json_item *item)
{
	bool is_zero = (item->event == JSON_BOOL || item->event == JSON_INT) && item->integer == 0;

	return item->event == JSON_NULL || is_zero ||
	       (item->event == JSON_STRING && item->text.len == 0);
}

static enum err take_stacks(struct reading *r, struct job_asked *job)
{
	struct asked *a = r->a;
	enum err e = ERR_OK;

	job->has_stacks = true;
	job->stacks_are_list = r->item.event == JSON_BEGIN_ARRAY;
	job->stacks_are_empty = is_empty_value(&r->item);
	job->first_stack = asked_count(&a->stacks, sizeof(struct stack_asked));
	job->n_stacks = 0;
	if (r->item.event == JSON_BEGIN_OBJECT) {
		e = next(r);
		job->stacks_are_empty = e == ERR_OK && r->item.event == JSON_END_OBJECT;
		while (e == ERR_OK && r->item.event != JSON_END_OBJECT) {
			/* A name: its value, then the next name. */
			e = next(r);
			e = e == ERR_OK ? skip(r) : e;
			e = e == ERR_OK ? next(r) : e;
		}
		return e;
	}
	if (!job->stacks_are_list) {
		return skip(r);
	}
	while (e == ERR_OK && (e = next(r)) == ERR_OK && r->item.event != JSON_END_ARRAY) {
		e = take_stack(r);
		job->n_stacks++;
	}
	job->stacks_are_empty = job->n_stacks == 0;
	return e;
}

/* ---- modules ---- */

static enum err take_module(struct reading *r)
{
	struct asked *a = r->a;
	struct module_asked m = { .flaw = FLAW_NONE };
	unsigned n = 0;
	enum err e = ERR_OK;

	if (asked_count(&a->modules, sizeof(m)) == a->call->limits->modules) {
		return limit(a, "modules", a->call->limits->modules);
	}
	bool is_list = r->item.event == JSON_BEGIN_ARRAY;
	if (!is_list) {
		e = skip(r);
	}
	while (
	    is_list && e == ERR_OK && (e = next(r)) == ERR_OK && r->item.event != JSON_END_ARRAY) {
		bool is_text = r->item.event == JSON_STRING;
		if (n == 0) {
			m.file = r->item.text;
			m.flaw = is_text ? m.flaw : FLAW_FIRST;
		} else if (n == 1) {
			m.id = r->item.text;
			m.flaw_second = is_text ? 0 : FLAW_SECOND;
		}
		n++;
		e = skip(r);
	}
	m.flaw = n == 2 ? m.flaw : FLAW_SHAPE;
	buf_append(&a->modules, &m, sizeof(m));
	return e;
}

static enum err take_modules(struct reading *r, struct job_asked *job)
{
	enum err e = ERR_OK;

	job->has_modules = true;
	job->modules_are_list = r->item.event == JSON_BEGIN_ARRAY;
	job->first_module = asked_count(&r->a->modules, sizeof(struct module_asked));
	job->n_modules = 0;
	if (!job->modules_are_list) {
		return skip(r);
	}
	while (e == ERR_OK && (e = next(r)) == ERR_OK && r->item.event != JSON_END_ARRAY) {
		e = take_module(r);
		job->n_modules++;
	}
	return e;
}

/* ---- jobs ---- */

static enum err take_jobs(struct reading *r);

/* The members of an object behind its beginning. is_top: it may have a list of jobs. */
static enum err take_job(struct reading *r, struct job_asked *job, bool is_top)
{
	*job = (struct job_asked){ .is_object = r->item.event == JSON_BEGIN_OBJECT };
	if (!job->is_object) {
		return skip(r);
	}
	for (;;) {
		enum err e = next(r);
		if (e != ERR_OK || r->item.event == JSON_END_OBJECT) {
			return e;
		}
		struct slice name = r->item.text;
		e = next(r);
		if (e != ERR_OK) {
			return e;
		}
		if (slice_eq(name, SLICE("stacks"))) {
			e = take_stacks(r, job);
		} else if (slice_eq(name, SLICE("memoryMap"))) {
			e = take_modules(r, job);
		} else if (is_top && slice_eq(name, SLICE("jobs"))) {
			e = take_jobs(r);
		} else {
			e = skip(r);
		}
		if (e != ERR_OK) {
			return e;
		}
	}
}

static enum err take_jobs(struct reading *r)
{
	struct asked *a = r->a;
	unsigned n = 0;
	enum err e = ERR_OK;

	a->has_list = true;
	if (r->item.event != JSON_BEGIN_ARRAY) {
		/* A list of one that is no job. */
		a->jobs[0] = (struct job_asked){ .is_object = false };
		a->n_jobs = 1;
		return skip(r);
	}
	while (e == ERR_OK && (e = next(r)) == ERR_OK && r->item.event != JSON_END_ARRAY) {
		e = n < SYMBOLICATE_JOBS_MAX ? take_job(r, &a->jobs[n], false) : skip(r);
		n++;
	}
	a->n_jobs = n;
	return e;
}

static enum err read_all(struct reading *r)
{
	struct asked *a = r->a;
	enum err e = next(r);

	if (e == ERR_OK) {
		e = take_job(r, &a->jobs[SYMBOLICATE_JOBS_MAX], true);
	}
	e = e == ERR_OK ? next(r) : e;
	if (e != ERR_OK) {
		return e;
	}
	/* The fourth version knows no list of jobs. */
	bool has_list = a->has_list && a->call->version != SYMBOLICATE_V4;
	a->list = has_list ? a->jobs : &a->jobs[SYMBOLICATE_JOBS_MAX];
	a->n_jobs = has_list ? a->n_jobs : 1;
	if (a->frames.failed || a->stacks.failed || a->modules.failed || a->large.failed) {
		return ERR_MEMORY;
	}
	return a->n_jobs > SYMBOLICATE_JOBS_MAX ? limit(a, "jobs", SYMBOLICATE_JOBS_MAX) : ERR_OK;
}

enum err asked_read(struct asked *a)
{
	struct reading r = { .a = a };
	enum err e = json_pull_new(a->call->arena, a->call->body, &r.pull, NULL);

	if (e == ERR_OK) {
		e = read_all(&r);
	}
	if (e == ERR_SYNTAX || e == ERR_LIMIT) {
		(void)snprintf(a->title, sizeof(a->title), "Payload is not valid JSON");
		return ERR_INVALID;
	}
	return e;
}
