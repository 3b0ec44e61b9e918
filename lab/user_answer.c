/*
 * An answer as a model sees it, and the cookies that its browser takes from it.
 */
#include "lab/user_answer.h"

#include <lauxlib.h>

#include "core/http/chars.h"
#include "lab/user_api.h"

enum {
	COOKIE_BYTES = 4096,  /* of one */
	COOKIES_BYTES = 16384 /* of a browser: others are not taken */
};

int user_answer_json(lua_State *L)
{
	struct err_note note = { 0 };
	const char *body = lua_istable(L, 1) ? script_field_text(L, 1, "body") : NULL;

	if (body == NULL) {
		script_fail(L, "write answer:json(), with a colon");
	}
	if (script_push_json(L, slice_str(body), &note) != ERR_OK) {
		script_fail(L, "the answer is no JSON: %s: %.80s", note.text, body);
	}
	return 1;
}

/* The cookies of the browser at that place; empty: none. Stays on the stack. */
static struct slice push_cookies(lua_State *L, const struct script *s, int browser)
{
	size_t len = 0;

	script_push(s, L, REF_COOKIES);
	lua_rawget(L, browser);
	const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : "";
	return SLICE_OF(text, len);
}

/* Puts a cookie in the place of one of that name; an empty value is how servers delete one. */
static void set_cookie(
    lua_State *L, const struct script *s, int browser, struct slice name, struct slice value)
{
	struct slice rest = push_cookies(L, s, browser), pair;
	luaL_Buffer all;
	bool is_first = true;

	luaL_buffinit(L, &all);
	while (slice_split(&rest, ';', &pair)) {
		struct slice kept = slice_trim(pair);
		if (kept.len > 0 && !slice_eq(slice_sub(kept, 0, slice_find(kept, '=', 0)), name)) {
			luaL_addstring(&all, is_first ? "" : "; ");
			luaL_addlstring(&all, kept.ptr, kept.len);
			is_first = false;
		}
	}
	if (value.len > 0) {
		luaL_addstring(&all, is_first ? "" : "; ");
		luaL_addlstring(&all, name.ptr, name.len);
		luaL_addchar(&all, '=');
		luaL_addlstring(&all, value.ptr, value.len);
	}
	luaL_pushresult(&all);
	script_push(s, L, REF_COOKIES);
	lua_insert(L, -2);
	lua_rawset(L, browser);
	lua_pop(L, 1);
}

/* Takes "name=value; attributes". */
static void take_cookie(lua_State *L, const struct script *s, int browser, struct slice field)
{
	struct slice pair = slice_trim(slice_sub(field, 0, slice_find(field, ';', 0)));
	size_t equals = slice_find(pair, '=', 0);
	struct slice name = slice_sub(pair, 0, equals);
	struct slice value = slice_sub(pair, equals + 1, pair.len);

	size_t before = push_cookies(L, s, browser).len;
	lua_pop(L, 1);
	if (equals < pair.len && pair.len <= COOKIE_BYTES && before < COOKIES_BYTES &&
	    http_chars_are(name, HTTP_CHAR_TOKEN) && http_chars_are(value, HTTP_CHAR_COOKIE)) {
		set_cookie(L, s, browser, name, value);
	}
}

int user_answer_header(lua_State *L)
{
	struct slice name, value;
	struct slice wanted = script_text(L, 2, "header: the name");

	if (!lua_istable(L, 1)) {
		script_fail(L, "write answer:header(name), with a colon");
	}
	lua_getfield(L, 1, "head");
	struct slice head = script_text(L, -1, "the head of the answer");
	for (size_t at = 0; answer_head_next(head, &at, &name, &value);) {
		if (slice_eq_nocase(name, wanted)) {
			lua_pushlstring(L, value.ptr, value.len);
			return 1;
		}
	}
	lua_pushnil(L);
	return 1;
}

/* The cookies of the answer go to the browser at that place. */
static void take_cookies(lua_State *L, const struct script *s, int browser, const struct answer *a)
{
	struct slice name, value;

	for (size_t at = 0; answer_next_field(a, &at, &name, &value);) {
		if (slice_eq_nocase(name, SLICE("set-cookie"))) {
			take_cookie(L, s, browser, value);
		}
	}
}

void user_api_push_answer(lua_State *L, const struct answer *a)
{
	const struct script *s = script_of(L);
	struct slice head = buf_slice(&a->head);

	lua_checkstack(L, 30);
	int browser = lua_gettop(L);
	if (a->has_cookies) {
		take_cookies(L, s, browser, a);
	}
	lua_createtable(L, 0, 3);
	script_push(s, L, REF_STATUS);
	lua_pushinteger(L, a->status);
	lua_rawset(L, -3);
	script_push(s, L, REF_BODY);
	lua_pushlstring(L, buf_slice(&a->body).ptr, a->body.len);
	lua_rawset(L, -3);
	script_push(s, L, REF_HEAD);
	lua_pushlstring(L, head.ptr, head.len);
	lua_rawset(L, -3);
	script_push(s, L, REF_ANSWER_METHODS);
	lua_setmetatable(L, -2);
	lua_remove(L, browser);
}
