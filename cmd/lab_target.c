/*
 * One blocking question each. At the two ends no request is on its way that it could delay; between
 * them a thread asks.
 */
#include "cmd/lab_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/fetch.h"
#include "core/base/clock.h"
#include "core/base/json.h"

enum {
	ANSWER_BYTES = 8 << 20
};

static const uint64_t look_every_ns = 1000000000;

/* The role of that name, made if it is new; NULL: there are too many. */
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

/* What is new since the last look goes to the sums; what was started anew counts from 0. */
static void keep(struct lab_target *t, const struct load_role *now, unsigned n)
{
	bool first = t->n_uses == 0;

	for (unsigned i = 0; i < n; i++) {
		struct load_role *role = role_called(t->roles, &t->n_roles, slice_str(now[i].name));
		if (role == NULL) {
			continue;
		}
		double *last_s = &t->last_s[role - t->roles];
		double more_s = now[i].cpu_s < *last_s ? now[i].cpu_s : now[i].cpu_s - *last_s;
		role->cpu_s += first ? 0 : more_s;
		role->processes = now[i].processes;
		*last_s = now[i].cpu_s;
	}
	struct load_use use = { .at_s = (double)(clock_mono_us() - t->began_us) / 1e6 };
	for (unsigned i = 0; i < t->n_roles; i++) {
		use.cpu_s[i] = t->roles[i].cpu_s;
	}
	if (t->n_uses < LOAD_SECONDS_MAX) {
		t->uses[t->n_uses++] = use;
	}
}

/* True if it answered. shared: by the thread. */
static bool look(struct lab_target *t, bool shared)
{
	struct buf answer = buf_new(ANSWER_BYTES);
	struct arena arena = arena_new(2 * ANSWER_BYTES);
	struct slice body = SLICE_EMPTY;
	const struct json *status = NULL;
	struct load_role now[LOAD_ROLES_MAX] = { 0 };

	enum err e = fetch_admin(t->address, "/status", &answer, &body, &t->trouble);
	if (e == ERR_OK) {
		e = json_parse(&arena, body, &status, &t->trouble);
	}
	if (e == ERR_OK) {
		unsigned n = add_up(json_member(status, "processes"), now);
		if (shared) {
			uv_mutex_lock(&t->lock);
		}
		keep(t, now, n);
		if (shared) {
			uv_mutex_unlock(&t->lock);
		}
	}
	arena_reset(&arena);
	buf_free(&answer);
	return e == ERR_OK;
}

static void thread_main(void *arg)
{
	struct lab_target *t = arg;

	uv_mutex_lock(&t->lock);
	while (!t->stopping) {
		if (uv_cond_timedwait(&t->stop, &t->lock, look_every_ns) != 0 && !t->stopping) {
			uv_mutex_unlock(&t->lock);
			(void)look(t, true);
			uv_mutex_lock(&t->lock);
		}
	}
	uv_mutex_unlock(&t->lock);
}

/* Without a thread there still are the two ends. */
static void begin(struct lab_target *t)
{
	t->began_us = clock_mono_us();
	t->uses = calloc(LOAD_SECONDS_MAX, sizeof(*t->uses));
	if (t->uses == NULL || !look(t, false) || uv_mutex_init(&t->lock) != 0) {
		return;
	}
	if (uv_cond_init(&t->stop) != 0) {
		uv_mutex_destroy(&t->lock);
		return;
	}
	t->running = uv_thread_create(&t->thread, thread_main, t) == 0;
	if (!t->running) {
		uv_cond_destroy(&t->stop);
		uv_mutex_destroy(&t->lock);
	}
}

static void end_thread(struct lab_target *t)
{
	if (!t->running) {
		return;
	}
	uv_mutex_lock(&t->lock);
	t->stopping = true;
	uv_cond_signal(&t->stop);
	uv_mutex_unlock(&t->lock);
	(void)uv_thread_join(&t->thread);
	uv_cond_destroy(&t->stop);
	uv_mutex_destroy(&t->lock);
	t->running = false;
}

void lab_target_look(void *arg, enum load_moment moment)
{
	struct lab_target *t = arg;

	if (moment == LOAD_BEGINS) {
		begin(t);
		return;
	}
	end_thread(t);
	t->ended = t->n_uses > 0 && look(t, false);
}

unsigned lab_target_now(struct lab_target *t, struct load_role *out)
{
	unsigned n = 0;

	if (!t->running) {
		return 0;
	}
	uv_mutex_lock(&t->lock);
	if (t->n_uses >= 2) {
		const struct load_use *now = &t->uses[t->n_uses - 1], *before = now - 1;
		double length_s = now->at_s - before->at_s;
		for (n = 0; n < t->n_roles; n++) {
			out[n] = t->roles[n];
			out[n].cpu_s =
			    length_s > 0 ? (now->cpu_s[n] - before->cpu_s[n]) / length_s : 0;
		}
	}
	uv_mutex_unlock(&t->lock);
	return n;
}

void lab_target_sum_up(struct lab_target *t, struct load_result *r)
{
	end_thread(t);
	if (r != NULL && t->ended) {
		memcpy(r->roles, t->roles, sizeof(r->roles));
		r->n_roles = t->n_roles;
		r->uses = t->uses;
		r->n_uses = t->n_uses;
		t->uses = NULL;
	} else if (r != NULL) {
		fprintf(stderr, "plimsoll load: nothing was learnt of the target's processes: %s\n",
		    t->trouble.text[0] == '\0' ? "the run did not begin" : t->trouble.text);
	}
	free(t->uses);
	t->uses = NULL;
}
