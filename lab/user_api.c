/*
 * Users and browsers are plain tables of Lua, so that a model keeps in them what it likes; a user
 * who has not acted has none. Methods come from two metatables in the registry.
 */
#include "lab/user_api.h"

#include <lauxlib.h>
#include <string.h>

#include "lab/user_answer.h"
#include "lab/user_request.h"
#include "lab/user_socket.h"

enum {
	USERS_PER_GROUP = 256
};

struct script *user_running(lua_State *L, const char *what)
{
	struct script *s = script_of(L);

	if (s->run == NULL) {
		script_fail(L, "%s: only inside an activity", what);
	}
	return s;
}

/* ---- users ---- */

/*
 * Users stand in small tables of their own: the collector looks through a table in one go, however
 * large it is, and one of a million users would hold up everybody's requests.
 */
static void push_group(lua_State *L, const struct script *s, int group)
{
	script_push(s, L, REF_USERS);
	lua_rawgeti(L, -1, group);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, group);
	}
	lua_remove(L, -2);
}

void user_api_push_user(lua_State *L, uint64_t number)
{
	const struct script *s = script_of(L);
	int in_group = (int)(number % USERS_PER_GROUP) + 1;

	push_group(L, s, (int)(number / USERS_PER_GROUP) + 1);
	lua_rawgeti(L, -1, in_group);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 1); /* n; models add what they need */
		lua_pushnumber(L, (double)number);
		lua_setfield(L, -2, "n");
		script_push(s, L, REF_USER_METHODS);
		lua_setmetatable(L, -2);
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, in_group);
	}
	lua_remove(L, -2);
}

/* user:pick(n): from 1 to n, by chance. */
static int user_pick(lua_State *L)
{
	double n = script_number(L, 2, "pick: how many");

	if (!(n >= 1 && n <= 1e9)) {
		script_fail(L, "pick: from 1 to %g", n);
	}
	lua_pushnumber(L, 1 + (double)chance_below(&script_of(L)->chance, (uint64_t)n));
	return 1;
}

static void push_new_browser(lua_State *L, unsigned flag)
{
	struct script *s = script_of(L);

	lua_createtable(L, 0, 4); /* id, cookies, which come as a text, and two of the model's */
	lua_pushnumber(L, (double)(++s->browsers % BROWSER_OF_NOBODY | flag));
	lua_setfield(L, -2, "id");
	script_push(s, L, REF_BROWSER_METHODS);
	lua_setmetatable(L, -2);
}

/* Numbered ones are in the user's own table, which a million users have; named ones in one beside.
 */
static void push_browsers(lua_State *L)
{
	if (lua_type(L, 2) == LUA_TNUMBER) {
		lua_pushvalue(L, 1);
		return;
	}
	lua_getfield(L, 1, "browsers");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_setfield(L, 1, "browsers");
	}
}

/* user:browser(name): one of the user's devices, which keeps its cookies. */
static int user_browser(lua_State *L)
{
	if (!lua_istable(L, 1) || lua_isnoneornil(L, 2)) {
		script_fail(L, "user:browser(name) needs a name or number");
	}
	push_browsers(L);
	lua_pushvalue(L, 2);
	lua_rawget(L, -2);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		push_new_browser(L, 0);
		lua_pushvalue(L, 2);
		lua_pushvalue(L, -2);
		lua_rawset(L, -4);
	}
	return 1;
}

/* browser(): one that nobody has used and that is gone after the activity. */
static int new_browser(lua_State *L)
{
	push_new_browser(L, BROWSER_OF_NOBODY);
	return 1;
}

/* ---- browsers ---- */

static int browser_get(lua_State *L)
{
	return user_ask(L, "GET", 0, 3);
}

static int browser_head(lua_State *L)
{
	return user_ask(L, "HEAD", 0, 3);
}

static int browser_delete(lua_State *L)
{
	return user_ask(L, "DELETE", 0, 3);
}

static int browser_post(lua_State *L)
{
	return user_ask(L, "POST", 3, 4);
}

static int browser_put(lua_State *L)
{
	return user_ask(L, "PUT", 3, 4);
}

/* browser:forget(): as if its cookies had been deleted. */
static int browser_forget(lua_State *L)
{
	if (!lua_istable(L, 1)) {
		script_fail(L, "write browser:forget(), with a colon");
	}
	lua_pushnil(L);
	lua_setfield(L, 1, "cookies");
	return 0;
}

/* think(seconds) or think(mean, "random"): exponential around the mean. */
static int think(lua_State *L)
{
	struct script *s = user_running(L, "think");
	double seconds = script_number(L, 1, "think: the seconds");

	if (lua_type(L, 2) == LUA_TSTRING) {
		seconds *= chance_exponential(&s->chance);
	}
	if (!(seconds >= 0 && seconds <= 86400)) {
		script_fail(L, "think: from 0 to 86400 seconds");
	}
	s->hooks->think(s->run, seconds);
	return lua_yield(L, 0);
}

/* check(condition, text): where it does not hold the activity has failed. */
static int check(lua_State *L)
{
	if (!lua_toboolean(L, 1)) {
		size_t len = 0;
		const char *text = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &len) : "";
		script_fail(L, "check failed: %.200s", text);
	}
	return 0;
}

/* ---- registration ---- */

static void keep_methods(
    struct script *s, enum script_ref ref, const char *name, const luaL_Reg *methods)
{
	script_add_methods(s->lua, name, methods);
	luaL_getmetatable(s->lua, name);
	script_keep(s, ref);
}

static void keep_names(struct script *s)
{
	static const struct {
		enum script_ref ref;
		const char *name;
	} names[] = { { REF_STATUS, "status" }, { REF_BODY, "body" }, { REF_HEAD, "head" },
		{ REF_ID, "id" }, { REF_COOKIES, "cookies" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		lua_pushstring(s->lua, names[i].name);
		script_keep(s, names[i].ref);
	}
}

void user_api_add(struct script *s)
{
	static const luaL_Reg user[] = { { "pick", user_pick }, { "browser", user_browser },
		{ NULL, NULL } };
	static const luaL_Reg browser[] = { { "get", browser_get }, { "head", browser_head },
		{ "delete", browser_delete }, { "post", browser_post }, { "put", browser_put },
		{ "socket", user_socket_open }, { "forget", browser_forget }, { NULL, NULL } };
	static const luaL_Reg answer[] = { { "json", user_answer_json },
		{ "header", user_answer_header }, { NULL, NULL } };
	lua_State *L = s->lua;

	keep_methods(s, REF_USER_METHODS, "plimsoll.user", user);
	keep_methods(s, REF_BROWSER_METHODS, "plimsoll.browser", browser);
	keep_methods(s, REF_ANSWER_METHODS, "plimsoll.answer", answer);
	keep_names(s);
	user_socket_add(s);
	lua_newtable(L);
	script_keep(s, REF_USERS);
	lua_register(L, "browser", new_browser);
	lua_register(L, "think", think);
	lua_register(L, "check", check);
}
