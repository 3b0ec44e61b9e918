/*
 * Events in the order of their times: arrivals of activities, answers, ends of thoughts. An answer
 * takes the same time always, since nobody measures it.
 */
#include "lab/pretend.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "core/base/list.h"
#include "lab/arrivals.h"
#include "lab/due.h"

enum {
	ANSWER_US = 20000,
	RUNS_MOST = 200000,
	USERS_TRIED = 64,
	USERS_STREAM = 5000,
};

struct run {
	struct list node;
	unsigned activity;
	uint64_t user;
	lua_State *co;
	int co_ref;
	bool waits_for_answer;
	unsigned n_plain; /* of an activity without a function: its requests so far */
};

struct source {
	struct arrivals arrivals;
	struct chance users;
	unsigned activity;
};

struct pretend {
	struct model *m;
	const struct pretend_plan *plan;
	struct pretend_counts *counts;
	struct due_heap due;
	struct source sources[MODEL_ACTIVITIES_MAX];
	struct list runs;
	uint64_t n_users;
	uint8_t *users; /* owned: bits below */
	uint64_t begun;
	int64_t now_us, end_us;
	/* What the coroutine that runs has asked for. */
	struct run *current;
	bool visible; /* no warming */
	enum {
		ASKED_NOTHING,
		ASKED_REQUEST,
		ASKED_THINK,
		ASKED_SOCKET
	} asked;
	double think_s;
	int status;
	struct answer answer;
	enum err failed;
	struct err_note *note;
};

enum {
	USER_BUSY = 1,
	USER_WARM = 2,
};

/* ---- answers ---- */

/* Status and body that the model pretends; on L are then four arguments less. */
static void pretend_answer(
    struct pretend *p, const struct user_request *r, struct slice method, struct slice path)
{
	struct script *s = p->m->script;
	lua_State *L = s->lua;
	size_t len = 0;
	struct slice body = slice_sub(r->text, r->head_bytes, r->text.len);
	void *run = s->run;

	answer_reset(&p->answer);
	p->answer.status = r->expect == EXPECT_ANY ? 200 : r->expect;
	buf_append_str(&p->answer.head, "HTTP/1.1 200 OK\r\n\r\n");
	if (p->m->pretend == LUA_NOREF || p->failed != ERR_OK) {
		buf_append_str(&p->answer.body, "{}");
		return;
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, p->m->pretend);
	lua_pushlstring(L, method.ptr, method.len);
	lua_pushlstring(L, path.ptr, path.len);
	lua_pushlstring(L, body.ptr, body.len);
	lua_pushlstring(L, r->step.ptr, r->step.len);
	s->run = NULL;
	p->failed = script_call(s, L, 4, 2, p->note);
	s->run = run;
	if (p->failed != ERR_OK) {
		return;
	}
	if (lua_isnumber(L, -2)) {
		p->answer.status = (int)lua_tointeger(L, -2);
	}
	if (lua_istable(L, -1)) {
		script_put_json(L, -1, &p->answer.body);
	} else if (lua_type(L, -1) == LUA_TSTRING) {
		const char *text = lua_tolstring(L, -1, &len);
		buf_append(&p->answer.body, text, len);
	}
	lua_pop(L, 2);
}

static void on_request(void *arg, const struct user_request *r)
{
	struct pretend *p = arg;
	size_t space = slice_find(r->text, ' ', 0), end = slice_find(r->text, ' ', space + 1);
	struct slice method = slice_sub(r->text, 0, space);
	struct slice path = slice_sub(r->text, space + 1, end);

	p->asked = ASKED_REQUEST;
	pretend_answer(p, r, method, path);
	if (p->visible) {
		const struct pretended told = { p->now_us, p->current->user, p->current->activity,
			method, path, r->step, p->answer.status, p->answer.body.len };
		p->plan->request(p->plan->arg, &told);
	}
	if (r->expect != EXPECT_ANY && p->answer.status != r->expect && p->failed == ERR_OK) {
		p->failed =
		    err_note_set(p->note, ERR_INVALID, "%s: %.*s expects %d and pretends %d",
			p->m->path, SLICE_ARG(path), r->expect, p->answer.status);
	}
}

static void on_think(void *arg, double seconds)
{
	struct pretend *p = arg;

	p->asked = ASKED_THINK;
	p->think_s = seconds;
}

static enum err on_socket_open(void *arg, struct user_socket *u, const struct socket_options *o,
    uint64_t seed, struct err_note *note)
{
	(void)arg;
	(void)u;
	(void)o;
	(void)seed;
	return err_note_set(note, ERR_INVALID, "a socket cannot be pretended");
}

static void on_socket(void *arg, const struct user_socket_ask *ask)
{
	struct pretend *p = arg;

	(void)ask;
	p->asked = ASKED_SOCKET;
}

static const struct user_hooks hooks = {
	.request = on_request, .think = on_think, .open_socket = on_socket_open, .socket = on_socket
};

/* ---- coroutines ---- */

static int push_answer(lua_State *L)
{
	user_api_push_answer(L, lua_touserdata(L, 1));
	return 1;
}

/* Replaces the browser that co has yielded by the answer. */
static void hand_over(struct pretend *p, lua_State *co)
{
	struct script *s = p->m->script;

	lua_pushcfunction(s->lua, push_answer);
	lua_pushlightuserdata(s->lua, &p->answer);
	lua_xmove(co, s->lua, 1);
	if (script_call(s, s->lua, 2, 1, p->note) != ERR_OK) {
		p->failed = ERR_INVALID;
		return;
	}
	lua_xmove(s->lua, co, 1);
}

/* True while it goes on; asked says with what. */
static bool resume(struct pretend *p, struct run *run, int n_args)
{
	struct script *s = p->m->script;

	p->asked = ASKED_NOTHING;
	p->current = run;
	s->run = p;
	s->pretended_ms = p->plan->begin_ms + p->now_us / 1000;
	script_refill(s);
	int status = lua_resume(run->co, n_args);
	s->run = NULL;
	if (status != 0 && status != LUA_YIELD && p->failed == ERR_OK) {
		p->failed = err_note_set(p->note, ERR_INVALID, "%s", lua_tostring(run->co, -1));
	}
	return status == LUA_YIELD && p->failed == ERR_OK;
}

static int prepare(lua_State *L)
{
	struct run *run = lua_touserdata(L, 1);
	int function = (int)lua_tointeger(L, 2);

	run->co = lua_newthread(L);
	run->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_rawgeti(L, LUA_REGISTRYINDEX, function);
	user_api_push_user(L, run->user);
	lua_xmove(L, run->co, 2);
	return 0;
}

static bool start(struct pretend *p, struct run *run, int function)
{
	struct script *s = p->m->script;

	lua_pushcfunction(s->lua, prepare);
	lua_pushlightuserdata(s->lua, run);
	lua_pushinteger(s->lua, function);
	if (script_call(s, s->lua, 2, 0, p->note) != ERR_OK) {
		p->failed = ERR_INVALID;
		return false;
	}
	return resume(p, run, 1);
}

/* The model's warm() of a user, all at once and told to nobody. */
static void warm(struct pretend *p, uint64_t user)
{
	struct run run = { .user = user, .co_ref = LUA_NOREF };

	if (p->m->warm == LUA_NOREF || (p->users[user] & USER_WARM) != 0) {
		return;
	}
	p->users[user] |= USER_WARM;
	p->visible = false;
	bool more = start(p, &run, p->m->warm);
	while (more) {
		int n_args = 0;
		if (p->asked == ASKED_REQUEST) {
			hand_over(p, run.co);
			n_args = 1;
		}
		more = p->failed == ERR_OK && resume(p, &run, n_args);
	}
	p->visible = true;
	luaL_unref(p->m->script->lua, LUA_REGISTRYINDEX, run.co_ref);
}

/* ---- events ---- */

static void end(struct pretend *p, struct run *run)
{
	p->counts->done[run->activity] += p->failed == ERR_OK ? 1 : 0;
	p->users[run->user] &= (uint8_t)~USER_BUSY;
	luaL_unref(p->m->script->lua, LUA_REGISTRYINDEX, run->co_ref);
	list_remove(&run->node);
	free(run);
}

/* What it asked for is when it goes on. */
static void wait_for(struct pretend *p, struct run *run)
{
	int64_t wait_us = p->asked == ASKED_THINK ? (int64_t)(p->think_s * 1e6) : ANSWER_US;

	run->waits_for_answer = p->asked == ASKED_REQUEST;
	if (run->waits_for_answer) {
		hand_over(p, run->co); /* the answer is made; it only takes its time */
	}
	if (p->failed == ERR_OK &&
	    due_add(&p->due, (struct due){ p->now_us + wait_us, run }) != ERR_OK) {
		p->failed = err_note_set(p->note, ERR_LIMIT, "too many activities at once");
	}
}

/* The next request of an activity that has only paths; false: there is none. */
static bool ask_plainly(struct pretend *p, struct run *run)
{
	const struct model_activity *a = &p->m->activities[run->activity];
	const char *path = run->n_plain < a->n_gets ? a->gets[run->n_plain++] : NULL;

	if (path != NULL) {
		const struct pretended told = { p->now_us, run->user, run->activity, SLICE("GET"),
			slice_str(path), user_step_of_path(slice_str(path)), 200, 0 };
		p->plan->request(p->plan->arg, &told);
		p->asked = ASKED_THINK;
		p->think_s = ANSWER_US / 1e6;
	}
	return path != NULL;
}

static bool take_turn(struct pretend *p, struct run *run)
{
	if (p->m->activities[run->activity].does == LUA_NOREF) {
		return ask_plainly(p, run);
	}
	if (run->co == NULL) {
		return start(p, run, p->m->activities[run->activity].does);
	}
	return resume(p, run, run->waits_for_answer ? 1 : 0);
}

static void go_on(struct pretend *p, struct run *run, bool more)
{
	if (more) {
		wait_for(p, run);
	} else {
		end(p, run);
	}
}

static void begin(struct pretend *p, unsigned activity, uint64_t user)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL) {
		p->failed = ERR_MEMORY;
		return;
	}
	p->counts->begun[activity]++;
	p->begun++;
	run->activity = activity;
	run->user = user;
	run->co_ref = LUA_NOREF;
	list_push(&p->runs, &run->node);
	p->users[user] |= USER_BUSY;
	warm(p, user);
	if (p->failed == ERR_OK) {
		go_on(p, run, take_turn(p, run));
	}
}

static void arrive(struct pretend *p, struct source *s)
{
	uint64_t user = chance_below(&s->users, p->n_users);

	for (unsigned i = 0; i < USERS_TRIED; i++, user = (user + 1) % p->n_users) {
		if ((p->users[user] & USER_BUSY) == 0) {
			begin(p, s->activity, user);
			return;
		}
	}
}

static bool schedule(struct pretend *p, struct source *s)
{
	int64_t at_ns = arrivals_next_ns(&s->arrivals);

	return at_ns == INT64_MAX || at_ns / 1000 >= p->end_us ||
	       due_add(&p->due, (struct due){ at_ns / 1000, s }) == ERR_OK;
}

static bool is_source(const struct pretend *p, const void *who)
{
	uintptr_t at = (uintptr_t)who;

	return at >= (uintptr_t)p->sources && at < (uintptr_t)(p->sources + MODEL_ACTIVITIES_MAX);
}

static bool may_begin(const struct pretend *p)
{
	return p->plan->most == 0 || p->begun < p->plan->most;
}

static void run_all(struct pretend *p)
{
	struct due d;

	while (p->failed == ERR_OK && due_pop(&p->due, INT64_MAX - 1, &d)) {
		p->now_us = d.at_us;
		if (is_source(p, d.who)) {
			if (may_begin(p)) {
				p->counts->length_s = (double)d.at_us / 1e6;
				arrive(p, d.who);
				if (!schedule(p, d.who)) {
					p->failed = ERR_LIMIT;
				}
			}
			continue;
		}
		struct run *run = d.who;
		go_on(p, run, take_turn(p, run));
	}
}

static enum err set_up(struct pretend *p)
{
	const struct pretend_plan *plan = p->plan;
	double sum = 0;

	p->n_users = (uint64_t)plan->users;
	p->users = calloc(p->n_users, sizeof(*p->users));
	p->due.max = RUNS_MOST;
	p->end_us = (int64_t)(plan->length_s * 1e6);
	answer_init(&p->answer);
	list_init(&p->runs);
	p->visible = true;
	if (p->users == NULL) {
		return err_note_set(p->note, ERR_MEMORY, "no memory for the users");
	}
	for (unsigned i = 0; i < p->m->n_activities; i++) {
		double rate = model_rate(p->m, plan->preset, i, plan->users);
		rate = plan->only < 0 ? rate : plan->only == (int)i ? 1 : 0;
		const struct arrival_plan a = { .law = plan->only < 0 ? ARRIVAL_POISSON
								      : ARRIVAL_CONSTANT,
			.per_second = rate > 0 ? rate : 1,
			.length_s = plan->length_s };
		p->sources[i] = (struct source){ arrivals_new(&a, plan->seed, i),
			chance_new(plan->seed, USERS_STREAM + i), i };
		sum += rate;
		if (rate > 0 && !schedule(p, &p->sources[i])) {
			return ERR_MEMORY;
		}
	}
	return sum > 0 ? ERR_OK
		       : err_note_set(p->note, ERR_INVALID, "the model does nothing at all");
}

enum err pretend_run(struct model *m, const struct pretend_plan *plan, struct pretend_counts *ret,
    struct err_note *note)
{
	struct pretend *p = calloc(1, sizeof(*p));
	struct script *s = m->script;
	struct user_hooks own = hooks;

	if (p == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	*ret = (struct pretend_counts){ 0 };
	p->m = m;
	p->plan = plan;
	p->counts = ret;
	p->note = note;
	own.host = SLICE("127.0.0.1");
	s->hooks = &own;
	s->pretended_ms = plan->begin_ms;
	p->failed = set_up(p);
	if (p->failed == ERR_OK) {
		run_all(p);
	}
	if (plan->most == 0) {
		ret->length_s = plan->length_s;
	}
	enum err e = p->failed;
	p->failed = ERR_CANCELLED; /* those that are not over count as nothing */
	while (!list_is_empty(&p->runs)) {
		end(p, LIST_OF(p->runs.next, struct run, node));
	}
	s->hooks = NULL;
	s->pretended_ms = 0;
	answer_fini(&p->answer);
	due_fini(&p->due);
	free(p->users);
	free(p);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "%s", err_text(e));
}
