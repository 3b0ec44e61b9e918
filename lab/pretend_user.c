/*
 * One user at one thing: a coroutine of the model, which gets the answers that the model pretends.
 */
#include <lauxlib.h>

#include "lab/pretend_priv.h"

/* ---- what it asks for ---- */

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

const struct user_hooks pretend_hooks = {
	.request = on_request, .think = on_think, .open_socket = on_socket_open
};

/* ---- coroutines ---- */

static int push_answer(lua_State *L)
{
	user_api_push_answer(L, lua_touserdata(L, 1));
	return 1;
}

void pretend_hand_over(struct pretend *p, lua_State *co)
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

bool pretend_resume(struct pretend *p, struct pretend_activity *run, int n_args)
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
	struct pretend_activity *run = lua_touserdata(L, 1);
	int function = (int)lua_tointeger(L, 2);

	run->co = lua_newthread(L);
	run->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_rawgeti(L, LUA_REGISTRYINDEX, function);
	user_api_push_user(L, run->user);
	lua_xmove(L, run->co, 2);
	return 0;
}

bool pretend_start(struct pretend *p, struct pretend_activity *run, int function)
{
	struct script *s = p->m->script;

	lua_pushcfunction(s->lua, prepare);
	lua_pushlightuserdata(s->lua, run);
	lua_pushinteger(s->lua, function);
	if (script_call(s, s->lua, 2, 0, p->note) != ERR_OK) {
		p->failed = ERR_INVALID;
		return false;
	}
	return pretend_resume(p, run, 1);
}

/* The model's warm() of a user, all at once and told to nobody. */
void pretend_warm(struct pretend *p, uint64_t user)
{
	struct pretend_activity run = { .user = user, .co_ref = LUA_NOREF };

	if (p->m->warm == LUA_NOREF || (p->users[user] & USER_WARM) != 0) {
		return;
	}
	p->users[user] |= USER_WARM;
	p->visible = false;
	bool more = pretend_start(p, &run, p->m->warm);
	while (more) {
		int n_args = 0;
		if (p->asked == ASKED_REQUEST) {
			pretend_hand_over(p, run.co);
			n_args = 1;
		}
		more = p->failed == ERR_OK && pretend_resume(p, &run, n_args);
	}
	p->visible = true;
	luaL_unref(p->m->script->lua, LUA_REGISTRYINDEX, run.co_ref);
}
