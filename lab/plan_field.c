/*
 * Tables of names and places; a field is found by offset.
 */
#include "lab/plan_field.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- names ---- */

static int find_name(const char *names, size_t stride, unsigned n, struct slice name)
{
	for (unsigned i = 0; i < n; i++) {
		if (slice_eq(slice_str(names + i * stride), name)) {
			return (int)i;
		}
	}
	return -1;
}

int plan_find_role(const struct plan_input *in, struct slice name)
{
	return find_name(in->roles[0].name, sizeof(in->roles[0]), in->n_roles, name);
}

int plan_find_activity(const struct plan_input *in, struct slice name)
{
	return find_name(in->activities[0].name, sizeof(in->activities[0]), in->n_activities, name);
}

int plan_find_group(const struct plan_input *in, struct slice name)
{
	return find_name(in->groups[0].name, sizeof(in->groups[0]), in->n_groups, name);
}

static bool is_of_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

/* Names stand in keys and in --what-if, so they are plain. */
static enum err take_name(struct slice name, unsigned n, unsigned most, const char *what, char *out,
    struct err_note *note)
{
	bool good = name.len > 0 && name.len < PLAN_NAME_BYTES;

	for (size_t i = 0; i < name.len; i++) {
		good = good && is_of_name(name.ptr[i]);
	}
	if (!good) {
		return err_note_set(note, ERR_SYNTAX,
		    "\"%.*s\" is no name of %s: letters, digits, - and _, up to %d",
		    SLICE_ARG(name), what, PLAN_NAME_BYTES - 1);
	}
	if (n >= most) {
		return err_note_set(note, ERR_LIMIT, "more than %u of %s", most, what);
	}
	return slice_to_cstr(name, out, PLAN_NAME_BYTES);
}

enum err plan_add_role(
    struct plan_input *in, struct slice name, unsigned *ret, struct err_note *note)
{
	int found = plan_find_role(in, name);
	char text[PLAN_NAME_BYTES];

	if (found >= 0) {
		*ret = (unsigned)found;
		return ERR_OK;
	}
	enum err e = take_name(name, in->n_roles, PLAN_ROLES_MAX, "a role", text, note);
	if (e == ERR_OK) {
		*ret = in->n_roles++;
		in->roles[*ret] = (struct plan_role){ .group = PLAN_GROUP_NONE };
		memcpy(in->roles[*ret].name, text, sizeof(text));
	}
	return e;
}

enum err plan_add_activity(
    struct plan_input *in, struct slice name, unsigned *ret, struct err_note *note)
{
	int found = plan_find_activity(in, name);
	char text[PLAN_NAME_BYTES];

	if (found >= 0) {
		*ret = (unsigned)found;
		return ERR_OK;
	}
	enum err e =
	    take_name(name, in->n_activities, PLAN_ACTIVITIES_MAX, "an activity", text, note);
	if (e == ERR_OK) {
		*ret = in->n_activities++;
		in->activities[*ret] = (struct plan_activity){ .per_second = 0 };
		memcpy(in->activities[*ret].name, text, sizeof(text));
	}
	return e;
}

enum err plan_add_group(
    struct plan_input *in, struct slice name, unsigned *ret, struct err_note *note)
{
	int found = plan_find_group(in, name);
	char text[PLAN_NAME_BYTES];

	if (found >= 0) {
		*ret = (unsigned)found;
		return ERR_OK;
	}
	enum err e = take_name(name, in->n_groups, PLAN_GROUPS_MAX, "machines", text, note);
	if (e == ERR_OK) {
		*ret = in->n_groups++;
		in->groups[*ret] = (struct plan_group){ .machines_each = 1 };
		memcpy(in->groups[*ret].name, text, sizeof(text));
	}
	return e;
}

static enum err add_count(
    struct plan_input *in, struct slice name, unsigned *ret, struct err_note *note)
{
	int found = find_name(in->counts[0], sizeof(in->counts[0]), in->n_counts, name);

	if (found >= 0) {
		*ret = (unsigned)found;
		return ERR_OK;
	}
	enum err e = take_name(name, in->n_counts, PLAN_COUNTS_MAX, "a counted thing",
	    in->counts[in->n_counts < PLAN_COUNTS_MAX ? in->n_counts : 0], note);
	if (e == ERR_OK) {
		*ret = in->n_counts++;
	}
	return e;
}

/* ---- fields ---- */

struct place {
	const char *key;
	size_t offset;
	enum plan_unit unit;
};

static const struct place role_places[] = {
	{ "cores", offsetof(struct plan_role, cores), PLAN_UNIT_NUMBER },
	{ "machines", offsetof(struct plan_role, machines), PLAN_UNIT_NUMBER },
	{ "users", offsetof(struct plan_role, users), PLAN_UNIT_NUMBER },
	{ "idle_cores", offsetof(struct plan_role, idle_cores), PLAN_UNIT_NUMBER },
	{ "memory", offsetof(struct plan_role, memory), PLAN_UNIT_BYTES },
	{ "memory_per_user", offsetof(struct plan_role, memory_per_user), PLAN_UNIT_BYTES },
	{ "disk_per_user", offsetof(struct plan_role, disk_per_user), PLAN_UNIT_BYTES },
};

static const struct place activity_places[] = {
	{ "per_second", offsetof(struct plan_activity, per_second), PLAN_UNIT_NUMBER },
	{ "bytes_in", offsetof(struct plan_activity, bytes_in), PLAN_UNIT_BYTES },
	{ "bytes_out", offsetof(struct plan_activity, bytes_out), PLAN_UNIT_BYTES },
	{ "disk", offsetof(struct plan_activity, disk), PLAN_UNIT_BYTES },
	{ "mails", offsetof(struct plan_activity, mails), PLAN_UNIT_NUMBER },
};

static const struct place option_places[] = {
	{ "users", offsetof(struct plan_options, users), PLAN_UNIT_NUMBER },
	{ "growth", offsetof(struct plan_options, growth), PLAN_UNIT_SHARE },
	{ "peak", offsetof(struct plan_options, peak), PLAN_UNIT_NUMBER },
	{ "headroom", offsetof(struct plan_options, headroom), PLAN_UNIT_SHARE },
	{ "use", offsetof(struct plan_options, use), PLAN_UNIT_SHARE },
	{ "spare", offsetof(struct plan_options, spare), PLAN_UNIT_NUMBER },
	{ "sites", offsetof(struct plan_options, sites), PLAN_UNIT_NUMBER },
	{ "lead", offsetof(struct plan_options, lead), PLAN_UNIT_NUMBER },
	{ "months", offsetof(struct plan_options, months), PLAN_UNIT_NUMBER },
};

/* The field at its place in object; ERR_NOT_FOUND names the keys there are. */
static enum err find_place(void *object, const struct place *places, size_t n, struct slice key,
    const char *more, struct plan_field *ret, struct err_note *note)
{
	char keys[160] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (slice_eq(key, slice_str(places[i].key))) {
			*ret = (struct plan_field){ (double *)(void *)((char *)object +
								       places[i].offset),
				NULL, places[i].unit };
			return ERR_OK;
		}
		int k = snprintf(keys + len, sizeof(keys) - len, "%s, ", places[i].key);
		len = k > 0 && len + (size_t)k < sizeof(keys) ? len + (size_t)k : len;
	}
	return err_note_set(
	    note, ERR_NOT_FOUND, "there is no \"%.*s\" but %s%s", SLICE_ARG(key), keys, more);
}

static enum err find_in_role(struct plan_input *in, struct plan_role *r, struct slice key,
    struct plan_field *ret, struct err_note *note)
{
	unsigned count = 0;

	if (slice_starts(key, SLICE("most."))) {
		enum err e = add_count(in, slice_sub(key, 5, key.len), &count, note);
		if (e == ERR_OK) {
			*ret = (struct plan_field){ &r->most[count], NULL, PLAN_UNIT_NUMBER };
		}
		return e;
	}
	return find_place(r, role_places, sizeof(role_places) / sizeof(role_places[0]), key,
	    "most.NAME, machine, edge", ret, note);
}

static enum err find_in_activity(struct plan_input *in, struct plan_activity *a, struct slice key,
    struct plan_field *ret, struct err_note *note)
{
	unsigned count = 0;

	if (slice_starts(key, SLICE("cpu."))) {
		int role = plan_find_role(in, slice_sub(key, 4, key.len));
		if (role < 0) {
			return err_note_set(note, ERR_NOT_FOUND, "there is no [role %.*s]",
			    SLICE_ARG(slice_sub(key, 4, key.len)));
		}
		*ret = (struct plan_field){ &a->cpu_s[role], &a->cpu_high_s[role], PLAN_UNIT_TIME };
		return ERR_OK;
	}
	if (slice_starts(key, SLICE("count."))) {
		enum err e = add_count(in, slice_sub(key, 6, key.len), &count, note);
		if (e == ERR_OK) {
			*ret = (struct plan_field){ &a->counts[count], NULL, PLAN_UNIT_NUMBER };
		}
		return e;
	}
	return find_place(a, activity_places, sizeof(activity_places) / sizeof(activity_places[0]),
	    key, "per_day, cpu.ROLE, count.NAME", ret, note);
}

enum err plan_field_find(struct plan_input *in, struct slice section, struct slice name,
    struct slice key, struct plan_field *ret, struct err_note *note)
{
	int role = slice_eq(section, SLICE("role")) ? plan_find_role(in, name) : -1;
	int activity = slice_eq(section, SLICE("activity")) ? plan_find_activity(in, name) : -1;
	int group = slice_eq(section, SLICE("machine")) ? plan_find_group(in, name) : -1;

	if (role >= 0) {
		return find_in_role(in, &in->roles[role], key, ret, note);
	}
	if (activity >= 0) {
		return find_in_activity(in, &in->activities[activity], key, ret, note);
	}
	if (group >= 0 && slice_eq(key, SLICE("each"))) {
		*ret =
		    (struct plan_field){ &in->groups[group].machines_each, NULL, PLAN_UNIT_NUMBER };
		return ERR_OK;
	}
	if (slice_eq(section, SLICE("plan")) && slice_eq(key, SLICE("users"))) {
		*ret = (struct plan_field){ &in->users, NULL, PLAN_UNIT_NUMBER };
		return ERR_OK;
	}
	return err_note_set(note, ERR_NOT_FOUND, "there is no \"%.*s\" in [%.*s %.*s]",
	    SLICE_ARG(key), SLICE_ARG(section), SLICE_ARG(name));
}

enum err plan_option_find(
    struct plan_options *o, struct slice name, struct plan_field *ret, struct err_note *note)
{
	return find_place(o, option_places, sizeof(option_places) / sizeof(option_places[0]), name,
	    "or NAME.KEY of a role, an activity or machines", ret, note);
}
