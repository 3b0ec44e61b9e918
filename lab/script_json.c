/*
 * JSON for models: tables of Lua from text and to it. Buffers belong to the script, because an
 * error of Lua jumps out of these functions.
 */
#include <math.h>
#include <stdio.h>

#include "core/base/json.h"
#include "lab/script_priv.h"

static void put_value(lua_State *L, int at, struct json_writer *w, int depth);

static void put_number(lua_State *L, double n, struct json_writer *w)
{
	char text[40];

	if (!isfinite(n)) {
		script_fail(L, "JSON has no number %g", n);
	}
	if (fabs(n) < 9e15 && nearbyint(n) == n) {
		json_put_i64(w, (int64_t)n);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.17g", n);
	json_put_raw(w, slice_str(text));
}

static void put_array(lua_State *L, int at, struct json_writer *w, int depth)
{
	size_t n = lua_objlen(L, at);

	json_begin_array(w);
	for (size_t i = 1; i <= n; i++) {
		lua_rawgeti(L, at, (int)i);
		put_value(L, lua_gettop(L), w, depth + 1);
		lua_pop(L, 1);
	}
	json_end_array(w);
}

static void put_object(lua_State *L, int at, struct json_writer *w, int depth)
{
	json_begin_object(w);
	lua_pushnil(L);
	while (lua_next(L, at) != 0) {
		if (lua_type(L, -2) != LUA_TSTRING) {
			script_fail(L, "JSON: a name is no text");
		}
		size_t len = 0;
		const char *name = lua_tolstring(L, -2, &len);
		json_put_name(w, SLICE_OF(name, len));
		put_value(L, lua_gettop(L), w, depth + 1);
		lua_pop(L, 1);
	}
	json_end_object(w);
}

static void put_value(lua_State *L, int at, struct json_writer *w, int depth)
{
	size_t len = 0;
	const char *text = NULL;
	bool array = false;

	if (depth > JSON_MAX_DEPTH || !lua_checkstack(L, 8)) {
		script_fail(L, "JSON: nested too deep");
	}
	switch (lua_type(L, at)) {
	case LUA_TNIL:
		json_put_null(w);
		return;
	case LUA_TBOOLEAN:
		json_put_bool(w, lua_toboolean(L, at) != 0);
		return;
	case LUA_TNUMBER:
		put_number(L, lua_tonumber(L, at), w);
		return;
	case LUA_TSTRING:
		text = lua_tolstring(L, at, &len);
		json_put_string(w, SLICE_OF(text, len));
		return;
	case LUA_TTABLE:
		lua_rawgeti(L, at, 1);
		array = !lua_isnil(L, -1);
		lua_pop(L, 1);
		(array ? put_array : put_object)(L, at, w, depth);
		return;
	default:
		script_fail(L, "JSON cannot hold a %s", lua_typename(L, lua_type(L, at)));
	}
}

void script_put_json(lua_State *L, int at, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	put_value(L, at < 0 ? lua_gettop(L) + 1 + at : at, &w, 0);
}

static void push_value(lua_State *L, const struct json *v);

static void push_object(lua_State *L, const struct json *v)
{
	struct slice key;
	const struct json *value;
	void *cursor = NULL;

	lua_createtable(L, 0, (int)json_count(v));
	while (json_next(v, &cursor, &key, &value)) {
		lua_pushlstring(L, key.ptr, key.len);
		push_value(L, value);
		lua_rawset(L, -3);
	}
}

static void push_value(lua_State *L, const struct json *v)
{
	struct slice text = SLICE_EMPTY;
	double n = 0;
	bool b = false;

	if (!lua_checkstack(L, 8)) {
		script_fail(L, "JSON: nested too deep");
	}
	switch (json_kind(v)) {
	case JSON_KIND_NULL:
		lua_pushnil(L);
		return;
	case JSON_KIND_BOOL:
		(void)json_get_bool(v, &b);
		lua_pushboolean(L, b);
		return;
	case JSON_KIND_INT:
	case JSON_KIND_REAL:
		(void)json_get_real(v, &n);
		lua_pushnumber(L, n);
		return;
	case JSON_KIND_STRING:
		(void)json_get_string(v, &text);
		lua_pushlstring(L, text.ptr, text.len);
		return;
	case JSON_KIND_ARRAY:
		lua_createtable(L, (int)json_count(v), 0);
		for (size_t i = 0; i < json_count(v); i++) {
			push_value(L, json_element(v, i));
			lua_rawseti(L, -2, (int)i + 1);
		}
		return;
	case JSON_KIND_OBJECT:
		push_object(L, v);
		return;
	}
}

enum err script_push_json(lua_State *L, struct slice text, struct err_note *note)
{
	struct script *s = script_of(L);
	const struct json *v = NULL;

	arena_reset(&s->scratch_arena);
	enum err e = json_parse(&s->scratch_arena, text, &v, note);
	if (e == ERR_OK) {
		push_value(L, v);
	}
	return e;
}

static int json_encode(lua_State *L)
{
	script_put_json(L, 1, script_scratch(L));
	return script_push_scratch(L, "json.encode");
}

static int json_decode(lua_State *L)
{
	struct err_note note = { 0 };

	if (script_push_json(L, script_text(L, 1, "json.decode: what to read"), &note) != ERR_OK) {
		script_fail(L, "json.decode: %s", note.text);
	}
	return 1;
}

void script_add_json(struct script *s)
{
	script_add_pair(s->lua, "json", json_encode, json_decode);
}
