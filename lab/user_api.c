/*
 * Users and browsers are plain tables of Lua, so that a model keeps in them what it likes; a user
 * who has not acted has none. Methods come from two metatables in the registry.
 */
#include "lab/user_api.h"

#include <lauxlib.h>
#include <string.h>

#include "core/http/chars.h"
#include "lab/user_answer.h"

enum {
	PATH_BYTES = 4096,
};

static const char user_methods[] = "plimsoll.user", browser_methods[] = "plimsoll.browser",
		  users_table[] = "plimsoll.users";

static struct script *running(lua_State *L, const char *what)
{
	struct script *s = script_of(L);

	if (s->run == NULL) {
		script_fail(L, "%s: only inside an activity", what);
	}
	return s;
}

/* ---- users ---- */

void user_api_push_user(lua_State *L, uint64_t number)
{
	lua_getfield(L, LUA_REGISTRYINDEX, users_table);
	lua_pushnumber(L, (double)number);
	lua_rawget(L, -2);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 4);
		lua_pushnumber(L, (double)number);
		lua_setfield(L, -2, "n");
		luaL_getmetatable(L, user_methods);
		lua_setmetatable(L, -2);
		lua_pushnumber(L, (double)number);
		lua_pushvalue(L, -2);
		lua_rawset(L, -4);
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
	lua_createtable(L, 0, 4);
	lua_pushnumber(L, (double)(++script_of(L)->browsers % BROWSER_OF_NOBODY | flag));
	lua_setfield(L, -2, "id");
	lua_newtable(L);
	lua_setfield(L, -2, "cookies");
	luaL_getmetatable(L, browser_methods);
	lua_setmetatable(L, -2);
}

/* user:browser(name): one of the user's devices, which keeps its cookies. */
static int user_browser(lua_State *L)
{
	if (!lua_istable(L, 1) || lua_isnoneornil(L, 2)) {
		script_fail(L, "user:browser(name) needs a name or number");
	}
	lua_getfield(L, 1, "browsers");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_setfield(L, 1, "browsers");
	}
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

/* ---- requests ---- */

static void put_cookies(lua_State *L, struct buf *out)
{
	bool first = true;

	lua_getfield(L, 1, "cookies");
	lua_pushnil(L);
	while (lua_istable(L, -2) && lua_next(L, -2) != 0) {
		if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING) {
			buf_append_str(out, first ? "Cookie: " : "; ");
			buf_append_str(out, lua_tostring(L, -2));
			buf_append_char(out, '=');
			buf_append_str(out, lua_tostring(L, -1));
			first = false;
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	buf_append_str(out, first ? "" : "\r\n");
}

/* options.headers; true if one of them is Content-Type. */
static bool put_headers(lua_State *L, int options, struct buf *out)
{
	bool typed = false;

	if (options == 0) {
		return false;
	}
	lua_getfield(L, options, "headers");
	if (lua_istable(L, -1)) {
		lua_pushnil(L);
		while (lua_next(L, -2) != 0) {
			if (lua_type(L, -2) != LUA_TSTRING) {
				script_fail(L, "headers = { [\"Name\"] = \"value\" }");
			}
			struct slice name = script_text(L, -2, "the name of a header");
			struct slice value = script_text(L, -1, "the value of a header");
			if (name.len == 0 || !http_chars_are(name, HTTP_CHAR_TOKEN) ||
			    !http_chars_are(value, HTTP_CHAR_FIELD)) {
				script_fail(L, "\"%.*s\" is no header", SLICE_ARG(name));
			}
			typed = typed || slice_eq_nocase(name, SLICE("content-type"));
			buf_printf(out, "%.*s: %.*s\r\n", SLICE_ARG(name), SLICE_ARG(value));
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
	return typed;
}

/* The body at that place goes to scratch: a table as JSON, a text as it is. Its usual type. */
static const char *make_body(lua_State *L, int at, struct buf *scratch)
{
	buf_clear(scratch);
	if (lua_istable(L, at)) {
		script_put_json(L, at, scratch);
		return "application/json";
	}
	buf_append_slice(scratch, script_text(L, at, "the body"));
	return "application/x-www-form-urlencoded";
}

static void make_text(lua_State *L, struct script *s, const char *method, int body, int options)
{
	struct slice path = script_text(L, 2, "the path");
	struct buf *out = &s->request;
	const char *type = NULL;

	if (path.len == 0 || path.len > PATH_BYTES || path.ptr[0] != '/' ||
	    !http_chars_are(path, HTTP_CHAR_TARGET)) {
		script_fail(L, "\"%.*s\" is no path", SLICE_ARG(slice_sub(path, 0, 80)));
	}
	if (body != 0) {
		type = make_body(L, body, &s->scratch);
	}
	buf_clear(out);
	buf_append_str(out, method);
	buf_append_char(out, ' ');
	buf_append_slice(out, path);
	buf_append_slice(out, SLICE(" HTTP/1.1\r\nUser-Agent: plimsoll-lab\r\nHost: "));
	buf_append_slice(out, s->hooks->host);
	buf_append_slice(out, SLICE("\r\n"));
	put_cookies(L, out);
	bool typed = put_headers(L, options, out);
	if (body != 0) {
		if (!typed) {
			buf_printf(out, "Content-Type: %s\r\n", type);
		}
		buf_printf(out, "Content-Length: %zu\r\n", s->scratch.len);
	}
	buf_append_str(out, "\r\n");
}

/* The step is called as the options say, or as the last part of the path. */
static struct slice step_name(lua_State *L, int options)
{
	const char *given = options == 0 ? NULL : script_field_text(L, options, "step");
	struct slice path = script_text(L, 2, "the path");

	if (given != NULL) {
		return slice_str(given);
	}
	path = slice_sub(path, 0, slice_find(path, '?', 0));
	size_t from = 0;
	for (size_t i = 0; i + 1 < path.len; i++) {
		from = path.ptr[i] == '/' ? i + 1 : from;
	}
	return path.len == 1 ? path : slice_sub(path, from, path.len);
}

static int ask(lua_State *L, const char *method, int body, int options)
{
	struct script *s = running(L, "a request");
	struct slice text = SLICE_EMPTY;

	if (!lua_istable(L, 1)) {
		script_fail(L, "write browser:%s(...), with a colon", body == 0 ? "get" : "post");
	}
	options = lua_istable(L, options) ? options : 0;
	make_text(L, s, method, body, options);
	size_t head_bytes = s->request.len;
	if (body != 0) {
		buf_append_slice(&s->request, buf_slice(&s->scratch));
	}
	if (buf_finish(&s->request, &text) != ERR_OK || s->scratch.failed) {
		script_fail(L, "the request is larger than a mebibyte");
	}
	struct user_request r = {
		.text = text, .head_bytes = head_bytes, .step = step_name(L, options), .expect = 200
	};
	if (options != 0) {
		const char *expect = script_field_text(L, options, "expect");
		bool any = expect != NULL && strcmp(expect, "any") == 0;
		r.expect = any ? EXPECT_ANY : (int)script_field_number(L, options, "expect", 200);
	}
	r.browser = (unsigned)script_field_number(L, 1, "id", 0);
	s->hooks->request(s->run, &r);
	lua_settop(L, 1);
	return lua_yield(L, 1);
}

static int browser_get(lua_State *L)
{
	return ask(L, "GET", 0, 3);
}

static int browser_post(lua_State *L)
{
	return ask(L, "POST", 3, 4);
}

/* browser:forget(): as if its cookies had been deleted. */
static int browser_forget(lua_State *L)
{
	if (!lua_istable(L, 1)) {
		script_fail(L, "write browser:forget(), with a colon");
	}
	lua_newtable(L);
	lua_setfield(L, 1, "cookies");
	return 0;
}

/* think(seconds) or think(mean, "random"): exponential around the mean. */
static int think(lua_State *L)
{
	struct script *s = running(L, "think");
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

static void add_methods(lua_State *L, const char *name, const luaL_Reg *methods)
{
	luaL_newmetatable(L, name);
	lua_newtable(L);
	for (; methods->name != NULL; methods++) {
		lua_pushcfunction(L, methods->func);
		lua_setfield(L, -2, methods->name);
	}
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}

void user_api_add(struct script *s)
{
	static const luaL_Reg user[] = { { "pick", user_pick }, { "browser", user_browser },
		{ NULL, NULL } };
	static const luaL_Reg browser[] = { { "get", browser_get }, { "post", browser_post },
		{ "forget", browser_forget }, { NULL, NULL } };
	static const luaL_Reg answer[] = { { "json", user_answer_json },
		{ "header", user_answer_header }, { NULL, NULL } };
	lua_State *L = s->lua;

	add_methods(L, user_methods, user);
	add_methods(L, browser_methods, browser);
	add_methods(L, USER_ANSWER_METHODS, answer);
	lua_newtable(L);
	lua_setfield(L, LUA_REGISTRYINDEX, users_table);
	lua_register(L, "browser", new_browser);
	lua_register(L, "think", think);
	lua_register(L, "check", check);
}
