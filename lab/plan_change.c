/*
 * --what-if: one change of one figure.
 */
#include <stdio.h>
#include <string.h>

#include "lab/plan_field.h"

struct change {
	struct slice name, key, value;
	bool factor; /* times value, not equal to it */
};

/* "NAME.KEY=VALUE"; a factor may stand behind the name of a key only, so the first sign decides. */
static enum err read_change(struct slice text, struct change *ret, struct err_note *note)
{
	size_t equal = slice_find(text, '=', 0), times = slice_find(text, '*', 0);
	size_t sign = equal < times ? equal : times;
	struct slice left = slice_trim(slice_sub(text, 0, sign));
	size_t dot = slice_find(left, '.', 0);

	if (sign == text.len || left.len == 0) {
		return err_note_set(note, ERR_SYNTAX,
		    "\"%.*s\" is no change: NAME.KEY=VALUE or NAME.KEY*FACTOR, as 'compute.cpu*4', "
		    "'signin.per_second=200' or 'growth=10%%'",
		    SLICE_ARG(text));
	}
	*ret = (struct change){ .name = slice_sub(left, 0, dot),
		.key = slice_sub(left, dot + 1, left.len),
		.value = slice_trim(slice_sub(text, sign + 1, text.len)),
		.factor = times < equal };
	return ERR_OK;
}

static enum err apply(const struct plan_field *f, const struct change *c, struct err_note *note)
{
	double value = 0;
	enum err e = plan_number(c->value, c->factor ? PLAN_UNIT_NUMBER : f->unit, &value, note);

	if (e != ERR_OK) {
		return e;
	}
	*f->value = c->factor ? *f->value * value : value;
	if (f->also != NULL) {
		*f->also = c->factor ? *f->also * value : value;
	}
	return ERR_OK;
}

/* All of a role's work. */
static enum err scale_role(
    struct plan_input *in, unsigned role, const struct change *c, struct err_note *note)
{
	double factor = 0;

	if (!c->factor) {
		return err_note_set(note, ERR_SYNTAX,
		    "\"%.*s.cpu\" is that of all activities: times something, as '%.*s.cpu*0.5'",
		    SLICE_ARG(c->name), SLICE_ARG(c->name));
	}
	enum err e = plan_number(c->value, PLAN_UNIT_NUMBER, &factor, note);
	for (unsigned i = 0; e == ERR_OK && i < in->n_activities; i++) {
		in->activities[i].cpu_s[role] *= factor;
		in->activities[i].cpu_high_s[role] *= factor;
	}
	return e;
}

static enum err change_role(
    struct plan_input *in, unsigned role, const struct change *c, struct err_note *note)
{
	struct plan_field field;
	unsigned group = 0;

	if (slice_eq(c->key, SLICE("cpu"))) {
		return scale_role(in, role, c, note);
	}
	if (slice_eq(c->key, SLICE("machine")) && !c->factor) {
		enum err e = plan_add_group(in, c->value, &group, note);
		if (e == ERR_OK) {
			in->roles[role].group = group;
		}
		return e;
	}
	enum err e = plan_field_find(in, SLICE("role"), c->name, c->key, &field, note);
	return e == ERR_OK ? apply(&field, c, note) : e;
}

static enum err change_one(
    struct plan_input *in, struct plan_options *o, struct slice text, struct err_note *note)
{
	struct change c = { .factor = false };
	struct plan_field field;
	enum err e = read_change(slice_trim(text), &c, note);

	if (e != ERR_OK) {
		return e;
	}
	if (c.key.len == 0) {
		e = plan_option_find(o, c.name, &field, note);
		/* Users that were not said are those of the input. */
		if (e == ERR_OK && field.value == &o->users && o->users <= 0) {
			o->users = in->users;
		}
		return e == ERR_OK ? apply(&field, &c, note) : e;
	}
	int role = plan_find_role(in, c.name), activity = plan_find_activity(in, c.name),
	    group = plan_find_group(in, c.name);
	if (role >= 0) {
		return change_role(in, (unsigned)role, &c, note);
	}
	if (activity < 0 && group < 0) {
		return err_note_set(note, ERR_NOT_FOUND,
		    "there is no role, activity or machine \"%.*s\"", SLICE_ARG(c.name));
	}
	if (group >= 0 && activity < 0 && slice_eq(c.key, SLICE("shape"))) {
		return slice_to_cstr(c.value, in->groups[group].shape, PLAN_NAME_BYTES);
	}
	e = plan_field_find(
	    in, activity >= 0 ? SLICE("activity") : SLICE("machine"), c.name, c.key, &field, note);
	return e == ERR_OK ? apply(&field, &c, note) : e;
}

enum err plan_change(
    struct plan_input *in, struct plan_options *o, const char *text, struct err_note *note)
{
	struct slice rest = slice_str(text);
	enum err e = ERR_OK;

	for (struct slice one; e == ERR_OK && slice_split(&rest, ',', &one);) {
		e = change_one(in, o, one, note);
	}
	return e;
}
