/*
 * One activity of one user: a coroutine of the model, which lives from its arrival to its end and
 * is resumed with each answer or behind each thought.
 */
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "lab/load_priv.h"

enum {
	TEXT_BYTES = 9 << 20, /* head and body, each of at most what a script may make */
	TEXT_KEPT_BYTES = 4096,
};

static const int64_t second_us = 1000000;

struct load_activity *load_run_activity(struct load_run *run)
{
	return run->activity < 0 ? NULL : &run->load->result->activities[run->activity];
}

static const char *name_of(struct load_run *run)
{
	return run->activity < 0 ? "warm" : load_run_activity(run)->name;
}

struct load_step *load_run_step(struct load_run *run)
{
	return run->counted ? &load_run_activity(run)->steps[run->step] : NULL;
}

/* ---- the end ---- */

static void give_thread_back(struct load_run *run, bool reusable)
{
	struct load *l = run->load;

	if (run->co_ref == LUA_NOREF) {
		return;
	}
	if (reusable && l->n_threads < THREADS_KEPT) {
		l->threads[l->n_threads++] = run->co_ref;
	} else {
		luaL_unref(l->model->script->lua, LUA_REGISTRYINDEX, run->co_ref);
	}
}

static void count_outcome(struct load_run *run, enum load_outcome outcome)
{
	struct load *l = run->load;
	struct load_activity *a = load_run_activity(run);
	int64_t latency_us = clock_mono_us() - run->intended_us;

	if (!run->counted) {
		return;
	}
	switch (outcome) {
	case RUN_DONE:
		a->done++;
		l->second.done++;
		hdr_record(&a->latency, latency_us);
		hdr_record(&l->second_latency, latency_us);
		break;
	case RUN_REFUSED:
		a->refused++;
		l->second.refused++;
		break;
	case RUN_FAILED:
		a->failed++;
		l->second.failed++;
		break;
	case RUN_GAVE_UP:
		a->gave_up++;
		l->second.gave_up++;
		break;
	case RUN_ABORTED:
		a->unfinished++;
		break;
	case RUN_MISSED: /* those do not begin */
		break;
	}
	load_tell_end(run, outcome, latency_us);
}

static void put_aside(struct load *l, struct load_run *run)
{
	if (l->n_spare_runs < THREADS_KEPT && run->text.cap <= TEXT_KEPT_BYTES) {
		list_push(&l->spare_runs, &run->node);
		l->n_spare_runs++;
	} else {
		buf_free(&run->text);
		free(run);
	}
}

/* With the memory of an earlier one, if there is any. */
static struct load_run *new_run(struct load *l)
{
	struct list *node = list_pop(&l->spare_runs);

	if (node == NULL) {
		struct load_run *run = calloc(1, sizeof(*run));
		CHECK(run != NULL); /* a kilobyte */
		run->text = buf_new(TEXT_BYTES);
		return run;
	}
	struct load_run *run = LIST_OF(node, struct load_run, node);
	struct buf text = run->text;
	buf_clear(&text);
	*run = (struct load_run){ .text = text };
	l->n_spare_runs--;
	return run;
}

void load_run_free_spare(struct load *l)
{
	for (struct list *node = NULL; (node = list_pop(&l->spare_runs)) != NULL;) {
		struct load_run *run = LIST_OF(node, struct load_run, node);
		buf_free(&run->text);
		free(run);
	}
}

void load_run_end(struct load_run *run, enum load_outcome outcome)
{
	struct load *l = run->load;
	uint64_t user = run->user;
	int activity = run->activity;

	count_outcome(run, outcome);
	load_run_leave_connections(run);
	load_sockets_close(run);
	give_thread_back(run, outcome == RUN_DONE);
	list_remove(&run->node);
	put_aside(l, run);
	load_ended(l, user, activity, outcome);
}

void load_run_fail(struct load_run *run, const char *fmt, ...)
{
	char text[LOAD_TEXT_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	load_note_failure(run->load, name_of(run), text);
	load_run_end(run, RUN_FAILED);
}

void load_run_abort(struct load_run *run)
{
	load_run_end(run, RUN_ABORTED);
}

/* ---- the coroutine ---- */

static void think(struct load_run *run)
{
	run->has_thought = true;
	int64_t due_us = clock_mono_us() + (int64_t)(run->think_s * (double)second_us);

	if (due_add(&run->load->due, (struct due){ due_us, run }) != ERR_OK) {
		run->load->result->own_faults++;
		load_run_fail(run, "too many users think at once");
	}
}

void load_run_resume(struct load_run *run, int n_args)
{
	struct script *s = run->load->model->script;

	run->asked = RUN_NOTHING;
	s->run = run;
	script_refill(s);
	int status = lua_resume(run->co, n_args);
	s->run = NULL;
	if (status == 0) {
		lua_settop(run->co, 0);
		load_run_end(run, RUN_DONE);
	} else if (status != LUA_YIELD) {
		const char *text = lua_tostring(run->co, -1);
		run->load->result->own_faults += status == LUA_ERRMEM ? 1 : 0;
		load_run_fail(run, "%s", text == NULL ? "an error that is not a text" : text);
	} else if (run->asked == RUN_THINK) {
		think(run);
	} else if (run->asked == RUN_SOCKET) {
		load_socket_begin(run);
	} else {
		load_run_send(run);
	}
}

/* Gives the answer to the coroutine: the browser it yielded comes off, the answer goes on. */
static int push_answer(lua_State *L)
{
	const struct answer *a = lua_touserdata(L, 1);

	user_api_push_answer(L, a);
	return 1;
}

void load_run_hand_over(struct load_run *run, const struct answer *a)
{
	struct script *s = run->load->model->script;
	struct err_note note = { 0 };

	if (run->n_plain > 0) {
		load_plain_next(run);
		return;
	}
	script_push(s, s->lua, REF_PUSH_ANSWER);
	lua_pushlightuserdata(s->lua, (void *)(uintptr_t)a);
	lua_xmove(run->co, s->lua, 1);
	if (script_call(s, s->lua, 2, 1, &note) != ERR_OK) {
		run->load->result->own_faults++;
		load_run_fail(run, "%s", note.text);
		return;
	}
	lua_xmove(s->lua, run->co, 1);
	load_run_resume(run, 1);
}

void load_run_go_on(struct load_run *run, int64_t due_us)
{
	run->step_intended_us = due_us;
	if (run->waits_to_retry) {
		run->waits_to_retry = false;
		load_run_send(run);
	} else {
		load_run_resume(run, 0);
	}
}

/* Puts the activity's function and the user on the coroutine of run. */
static int prepare(lua_State *L)
{
	struct load_run *run = lua_touserdata(L, 1);
	const struct model *m = run->load->model;
	struct load *l = run->load;

	if (l->n_threads > 0) {
		run->co_ref = l->threads[--l->n_threads];
		lua_rawgeti(L, LUA_REGISTRYINDEX, run->co_ref);
		run->co = lua_tothread(L, -1);
	} else {
		run->co = lua_newthread(L);
		run->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	lua_rawgeti(
	    L, LUA_REGISTRYINDEX, run->activity < 0 ? m->warm : m->activities[run->activity].does);
	user_api_push_user(L, l->first_user + run->user);
	lua_xmove(L, run->co, 2);
	return 0;
}

void load_run_begin(struct load *l, int activity, uint64_t user, int64_t intended_us)
{
	struct script *s = l->model->script;
	struct err_note note = { 0 };
	struct load_run *run = new_run(l);

	run->load = l;
	run->activity = activity;
	run->user = user;
	run->intended_us = run->step_intended_us = intended_us;
	run->counted = activity >= 0 && intended_us >= l->count_from_us;
	run->co_ref = LUA_NOREF;
	list_init(&run->sockets);
	list_push(&l->runs, &run->node);
	l->n_running++;
	if (l->n_running > l->result->running_max) {
		l->result->running_max = l->n_running;
	}
	if (activity >= 0 && l->model->activities[activity].n_gets > 0) {
		load_plain_next(run);
		return;
	}
	script_push(s, s->lua, REF_PREPARE);
	lua_pushlightuserdata(s->lua, run);
	if (script_call(s, s->lua, 1, 0, &note) != ERR_OK) {
		l->result->own_faults++;
		load_run_fail(run, "%s", note.text);
		return;
	}
	load_run_resume(run, 1);
}

static int keep_functions(lua_State *L)
{
	struct script *s = script_of(L);

	lua_pushcfunction(L, push_answer);
	script_keep(s, REF_PUSH_ANSWER);
	lua_pushcfunction(L, prepare);
	script_keep(s, REF_PREPARE);
	return 0;
}

enum err load_run_keep_functions(struct script *s)
{
	return lua_cpcall(s->lua, keep_functions, NULL) == 0 ? ERR_OK : ERR_MEMORY;
}
