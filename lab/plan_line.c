/*
 * A result of plimsoll line as the input of a plan: the rates of its model, the demands it found.
 * What it does not know (traffic, mails, disk) a file beside it may add.
 */
#include <string.h>

#include "lab/plan_field.h"
#include "lab/plan_file.h"
#include "lab/result_json.h"

/*
 * Our own roles: web and compute are as many processes as there are cores; the others are one on
 * each machine, and the store, in SQLite, is one in all. Where a role "postgres" was watched, the
 * data are there: that is the one, on machines of its own, and the store is one on each. Of others:
 * what one process could use, it can use of any machine; several processes can be more.
 */
static enum err bound_role(struct plan_input *in, struct plan_role *role, bool postgres,
    double processes, double capacity, struct err_note *note)
{
	bool scales = strcmp(role->name, "web") == 0 || strcmp(role->name, "compute") == 0;
	bool database = strcmp(role->name, postgres ? "postgres" : "store") == 0;

	role->cores = !scales && !(database && postgres) && processes <= 1 ? capacity : 0;
	role->machines = database ? 1 : 0;
	role->edge = strcmp(role->name, "web") == 0;
	return plan_add_group(
	    in, database && postgres ? SLICE("database") : SLICE("machine"), &role->group, note);
}

/* Of the list "roles", by name; NULL: nobody looked at it. */
static const struct json *watched_role(const struct json *result, const char *name)
{
	const struct json *roles = json_member(result, "roles");

	for (size_t i = 0; i < json_count(roles); i++) {
		char text[PLAN_NAME_BYTES];
		result_get_text(json_member(json_element(roles, i), "name"), text, sizeof(text));
		if (strcmp(text, name) == 0) {
			return json_element(roles, i);
		}
	}
	return NULL;
}

static enum err read_costs(
    const struct json *role, unsigned number, struct plan_input *in, struct err_note *note)
{
	const struct json *costs = json_member(role, "cpu_seconds");

	for (size_t i = 0; i < json_count(costs); i++) {
		const struct json *c = json_element(costs, i);
		char name[PLAN_NAME_BYTES];
		struct interval cpu = { .known = false };
		unsigned activity = 0;
		result_get_text(json_member(c, "activity"), name, sizeof(name));
		if (!result_get_interval(c, 1, &cpu)) {
			continue;
		}
		enum err e = plan_add_activity(in, slice_str(name), &activity, note);
		if (e != ERR_OK) {
			return e;
		}
		in->activities[activity].cpu_s[number] = cpu.value;
		in->activities[activity].cpu_high_s[number] = cpu.high;
	}
	return ERR_OK;
}

static enum err read_role(const struct json *result, const struct json *role, struct plan_input *in,
    struct err_note *note)
{
	char name[PLAN_NAME_BYTES];
	struct interval idle = { .known = false };
	double capacity = 0;
	unsigned number = 0;

	result_get_text(json_member(role, "name"), name, sizeof(name));
	if (strcmp(name, "machine") == 0) {
		return ERR_OK; /* all roles together */
	}
	enum err e = plan_add_role(in, slice_str(name), &number, note);
	if (e != ERR_OK) {
		return e;
	}
	(void)json_get_real(json_member(role, "capacity_cores"), &capacity);
	e = bound_role(in, &in->roles[number], watched_role(result, "postgres") != NULL,
	    (double)result_get_count(watched_role(result, name), "processes"), capacity, note);
	if (e != ERR_OK) {
		return e;
	}
	if (result_get_interval(json_member(role, "idle_cores"), 1, &idle)) {
		in->roles[number].idle_cores = idle.value;
	}
	return read_costs(role, number, in, note);
}

static enum err read_rates(const struct json *model, struct plan_input *in, struct err_note *note)
{
	const struct json *activities = json_member(model, "activities");

	for (size_t i = 0; i < json_count(activities); i++) {
		const struct json *a = json_element(activities, i);
		char name[PLAN_NAME_BYTES];
		unsigned number = 0;
		result_get_text(json_member(a, "name"), name, sizeof(name));
		enum err e = plan_add_activity(in, slice_str(name), &number, note);
		if (e != ERR_OK) {
			return e;
		}
		(void)json_get_real(
		    json_member(a, "per_second_of_1m_users"), &in->activities[number].per_second);
	}
	return ERR_OK;
}

/* A role that was full of waiting (a disk, a lock) and not of computing bears the users it bore;
 * where the search ended before it was full, nothing is known of that. */
static void bound_saturated(const struct json *result, struct plan_input *in)
{
	const struct json *saturated = json_member(result, "saturated");
	char role[PLAN_NAME_BYTES], by[16];
	bool failed = false;
	double users = 0;

	result_get_text(json_member(saturated, "role"), role, sizeof(role));
	result_get_text(json_member(saturated, "by"), by, sizeof(by));
	int number = plan_find_role(in, slice_str(role));
	bool waits = strcmp(by, "busy") == 0 || strcmp(by, "disk") == 0;
	if (number >= 0 && waits &&
	    json_get_bool(json_member(json_member(result, "saturation"), "failed"), &failed) &&
	    failed &&
	    json_get_real(json_member(json_member(result, "saturation"), "low_users"), &users)) {
		in->roles[number].users = users;
	}
}

enum err plan_read_line(const struct json *result, struct plan_input *in, struct err_note *note)
{
	const struct json *demands = json_member(result, "demands");
	const struct json *roles = json_member(demands, "roles");
	char format[32];
	unsigned group = 0;

	result_get_text(json_member(result, "format"), format, sizeof(format));
	if (strcmp(format, "plimsoll-line") != 0) {
		return err_note_set(note, ERR_SYNTAX, "it is no result of plimsoll line --json");
	}
	if (json_count(roles) == 0) {
		return err_note_set(note, ERR_INVALID,
		    "it has no demands: let plimsoll line watch the target (--admin, --watch)");
	}
	in->users = 1000000;
	result_get_text(
	    json_member(json_member(result, "model"), "name"), in->name, sizeof(in->name));
	enum err e = plan_add_group(in, SLICE("machine"), &group, note);
	if (e == ERR_OK) {
		e = read_rates(json_member(result, "model"), in, note);
	}
	for (size_t i = 0; e == ERR_OK && i < json_count(roles); i++) {
		e = read_role(result, json_element(roles, i), in, note);
	}
	if (e == ERR_OK) {
		bound_saturated(result, in);
	}
	return e;
}
