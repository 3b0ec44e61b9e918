/*
 * The steps of a request: read, check, find out which modules its frames name, open their indexes,
 * answer.
 */
#include "services/symbols/symbolicate.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fnv.h"
#include "core/base/json.h"
#include "services/symbols/sym_parse.h"
#include "services/symbols/symbolicate_priv.h"

enum {
	ID_MAX = 64 /* longer ones are nobody's */
};

static const char null_id[] = "000000000000000000000000000000000";

enum err asked_breathe(struct asked *a, unsigned every)
{
	const struct symbolicate_ways *ways = a->call->ways;

	if (ways->breathe == NULL || ++a->breath % every != 0) {
		return ERR_OK;
	}
	return ways->breathe(ways->arg);
}

/* ---- which modules ---- */

static uint32_t hash_of(const struct module_asked *m)
{
	uint64_t h = fnv1a(fnv1a(FNV1A_START, m->file), m->id);

	return (uint32_t)(h ^ h >> 32);
}

/* Gives a module its place among those of the request. */
static void intern(struct asked *a, struct module_asked *m)
{
	uint32_t slot = hash_of(m) & (a->n_slots - 1);

	for (; a->slots[slot] != 0; slot = (slot + 1) & (a->n_slots - 1)) {
		const struct module_used *u = asked_used(a, a->slots[slot] - 1);
		if (slice_eq(u->file, m->file) && slice_eq(u->id, m->id)) {
			m->unique = a->slots[slot] - 1;
			return;
		}
	}
	const struct module_used fresh = { .file = m->file, .id = m->id };
	m->unique = asked_count(&a->used, sizeof(fresh));
	buf_append(&a->used, &fresh, sizeof(fresh));
	a->slots[slot] = m->unique + 1;
}

static enum err intern_all(struct asked *a)
{
	uint32_t n = asked_count(&a->modules, sizeof(struct module_asked));

	a->n_slots = 16;
	while (a->n_slots < 2 * n) {
		a->n_slots *= 2;
	}
	a->slots = calloc(a->n_slots, sizeof(*a->slots));
	/* All at once, so that places stay where they are. */
	if (a->slots == NULL || buf_room(&a->used, (n + 1) * sizeof(struct module_used)) == NULL) {
		return ERR_MEMORY;
	}
	enum err e = ERR_OK;
	for (unsigned j = 0; j < a->n_jobs; j++) {
		for (uint32_t i = 0; e == ERR_OK && i < a->list[j].n_modules; i++) {
			intern(a, asked_modules(a, a->list[j].first_module + i));
			e = asked_breathe(a, BREATHE_ITEMS);
		}
	}
	return e;
}

static void mark_stack(struct asked *a, unsigned job, uint32_t stack)
{
	const struct stack_asked *s = asked_stacks(a, stack);

	for (uint32_t i = 0; i < s->n; i++) {
		const struct frame_asked *f = asked_frames(a, s->first + i);
		if (f->module < 0) {
			continue;
		}
		uint32_t module = a->list[job].first_module + (uint32_t)f->module;
		struct module_used *u = asked_used(a, asked_modules(a, module)->unique);
		u->used_by |= (uint16_t)(1u << job);
		u->stacks += u->stacks == 0 || u->last_stack != stack;
		u->last_stack = stack;
	}
}

static enum err mark_used(struct asked *a)
{
	enum err e = ERR_OK;

	for (unsigned j = 0; j < a->n_jobs; j++) {
		for (uint32_t i = 0; e == ERR_OK && i < a->list[j].n_stacks; i++) {
			mark_stack(a, j, a->list[j].first_stack + i);
			e = asked_breathe(a, BREATHE_FRAMES);
		}
	}
	return e;
}

/* ---- their indexes ---- */

/* The file must be of the module that was asked for, whatever the path said. */
static bool is_of_module(struct asked *a, struct sym_index *ix, struct slice id)
{
	buf_clear(&a->text);
	return sym_index_text(ix, sym_index_identity(ix).id, &a->text) &&
	       slice_eq_nocase(buf_slice(&a->text), id);
}

/* A name in the index, copied; ERR_NOT_FOUND: the index is damaged. */
static enum err copy_name(struct asked *a, struct sym_index *ix, uint32_t name, struct slice *ret)
{
	buf_clear(&a->text);
	if (!sym_index_text(ix, name, &a->text)) {
		return ERR_NOT_FOUND;
	}
	return arena_copy(a->call->arena, buf_slice(&a->text), ret);
}

static enum err take_opened(
    struct asked *a, struct module_used *u, const struct symbolicate_opened *opened)
{
	const struct symbolicate_ways *ways = a->call->ways;
	uint32_t name = sym_index_identity(opened->index).code_file;

	u->code_file = u->file;
	enum err e = is_of_module(a, opened->index, u->id) ? ERR_OK : ERR_NOT_FOUND;
	if (e == ERR_OK && name != 0) {
		e = copy_name(a, opened->index, name, &u->code_file);
	}
	if (e != ERR_OK) {
		ways->close(ways->arg, opened->index);
		return e;
	}
	u->index = opened->index;
	u->was_at_hand = opened->was_at_hand;
	u->was_built = opened->was_built;
	u->sym_bytes = opened->sym_bytes;
	return ERR_OK;
}

static enum err open_module(struct asked *a, struct module_used *u)
{
	const struct symbolicate_ways *ways = a->call->ways;
	struct symbolicate_opened opened = { .index = NULL };
	int64_t since_us = clock_mono_us();

	u->code_file = u->file;
	if (u->used_by == 0 || u->file.len == 0 || u->id.len == 0 || u->id.len > ID_MAX ||
	    slice_eq(u->id, SLICE_OF(null_id, sizeof(null_id) - 1))) {
		return ERR_OK;
	}
	enum err e = ways->open(ways->arg, u->file, u->id, &opened);
	if (e == ERR_OK) {
		e = take_opened(a, u, &opened);
	}
	u->is_asked = true;
	u->open_us = clock_mono_us() - since_us;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err open_all(struct asked *a)
{
	uint32_t n = asked_count(&a->used, sizeof(struct module_used));
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && i < n; i++) {
		e = open_module(a, asked_used(a, i));
		e = e == ERR_OK ? asked_breathe(a, BREATHE_MODULES) : e;
	}
	return e;
}

static void close_all(struct asked *a)
{
	const struct symbolicate_ways *ways = a->call->ways;
	uint32_t n = asked_count(&a->used, sizeof(struct module_used));

	for (uint32_t i = 0; i < n; i++) {
		if (asked_used(a, i)->index != NULL) {
			ways->close(ways->arg, asked_used(a, i)->index);
		}
	}
}

/* ---- the whole ---- */

static void init(struct asked *a, const struct symbolicate_call *call)
{
	const struct symbolicate_limits *l = call->limits;

	*a = (struct asked){ .call = call, .since_us = clock_mono_us() };
	a->frames = buf_new(2 * (size_t)l->frames * sizeof(struct frame_asked) + 64);
	a->stacks = buf_new(2 * (size_t)l->frames * sizeof(struct stack_asked) + 64);
	a->modules = buf_new(2 * (size_t)l->modules * sizeof(struct module_asked) + 64);
	a->used = buf_new((2 * (size_t)l->modules + 2) * sizeof(struct module_used));
	a->large = buf_new(call->body.len + (size_t)l->frames + 1);
	a->text = buf_new(2 * SYM_LINE_MAX);
}

static void fini(struct asked *a)
{
	close_all(a);
	free(a->slots);
	buf_free(&a->frames);
	buf_free(&a->stacks);
	buf_free(&a->modules);
	buf_free(&a->used);
	buf_free(&a->large);
	buf_free(&a->text);
}

static void put_title(const struct asked *a, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	buf_clear(out);
	json_begin_object(&w);
	json_put_name(&w, SLICE("title"));
	json_put_string(&w, slice_str(a->title));
	json_end_object(&w);
}

static struct symbolicate_work work_of(const struct asked *a)
{
	struct symbolicate_work w = { .stacks = asked_count(&a->stacks, sizeof(struct stack_asked)),
		.frames = asked_count(&a->frames, sizeof(struct frame_asked)) };
	uint32_t n = asked_count(&a->used, sizeof(struct module_used));

	for (uint32_t i = 0; i < n; i++) {
		w.modules += asked_used(a, i)->used_by != 0;
		w.modules_found += asked_used(a, i)->index != NULL;
	}
	return w;
}

static bool has_damage(struct asked *a)
{
	uint32_t n = asked_count(&a->used, sizeof(struct module_used));
	bool damaged = false;

	for (uint32_t i = 0; i < n; i++) {
		const struct sym_index *ix = asked_used(a, i)->index;
		damaged = damaged || (ix != NULL && sym_index_is_damaged(ix));
	}
	return damaged;
}

static enum err work(struct asked *a, struct buf *out)
{
	enum err e = asked_read(a);

	if (e == ERR_OK) {
		e = asked_check(a);
	}
	if (e == ERR_OK) {
		e = intern_all(a);
	}
	if (e == ERR_OK) {
		e = mark_used(a);
	}
	if (e == ERR_OK) {
		e = open_all(a);
	}
	if (e == ERR_OK) {
		e = asked_answer(a, out);
	}
	return e == ERR_OK && has_damage(a) ? ERR_CORRUPT : e;
}

enum err symbolicate(
    const struct symbolicate_call *call, struct buf *out, struct symbolicate_work *ret)
{
	struct asked *a = malloc(sizeof(*a));

	if (a == NULL) {
		return ERR_MEMORY;
	}
	init(a, call);
	enum err e = work(a, out);
	if (e == ERR_INVALID) {
		put_title(a, out);
	}
	*ret = work_of(a);
	fini(a);
	free(a);
	return e;
}
