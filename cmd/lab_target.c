/*
 * One blocking question each: at these moments no request is on its way that it could delay.
 */
#include "cmd/lab_target.h"

#include <stdio.h>
#include <string.h>

#include "cmd/fetch.h"
#include "core/base/json.h"

enum {
	ANSWER_BYTES = 8 << 20
};

static struct load_role *role_called(struct load_role *roles, unsigned *n, struct slice name)
{
	name = slice_sub(name, 0, LOAD_ROLE_BYTES - 1);
	for (unsigned i = 0; i < *n; i++) {
		if (slice_eq(slice_str(roles[i].name), name)) {
			return &roles[i];
		}
	}
	if (*n == LOAD_ROLES_MAX) {
		return NULL;
	}
	struct load_role *role = &roles[(*n)++];
	*role = (struct load_role){ .processes = 0 };
	memcpy(role->name, name.ptr, name.len);
	return role;
}

/* Adds up the processes of each role. */
static unsigned add_up(const struct json *processes, struct load_role *roles)
{
	unsigned n = 0;

	for (size_t i = 0; i < json_count(processes); i++) {
		const struct json *p = json_element(processes, i);
		struct slice name = SLICE_EMPTY;
		int64_t cpu_us = 0;
		if (!json_get_string(json_member(p, "role"), &name) ||
		    !json_get_i64(json_member(p, "cpu_us"), &cpu_us)) {
			continue;
		}
		struct load_role *role = role_called(roles, &n, name);
		if (role != NULL) {
			role->cpu_s += (double)cpu_us / 1e6;
			role->processes++;
		}
	}
	return n;
}

void lab_target_look(void *arg, enum load_moment moment)
{
	struct lab_target *t = arg;
	struct buf answer = buf_new(ANSWER_BYTES);
	struct arena arena = arena_new(2 * ANSWER_BYTES);
	struct slice body = SLICE_EMPTY;
	const struct json *status = NULL;

	enum err e = fetch_admin(t->address, "/status", &answer, &body, &t->trouble);
	if (e == ERR_OK) {
		e = json_parse(&arena, body, &status, &t->trouble);
	}
	if (e == ERR_OK) {
		const struct json *processes = json_member(status, "processes");
		bool begins = moment == LOAD_BEGINS;
		*(begins ? &t->n_began : &t->n_ended) =
		    add_up(processes, begins ? t->began : t->ended);
	}
	arena_reset(&arena);
	buf_free(&answer);
}

void lab_target_sum_up(const struct lab_target *t, struct load_result *r)
{
	if (t->n_began == 0 || t->n_ended == 0) {
		fprintf(stderr, "plimsoll load: nothing was learnt of the target's processes: %s\n",
		    t->trouble.text[0] == '\0' ? "the run did not begin" : t->trouble.text);
		return;
	}
	for (unsigned i = 0; i < t->n_ended; i++) {
		struct load_role role = t->ended[i];
		for (unsigned k = 0; k < t->n_began; k++) {
			/* One that was started anew meanwhile counts from 0. */
			if (strcmp(t->began[k].name, role.name) == 0 &&
			    t->began[k].cpu_s <= role.cpu_s) {
				role.cpu_s -= t->began[k].cpu_s;
			}
		}
		r->roles[r->n_roles++] = role;
	}
}
