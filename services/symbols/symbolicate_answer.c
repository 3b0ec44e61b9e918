/*
 * The two forms of the answer. Names are taken out of the indexes one at a time and written at
 * once.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/json.h"
#include "services/symbols/symbolicate_priv.h"

enum {
	HEX_SIZE = 24,
	LIMB_MAX = SYMBOLICATE_DIGITS_MAX / 9 + 2
};

/* A frame and what is known of it. */
struct frame_known {
	const struct frame_asked *asked;
	struct module_used *module; /* NULL: none */
	bool is_found;
	struct sym_found found;
};

static struct module_used *module_of(
    struct asked *a, const struct job_asked *job, const struct frame_asked *f)
{
	return f->module < 0
		   ? NULL
		   : asked_used(
			 a, asked_modules(a, job->first_module + (uint32_t)f->module)->unique);
}

static void find(
    struct asked *a, const struct job_asked *job, uint32_t frame, struct frame_known *k)
{
	k->asked = asked_frames(a, frame);
	k->module = module_of(a, job, k->asked);
	k->is_found = k->module != NULL && k->module->index != NULL &&
		      k->asked->offset_kind == OFFSET_KNOWN &&
		      sym_index_find(k->module->index, k->asked->offset, &k->found);
}

static struct slice module_name(const struct frame_known *k)
{
	return k->module == NULL || k->module->file.len == 0 ? SLICE("<unknown>")
							     : k->module->code_file;
}

/* ---- offsets ---- */

/* Multiplies a number of n limbs and adds; returns how many limbs it has now. */
static unsigned multiply(uint32_t *limbs, unsigned n, uint32_t factor, uint64_t carry)
{
	for (unsigned k = 0; k < n; k++) {
		carry += (uint64_t)limbs[k] * factor;
		limbs[k] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry != 0) {
		limbs[n++] = (uint32_t)carry;
	}
	return n;
}

/* Decimal digits of any number as hexadecimal ones. */
static void put_large(struct buf *out, struct slice digits)
{
	uint32_t limbs[LIMB_MAX] = { 0 };
	unsigned n = 1;

	for (size_t i = 0; i < digits.len;) {
		uint32_t factor = 1, part = 0;
		for (; factor < 1000000000 && i < digits.len; i++) {
			part = part * 10 + (uint32_t)(digits.ptr[i] - '0');
			factor *= 10;
		}
		n = multiply(limbs, n, factor, part);
	}
	buf_printf(out, "0x%" PRIx32, limbs[n - 1]);
	while (--n > 0) {
		buf_printf(out, "%08" PRIx32, limbs[n - 1]);
	}
}

static void put_offset(struct asked *a, const struct frame_asked *f, struct buf *out)
{
	if (f->offset_kind == OFFSET_MINUS_ONE) {
		buf_append_str(out, "-0x1");
	} else if (f->offset_kind == OFFSET_LARGE) {
		put_large(out, slice_str(a->large.data + f->offset));
	} else {
		buf_printf(out, "0x%" PRIx64, f->offset);
	}
}

static void put_hex(struct json_writer *w, struct slice name, uint32_t n)
{
	char text[HEX_SIZE];
	int len = snprintf(text, sizeof(text), "0x%" PRIx32, n);

	json_put_name(w, name);
	json_put_string(w, SLICE_OF(text, (size_t)len));
}

/* ---- v5 ---- */

/* A name of the index; damage leaves it empty, and the index is marked. */
static void put_text(struct asked *a, struct json_writer *w, struct sym_index *ix, uint32_t name)
{
	buf_clear(&a->text);
	(void)sym_index_text(ix, name, &a->text);
	json_put_string(w, buf_slice(&a->text));
}

static void put_place(
    struct asked *a, struct json_writer *w, struct sym_index *ix, const struct sym_call *call)
{
	if (call->file != 0) {
		json_put_name(w, SLICE("file"));
		put_text(a, w, ix, call->file);
		if (call->line != 0) {
			json_put_name(w, SLICE("line"));
			json_put_i64(w, call->line);
		}
	}
}

/* The innermost first. */
static void put_inlines(
    struct asked *a, struct json_writer *w, struct sym_index *ix, const struct sym_found *f)
{
	if (f->n_calls < 2) {
		return;
	}
	json_put_name(w, SLICE("inlines"));
	json_begin_array(w);
	for (unsigned i = f->n_calls - 1; i > 0; i--) {
		json_begin_object(w);
		json_put_name(w, SLICE("function"));
		put_text(a, w, ix, f->calls[i].function);
		put_place(a, w, ix, &f->calls[i]);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_found(struct asked *a, struct json_writer *w, const struct frame_known *k)
{
	struct sym_index *ix = k->module->index;
	const struct sym_found *f = &k->found;

	json_put_name(w, SLICE("function"));
	put_text(a, w, ix, f->calls[0].function);
	put_hex(w, SLICE("function_offset"), (uint32_t)k->asked->offset - f->start);
	if (f->size != 0) {
		put_hex(w, SLICE("function_size"), f->size);
	}
	put_place(a, w, ix, &f->calls[0]);
	put_inlines(a, w, ix, f);
}

static void put_frame(
    struct asked *a, struct json_writer *w, uint32_t i, const struct frame_known *k)
{
	json_begin_object(w);
	json_put_name(w, SLICE("frame"));
	json_put_i64(w, i);
	json_put_name(w, SLICE("module"));
	json_put_string(w, module_name(k));
	json_put_name(w, SLICE("module_offset"));
	buf_clear(&a->text);
	put_offset(a, k->asked, &a->text);
	json_put_string(w, buf_slice(&a->text));
	if (k->is_found) {
		put_found(a, w, k);
	}
	json_end_object(w);
}

/* ---- v4 ---- */

static void put_line(struct asked *a, struct json_writer *w, const struct frame_known *k)
{
	buf_clear(&a->text);
	if (k->is_found) {
		(void)sym_index_text(k->module->index, k->found.calls[0].function, &a->text);
	} else {
		put_offset(a, k->asked, &a->text);
	}
	buf_append_str(&a->text, " (in ");
	buf_append_slice(&a->text, module_name(k));
	buf_append_str(&a->text, ")");
	json_put_string(w, buf_slice(&a->text));
}

/* ---- stacks and modules ---- */

static enum err put_stack(
    struct asked *a, struct json_writer *w, const struct job_asked *job, uint32_t stack)
{
	const struct stack_asked *s = asked_stacks(a, job->first_stack + stack);
	struct frame_known k = { .asked = NULL };
	enum err e = ERR_OK;

	json_begin_array(w);
	for (uint32_t i = 0; e == ERR_OK && i < s->n; i++) {
		find(a, job, s->first + i, &k);
		if (a->call->version == SYMBOLICATE_V4) {
			put_line(a, w, &k);
		} else {
			put_frame(a, w, i, &k);
		}
		e = w->out->failed ? ERR_LIMIT : asked_breathe(a, BREATHE_FRAMES);
	}
	json_end_array(w);
	return e;
}

static enum err put_stacks(struct asked *a, struct json_writer *w, const struct job_asked *job)
{
	enum err e = ERR_OK;

	json_begin_array(w);
	for (uint32_t i = 0; e == ERR_OK && i < job->n_stacks; i++) {
		e = put_stack(a, w, job, i);
	}
	json_end_array(w);
	return e;
}

/* true: loaded; false: not usable; null: nobody asked for it, or nobody could. */
static void put_known(struct json_writer *w, const struct module_used *u, unsigned job)
{
	if ((u->used_by >> job & 1) == 0 || u->file.len == 0 || u->id.len == 0) {
		json_put_null(w);
	} else {
		json_put_bool(w, u->index != NULL);
	}
}

/* By name: a module that stands twice in a memoryMap stands here once. */
static enum err put_found_modules(struct asked *a, struct json_writer *w, unsigned j)
{
	const struct job_asked *job = &a->list[j];
	enum err e = ERR_OK;

	json_begin_object(w);
	for (uint32_t i = 0; e == ERR_OK && i < job->n_modules; i++) {
		struct module_used *u =
		    asked_used(a, asked_modules(a, job->first_module + i)->unique);
		if ((u->told_by >> j & 1) != 0) {
			continue;
		}
		u->told_by |= (uint16_t)(1u << j);
		buf_clear(&a->text);
		buf_append_slice(&a->text, u->file);
		buf_append_char(&a->text, '/');
		buf_append_slice(&a->text, u->id);
		json_put_name(w, buf_slice(&a->text));
		put_known(w, u, j);
		e = asked_breathe(a, BREATHE_FRAMES);
	}
	json_end_object(w);
	return e;
}

static enum err answer_v5(struct asked *a, struct json_writer *w)
{
	enum err e = ERR_OK;

	json_begin_object(w);
	json_put_name(w, SLICE("results"));
	json_begin_array(w);
	for (unsigned j = 0; e == ERR_OK && j < a->n_jobs; j++) {
		json_begin_object(w);
		json_put_name(w, SLICE("stacks"));
		e = put_stacks(a, w, &a->list[j]);
		json_put_name(w, SLICE("found_modules"));
		e = e == ERR_OK ? put_found_modules(a, w, j) : e;
		json_end_object(w);
	}
	json_end_array(w);
	if (a->call->wants_debug) {
		json_put_name(w, SLICE("debug"));
		asked_debug(a, w);
	}
	json_end_object(w);
	return e;
}

static enum err answer_v4(struct asked *a, struct json_writer *w)
{
	const struct job_asked *job = &a->list[0];

	json_begin_object(w);
	json_put_name(w, SLICE("symbolicatedStacks"));
	enum err e = put_stacks(a, w, job);
	json_put_name(w, SLICE("knownModules"));
	json_begin_array(w);
	for (uint32_t i = 0; i < job->n_modules; i++) {
		put_known(w, asked_used(a, asked_modules(a, job->first_module + i)->unique), 0);
	}
	json_end_array(w);
	json_end_object(w);
	return e;
}

enum err asked_answer(struct asked *a, struct buf *out)
{
	struct json_writer w = json_writer_new(out);
	enum err e = a->call->version == SYMBOLICATE_V4 ? answer_v4(a, &w) : answer_v5(a, &w);

	return e == ERR_OK && out->failed ? ERR_LIMIT : e;
}
