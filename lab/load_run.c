/*
 * One activity: a coroutine of the model, resumed with each answer. Everything it may end by is
 * here: its own end, a check that does not hold, a wrong status, a refusal, no answer.
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
	TEXT_BYTES = 3 << 20,
	RETRY_AFTER_MAX_S = 60,
};

static const int64_t second_us = 1000000;

enum outcome {
	RUN_DONE,
	RUN_REFUSED,
	RUN_FAILED,
	RUN_ABORTED,
};

static struct load_activity *activity_of(struct load_run *run)
{
	return run->activity < 0 ? NULL : &run->load->result->activities[run->activity];
}

static const char *name_of(struct load_run *run)
{
	return run->activity < 0 ? "warm" : activity_of(run)->name;
}

/* NULL where nothing is counted. */
static struct load_step *step_of(struct load_run *run)
{
	return run->counted ? &activity_of(run)->steps[run->step] : NULL;
}

/* ---- what the coroutine asks for ---- */

static unsigned find_step(struct load_activity *a, struct slice name)
{
	name = slice_sub(name, 0, STEP_NAME_BYTES - 1);
	for (unsigned i = 0; i < a->n_steps; i++) {
		if (slice_eq(slice_str(a->steps[i].name), name)) {
			return i;
		}
	}
	if (a->n_steps == LOAD_STEPS_MAX) {
		return LOAD_STEPS_MAX - 1;
	}
	if (a->n_steps == LOAD_STEPS_MAX - 1) {
		name = SLICE("more");
	}
	memcpy(a->steps[a->n_steps].name, name.ptr, name.len);
	return a->n_steps++;
}

static void ask_request(void *arg, const struct user_request *r)
{
	struct load_run *run = arg;
	bool close = run->load->model->connection == MODEL_CONNECTION_REQUEST;

	run->asked = RUN_REQUEST;
	buf_clear(&run->text);
	buf_append(&run->text, r->text.ptr, r->head_bytes - 2);
	buf_append_str(&run->text, close ? "Connection: close\r\n\r\n" : "\r\n");
	buf_append_slice(&run->text, slice_sub(r->text, r->head_bytes, r->text.len));
	run->browser = r->browser;
	run->expect = r->expect;
	run->tries = 0;
	run->repeated = false;
	if (run->activity >= 0) {
		run->step = find_step(activity_of(run), r->step);
	}
}

static void ask_think(void *arg, double seconds)
{
	struct load_run *run = arg;

	run->asked = RUN_THINK;
	run->think_s = seconds;
}

const struct user_hooks load_run_hooks = { .request = ask_request, .think = ask_think };

/* ---- the end ---- */

static void give_thread_back(struct load_run *run, bool reusable)
{
	struct load *l = run->load;

	if (reusable && l->n_threads < THREADS_KEPT) {
		l->threads[l->n_threads++] = run->co_ref;
	} else {
		luaL_unref(l->model->script->lua, LUA_REGISTRYINDEX, run->co_ref);
	}
}

static void count_outcome(struct load_run *run, enum outcome outcome)
{
	struct load *l = run->load;
	struct load_activity *a = activity_of(run);
	int64_t latency_us = clock_mono_us() - run->intended_us;

	if (run->activity == ACTIVITY_WARM && outcome != RUN_DONE) {
		l->result->warm_failed++;
	}
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
	case RUN_ABORTED:
		a->unfinished++;
		break;
	}
}

static void end_run(struct load_run *run, enum outcome outcome)
{
	struct load *l = run->load;
	uint64_t user = run->user;
	int activity = run->activity;

	count_outcome(run, outcome);
	for (unsigned i = 0; i < run->n_conns; i++) {
		client_conn_close(&run->conns[i]);
	}
	give_thread_back(run, outcome == RUN_DONE);
	list_remove(&run->node);
	buf_free(&run->text);
	free(run);
	load_ended(l, user, activity);
}

static void fail_run(struct load_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fail_run(struct load_run *run, const char *fmt, ...)
{
	char text[LOAD_TEXT_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	load_note_failure(run->load, name_of(run), text);
	end_run(run, RUN_FAILED);
}

void load_run_abort(struct load_run *run)
{
	end_run(run, RUN_ABORTED);
}

/* ---- requests ---- */

static void on_answer(void *arg, enum err e, const char *what);

/* The connection of the browser, an open one if the activity has one. NULL: the run has failed. */
static struct client_conn *connection(struct load_run *run)
{
	struct err_note note = { 0 };
	unsigned i = 0;

	while (i < run->n_conns && run->browsers[i] != run->browser) {
		i++;
	}
	if (i == run->n_conns && i < RUN_CONNS_MAX) {
		run->conns[run->n_conns++] = NULL;
	} else if (i == RUN_CONNS_MAX) {
		i--; /* the newest gives its place */
	} else if (run->conns[i] != NULL && client_conn_is_usable(run->conns[i])) {
		return run->conns[i];
	}
	client_conn_close(&run->conns[i]);
	enum err e = client_conn_open(&run->load->client, &run->conns[i], &note);
	if (e != ERR_OK) {
		run->load->result->own_faults += e == ERR_PEER_GONE ? 0 : 1;
		fail_run(run, "%s", note.text);
		return NULL;
	}
	run->browsers[i] = run->browser;
	return run->conns[i];
}

static void send_request(struct load_run *run)
{
	struct slice text = SLICE_EMPTY;

	if (buf_finish(&run->text, &text) != ERR_OK) {
		run->load->result->own_faults++;
		fail_run(run, "no memory for the request");
		return;
	}
	run->sent_us = clock_mono_us();
	struct client_conn *conn = connection(run);
	if (conn == NULL) {
		return;
	}
	struct load_step *step = step_of(run);
	if (step != NULL) {
		step->sent++;
		hdr_record(&run->load->result->lateness, run->sent_us - run->step_intended_us);
		if (!run->has_sent) {
			hdr_record(&run->load->result->first_lateness,
			    run->sent_us - run->step_intended_us);
		}
		run->has_sent = true;
	}
	run->conn = conn;
	client_conn_send(conn, text, on_answer, run);
}

/* Seconds that a refusal asks to wait: Retry-After as a number, else one. */
static double retry_after(const struct answer *a)
{
	uint64_t seconds = 1;
	struct slice value = answer_find(a, SLICE("retry-after"));

	if (value.ptr != NULL && slice_to_u64(value, RETRY_AFTER_MAX_S, &seconds) != ERR_OK) {
		seconds = 1;
	}
	return (double)seconds;
}

/* False: it is not to be tried again. */
static bool retry_later(struct load_run *run, double seconds)
{
	struct load *l = run->load;
	struct load_step *step = step_of(run);

	if (!l->honours_retry_after || run->tries >= LOAD_RETRIES || l->ending) {
		return false;
	}
	run->tries++;
	run->waits_to_retry = true;
	if (due_add(&l->due, (struct due){ clock_mono_us() + (int64_t)(seconds * 1e6), run }) !=
	    ERR_OK) {
		return false;
	}
	if (step != NULL) {
		step->retried++;
	}
	return true;
}

static void resume(struct load_run *run, int n_args);

/* Gives the answer to the coroutine: the browser it yielded comes off, the answer goes on. */
static int push_answer(lua_State *L)
{
	const struct answer *a = lua_touserdata(L, 1);

	user_api_push_answer(L, a);
	return 1;
}

static void hand_over(struct load_run *run, const struct answer *a)
{
	struct script *s = run->load->model->script;
	struct err_note note = { 0 };

	lua_pushcfunction(s->lua, push_answer);
	lua_pushlightuserdata(s->lua, (void *)(uintptr_t)a);
	lua_xmove(run->co, s->lua, 1);
	if (script_call(s, s->lua, 2, 1, &note) != ERR_OK) {
		run->load->result->own_faults++;
		fail_run(run, "%s", note.text);
		return;
	}
	lua_xmove(s->lua, run->co, 1);
	resume(run, 1);
}

/* Method and path without the query, which differs from user to user. */
static struct slice request_name(const struct load_run *run)
{
	struct slice line = slice_sub(buf_slice(&run->text), 0, 80);

	line = slice_sub(line, 0, slice_find(line, ' ', slice_find(line, ' ', 0) + 1));
	return slice_sub(line, 0, slice_find(line, '?', 0));
}

static void answered(struct load_run *run, const struct answer *a)
{
	struct load_step *step = step_of(run);
	int64_t now_us = client_conn_answered_us(run->conn);

	if (a->status == 503) {
		if (step != NULL) {
			step->refused++;
		}
		if (!retry_later(run, retry_after(a))) {
			end_run(run, RUN_REFUSED);
		}
		return;
	}
	bool right = run->expect == EXPECT_ANY || a->status == run->expect;
	if (step != NULL) {
		step->done += right ? 1 : 0;
		step->failed += right ? 0 : 1;
		hdr_record(&step->latency, now_us - run->step_intended_us);
		hdr_record(&step->service, now_us - run->sent_us);
		hdr_record(&run->load->result->service, now_us - run->sent_us);
	}
	if (!right) {
		fail_run(run, "%.*s answered %d: %.*s", SLICE_ARG(request_name(run)), a->status,
		    SLICE_ARG(slice_sub(buf_slice(&a->body), 0, 100)));
		return;
	}
	run->step_intended_us = now_us; /* of the next request, unless it thinks before */
	hand_over(run, a);
}

static void on_answer(void *arg, enum err e, const char *what)
{
	struct load_run *run = arg;
	struct load_step *step = step_of(run);

	if (e == ERR_OK) {
		answered(run, client_conn_answer(run->conn));
		return;
	}
	/* A server may close a kept connection at any time; browsers then try once on a new one. */
	if (e == ERR_PEER_GONE && !run->repeated && client_conn_was_used(run->conn) &&
	    !answer_has_begun(client_conn_answer(run->conn))) {
		run->repeated = true;
		if (step != NULL) {
			step->sent--;
		}
		send_request(run);
		return;
	}
	if (step != NULL) {
		step->failed++;
	}
	fail_run(run, "%s: %s", step == NULL ? "request" : step->name, what);
}

/* ---- the coroutine ---- */

static void think(struct load_run *run)
{
	int64_t due_us = clock_mono_us() + (int64_t)(run->think_s * (double)second_us);

	if (due_add(&run->load->due, (struct due){ due_us, run }) != ERR_OK) {
		run->load->result->own_faults++;
		fail_run(run, "too many users think at once");
	}
}

static void resume(struct load_run *run, int n_args)
{
	struct script *s = run->load->model->script;

	run->asked = RUN_NOTHING;
	s->run = run;
	script_refill(s);
	int status = lua_resume(run->co, n_args);
	s->run = NULL;
	if (status == 0) {
		lua_settop(run->co, 0);
		end_run(run, RUN_DONE);
	} else if (status != LUA_YIELD) {
		const char *text = lua_tostring(run->co, -1);
		run->load->result->own_faults += status == LUA_ERRMEM ? 1 : 0;
		fail_run(run, "%s", text == NULL ? "an error that is not a text" : text);
	} else if (run->asked == RUN_THINK) {
		think(run);
	} else {
		send_request(run);
	}
}

void load_run_go_on(struct load_run *run, int64_t due_us)
{
	run->step_intended_us = due_us;
	if (run->waits_to_retry) {
		run->waits_to_retry = false;
		send_request(run);
	} else {
		resume(run, 0);
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
	user_api_push_user(L, run->user);
	lua_xmove(L, run->co, 2);
	return 0;
}

void load_run_begin(struct load *l, int activity, uint64_t user, int64_t intended_us)
{
	struct script *s = l->model->script;
	struct err_note note = { 0 };
	struct load_run *run = calloc(1, sizeof(*run));

	CHECK(run != NULL); /* a kilobyte */
	run->load = l;
	run->activity = activity;
	run->user = user;
	run->intended_us = run->step_intended_us = intended_us;
	run->counted = activity >= 0 && intended_us >= l->count_from_us;
	run->text = buf_new(TEXT_BYTES);
	run->co_ref = LUA_NOREF;
	list_push(&l->runs, &run->node);
	l->n_running++;
	if (l->n_running > l->result->running_max) {
		l->result->running_max = l->n_running;
	}
	lua_pushcfunction(s->lua, prepare);
	lua_pushlightuserdata(s->lua, run);
	if (script_call(s, s->lua, 1, 0, &note) != ERR_OK) {
		l->result->own_faults++;
		fail_run(run, "%s", note.text);
		return;
	}
	resume(run, 1);
}
