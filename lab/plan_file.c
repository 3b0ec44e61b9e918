/*
 * [SECTION NAME] and key = value, taken apart by inih.
 */
#include "lab/plan_file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "lab/plan_field.h"

enum {
	LINE_BYTES = 1024
};

struct reading {
	struct plan_input *in;
	struct plan_shapes *shapes;
	struct err_note note; /* the first trouble */
	enum err failed;
};

/* "activity signup" to its two words. */
static void split_section(struct slice text, struct slice *ret_kind, struct slice *ret_name)
{
	size_t space = slice_find(text, ' ', 0);

	*ret_kind = slice_sub(text, 0, space);
	*ret_name = slice_trim(slice_sub(text, space, text.len));
}

/* ---- plan files ---- */

static enum err read_flag(struct slice value, bool *ret, struct err_note *note)
{
	*ret = slice_eq(value, SLICE("yes"));
	return *ret || slice_eq(value, SLICE("no"))
		   ? ERR_OK
		   : err_note_set(note, ERR_SYNTAX, "\"%.*s\" is not yes or no", SLICE_ARG(value));
}

static enum err make_named(
    struct plan_input *in, struct slice kind, struct slice name, struct err_note *note)
{
	unsigned number = 0;

	if (slice_eq(kind, SLICE("role"))) {
		return plan_add_role(in, name, &number, note);
	}
	if (slice_eq(kind, SLICE("activity"))) {
		return plan_add_activity(in, name, &number, note);
	}
	if (slice_eq(kind, SLICE("machine"))) {
		return plan_add_group(in, name, &number, note);
	}
	if (slice_eq(kind, SLICE("plan")) && name.len == 0) {
		return ERR_OK;
	}
	return err_note_set(note, ERR_NOT_FOUND,
	    "[%.*s]: there is [plan], [machine NAME], [role NAME] and [activity NAME]",
	    SLICE_ARG(kind));
}

/* What is no plain number; *ret_done says whether it was one of those. */
static enum err set_special(struct plan_input *in, struct slice kind, struct slice name,
    struct slice key, struct slice value, bool *ret_done, struct err_note *note)
{
	int role = plan_find_role(in, name), activity = plan_find_activity(in, name),
	    group = plan_find_group(in, name);
	unsigned number = 0;
	double per_day = 0;

	*ret_done = true;
	if (slice_eq(kind, SLICE("plan")) && slice_eq(key, SLICE("name"))) {
		(void)snprintf(in->name, sizeof(in->name), "%.*s", SLICE_ARG(value));
		return ERR_OK;
	}
	if (slice_eq(kind, SLICE("machine")) && slice_eq(key, SLICE("shape"))) {
		return slice_to_cstr(value, in->groups[group].shape, PLAN_NAME_BYTES);
	}
	if (slice_eq(kind, SLICE("role")) && slice_eq(key, SLICE("edge"))) {
		return read_flag(value, &in->roles[role].edge, note);
	}
	if (slice_eq(kind, SLICE("role")) && slice_eq(key, SLICE("machine"))) {
		enum err e = plan_add_group(in, value, &number, note);
		in->roles[role].group = e == ERR_OK ? number : in->roles[role].group;
		return e;
	}
	if (slice_eq(kind, SLICE("activity")) && slice_eq(key, SLICE("per_day"))) {
		enum err e = plan_number(value, PLAN_UNIT_NUMBER, &per_day, note);
		if (e == ERR_OK && !(in->users > 0)) {
			e = err_note_set(note, ERR_INVALID, "per_day needs [plan] users before it");
		}
		in->activities[activity].per_second = e == ERR_OK ? per_day * in->users / 86400 : 0;
		return e;
	}
	*ret_done = false;
	return ERR_OK;
}

static enum err set_plan(struct reading *r, struct slice section, struct slice key,
    struct slice value, struct err_note *note)
{
	struct slice kind, name;
	struct plan_field field;
	bool done = false;

	split_section(section, &kind, &name);
	enum err e = make_named(r->in, kind, name, note);
	if (e == ERR_OK) {
		e = set_special(r->in, kind, name, key, value, &done, note);
	}
	if (e != ERR_OK || done) {
		return e;
	}
	e = plan_field_find(r->in, kind, name, key, &field, note);
	if (e == ERR_OK) {
		e = plan_number(value, field.unit, field.value, note);
	}
	if (e == ERR_OK && field.also != NULL) {
		*field.also = *field.value;
	}
	return e;
}

/* ---- files of machines ---- */

static enum err shape_called(
    struct plan_shapes *s, struct slice name, struct plan_shape **ret, struct err_note *note)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (slice_eq(slice_str(s->shapes[i].name), name)) {
			*ret = &s->shapes[i];
			return ERR_OK;
		}
	}
	if (s->n == PLAN_SHAPES_MAX || name.len == 0 || name.len >= PLAN_NAME_BYTES) {
		return err_note_set(
		    note, ERR_LIMIT, "\"%.*s\": no name, or too many shapes", SLICE_ARG(name));
	}
	*ret = &s->shapes[s->n++];
	**ret = (struct plan_shape){ .speed = 1 };
	return slice_to_cstr(name, (*ret)->name, PLAN_NAME_BYTES);
}

static enum err set_shape(struct reading *r, struct slice section, struct slice key,
    struct slice value, struct err_note *note)
{
	struct slice kind, name;
	struct plan_shape *shape = NULL;

	split_section(section, &kind, &name);
	if (slice_eq(kind, SLICE("prices"))) {
		if (slice_eq(key, SLICE("currency"))) {
			return slice_to_cstr(
			    value, r->shapes->currency, sizeof(r->shapes->currency));
		}
		return slice_eq(key, SLICE("egress_per_tb"))
			   ? plan_number(value, PLAN_UNIT_NUMBER, &r->shapes->egress_price, note)
			   : err_note_set(
				 note, ERR_NOT_FOUND, "there is currency and egress_per_tb");
	}
	if (!slice_eq(kind, SLICE("shape"))) {
		return err_note_set(note, ERR_NOT_FOUND, "there is [prices] and [shape NAME]");
	}
	enum err e = shape_called(r->shapes, name, &shape, note);
	if (e != ERR_OK) {
		return e;
	}
	const struct {
		const char *key;
		double *value;
		enum plan_unit unit;
	} places[] = { { "cores", &shape->cores, PLAN_UNIT_NUMBER },
		{ "speed", &shape->speed, PLAN_UNIT_NUMBER },
		{ "memory", &shape->memory, PLAN_UNIT_BYTES },
		{ "disk", &shape->disk, PLAN_UNIT_BYTES },
		{ "network", &shape->network, PLAN_UNIT_BITS },
		{ "price", &shape->price, PLAN_UNIT_NUMBER } };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (slice_eq(key, slice_str(places[i].key))) {
			return plan_number(value, places[i].unit, places[i].value, note);
		}
	}
	return err_note_set(
	    note, ERR_NOT_FOUND, "there is cores, speed, memory, disk, network and price");
}

/* ---- both ---- */

/* inih's handler: 0 makes it remember the line. */
static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	struct err_note note = { 0 };

	if (r->failed != ERR_OK) {
		return 1;
	}
	enum err e =
	    r->in != NULL
		? set_plan(r, slice_str(section), slice_str(name), slice_str(value), &note)
		: set_shape(r, slice_str(section), slice_str(name), slice_str(value), &note);
	if (e != ERR_OK) {
		r->failed = err_note_set(&r->note, e, "%s: %.150s", name,
		    note.text[0] == '\0' ? err_text(e) : note.text);
	}
	return e == ERR_OK ? 1 : 0;
}

static enum err read_with(const char *path, struct reading *r, struct err_note *note)
{
	int line = ini_parse(path, on_pair, r);

	if (line < 0) {
		return err_note_set(
		    note, ERR_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
	}
	if (r->failed != ERR_OK) {
		return err_note_set(note, r->failed, "%s:%d: %s", path, line, r->note.text);
	}
	return line == 0 ? ERR_OK
			 : err_note_set(note, ERR_SYNTAX,
			       "%s:%d: neither [SECTION] nor key = value", path, line);
}

/* Roles whose machines were not named run on those called "machine". */
static enum err settle(struct plan_input *in, struct err_note *note)
{
	for (unsigned i = 0; i < in->n_roles; i++) {
		if (in->roles[i].group != PLAN_GROUP_NONE) {
			continue;
		}
		enum err e = plan_add_group(in, SLICE("machine"), &in->roles[i].group, note);
		if (e != ERR_OK) {
			return e;
		}
	}
	return ERR_OK;
}

/*
 * First the sections alone: what is named in one may stand in another below, and one without keys
 * is passed over by inih.
 */
static enum err read_sections(const char *path, struct plan_input *in, struct err_note *note)
{
	char line[LINE_BYTES];
	enum err e = ERR_OK;
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		return err_note_set(
		    note, ERR_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
	}
	for (unsigned n = 1; e == ERR_OK && fgets(line, sizeof(line), file) != NULL; n++) {
		struct slice text = slice_trim(slice_str(line)), kind, name;
		struct err_note why = { 0 };
		if (!slice_starts(text, SLICE("["))) {
			continue;
		}
		split_section(slice_sub(text, 1, slice_find(text, ']', 0)), &kind, &name);
		if (make_named(in, kind, name, &why) != ERR_OK) {
			e = err_note_set(note, why.code, "%s:%u: %.150s", path, n, why.text);
		}
	}
	(void)fclose(file);
	return e;
}

enum err plan_read_file(const char *path, struct plan_input *in, struct err_note *note)
{
	struct reading r = { .in = in };
	enum err e = read_sections(path, in, note);

	if (e == ERR_OK) {
		e = read_with(path, &r, note);
	}

	return e == ERR_OK ? settle(in, note) : e;
}

enum err plan_read_shapes(const char *path, struct plan_shapes *ret, struct err_note *note)
{
	struct reading r = { .shapes = ret };

	enum err e = read_with(path, &r, note);
	for (unsigned i = 0; e == ERR_OK && i < ret->n; i++) {
		if (!(ret->shapes[i].cores > 0) || !(ret->shapes[i].speed > 0)) {
			e = err_note_set(note, ERR_INVALID,
			    "%s: [shape %s] has no cores or no speed", path, ret->shapes[i].name);
		}
	}
	if (e == ERR_OK && ret->n == 0) {
		e = err_note_set(note, ERR_INVALID, "%s has no [shape NAME]", path);
	}
	return e;
}
