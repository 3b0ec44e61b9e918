/*
 * The checks of a request, in the protocol's order and words: job by job, of each its modules
 * first, then its stacks. The first thing that is wrong is told, and the whole request refused.
 */
#include <stdarg.h>
#include <stdio.h>

#include "services/symbols/symbolicate_priv.h"

/* Characters that a debug_filename may have beside letters and digits. */
static const char file_marks[] = "_.+{}@<> ~-";

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_file(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_letter_or_digit(s.ptr[i]) &&
		    slice_find(SLICE_OF(file_marks, sizeof(file_marks) - 1), s.ptr[i], 0) ==
			sizeof(file_marks) - 1) {
			return false;
		}
	}
	return true;
}

static bool is_id(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_letter_or_digit(s.ptr[i]) || (s.ptr[i] | 0x20) > 'f') {
			return false;
		}
	}
	return true;
}

static enum err refuse(struct asked *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static enum err refuse(struct asked *a, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(a->title, sizeof(a->title), fmt, args);
	va_end(args);
	return ERR_INVALID;
}

static enum err check_modules(struct asked *a, unsigned job)
{
	const struct job_asked *j = &a->list[job];

	if (!j->modules_are_list) {
		return refuse(a, "job %u has invalid modules: modules must be a list", job);
	}
	for (uint32_t i = 0; i < j->n_modules; i++) {
		const struct module_asked *m = asked_modules(a, j->first_module + i);
		if (m->flaw == FLAW_SHAPE) {
			return refuse(a,
			    "job %u has invalid modules: module index %u does not have a "
			    "debug_filename and debug_id",
			    job, i);
		}
		if (m->flaw == FLAW_FIRST || !is_file(m->file)) {
			return refuse(a,
			    "job %u has invalid modules: module index %u has an invalid "
			    "debug_filename",
			    job, i);
		}
		if (m->flaw_second != 0 || !is_id(m->id)) {
			return refuse(a,
			    "job %u has invalid modules: module index %u has an invalid debug_id",
			    job, i);
		}
		enum err e = asked_breathe(a, BREATHE_ITEMS);
		if (e != ERR_OK) {
			return e;
		}
	}
	return ERR_OK;
}

static enum err check_frame(
    struct asked *a, unsigned job, uint32_t stack, uint32_t i, const struct frame_asked *f)
{
	const char *what = NULL;

	if (f->flaw == FLAW_SHAPE) {
		what = "is not a list of two items";
	} else if (f->flaw == FLAW_FIRST) {
		what = "has an invalid module_index";
	} else if (f->module >= 0 && (uint32_t)f->module >= a->list[job].n_modules) {
		what = "has a module_index that isn't in modules";
	} else if (f->flaw_second != 0) {
		what = "has an invalid module_offset";
	}
	if (what != NULL) {
		return refuse(
		    a, "job %u has invalid stacks: stack %u frame %u %s", job, stack, i, what);
	}
	return asked_breathe(a, BREATHE_ITEMS);
}

static enum err check_stack(struct asked *a, unsigned job, uint32_t i)
{
	const struct stack_asked *s = asked_stacks(a, a->list[job].first_stack + i);
	enum err e = ERR_OK;

	if (!s->is_list) {
		return refuse(a, "job %u has invalid stacks: stack %u is not a list", job, i);
	}
	for (uint32_t n = 0; e == ERR_OK && n < s->n; n++) {
		e = check_frame(a, job, i, n, asked_frames(a, s->first + n));
	}
	return e;
}

static enum err check_stacks(struct asked *a, unsigned job)
{
	const struct job_asked *j = &a->list[job];
	enum err e = ERR_OK;

	if (j->stacks_are_empty) {
		return refuse(a, "job %u has invalid stacks: no stacks specified", job);
	}
	if (!j->stacks_are_list) {
		return refuse(a, "job %u has invalid stacks: stacks must be a list of lists", job);
	}
	for (uint32_t i = 0; e == ERR_OK && i < j->n_stacks; i++) {
		e = check_stack(a, job, i);
	}
	return e;
}

static enum err check_job(struct asked *a, unsigned job)
{
	const struct job_asked *j = &a->list[job];

	if (!j->is_object) {
		return refuse(a, "job %u is invalid", job);
	}
	if (!j->has_stacks) {
		return refuse(a, "job %u is invalid: no stacks specified", job);
	}
	if (!j->has_modules) {
		return refuse(a, "job %u is invalid: no memoryMap specified", job);
	}
	enum err e = check_modules(a, job);
	return e == ERR_OK ? check_stacks(a, job) : e;
}

enum err asked_check(struct asked *a)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < a->n_jobs; i++) {
		e = check_job(a, i);
	}
	return e;
}
