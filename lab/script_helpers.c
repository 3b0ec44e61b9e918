/*
 * What a model calls to make requests and to read answers: JSON, base64url, hex, SHA-256, HMAC.
 * Buffers belong to the script, because an error of Lua jumps out of these functions.
 */
#include <math.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/json.h"
#include "core/http/chars.h"
#include "lab/script.h"

static struct buf *scratch(lua_State *L)
{
	struct buf *b = &script_of(L)->scratch;

	buf_clear(b);
	return b;
}

/* Pushes what is in the scratch buffer. */
static int push_scratch(lua_State *L, const char *what)
{
	struct slice text = SLICE_EMPTY;

	if (buf_finish(&script_of(L)->scratch, &text) != ERR_OK) {
		script_fail(L, "%s: the text is too long", what);
	}
	lua_pushlstring(L, text.ptr, text.len);
	return 1;
}

/* ---- JSON ---- */

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
	script_put_json(L, 1, scratch(L));
	return push_scratch(L, "json.encode");
}

static int json_decode(lua_State *L)
{
	struct err_note note = { 0 };

	if (script_push_json(L, script_text(L, 1, "json.decode: what to read"), &note) != ERR_OK) {
		script_fail(L, "json.decode: %s", note.text);
	}
	return 1;
}

/* ---- bytes ---- */

static int base64url_encode(lua_State *L)
{
	enc_base64url(scratch(L), script_text(L, 1, "base64url.encode: what to write"));
	return push_scratch(L, "base64url.encode");
}

static int base64url_decode(lua_State *L)
{
	struct slice text = script_text(L, 1, "base64url.decode: what to read");
	size_t len = 0;
	char *room = buf_room(scratch(L), text.len + 1);

	if (room == NULL || dec_base64url(text, room, text.len + 1, &len) != ERR_OK) {
		script_fail(L, "base64url.decode: not of that form");
	}
	lua_pushlstring(L, room, len);
	return 1;
}

static int hex_encode(lua_State *L)
{
	enc_hex(scratch(L), script_text(L, 1, "hex: what to write"));
	return push_scratch(L, "hex");
}

static int sha256(lua_State *L)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct slice text = script_text(L, 1, "sha256: what to hash");

	if (EVP_Digest(text.ptr, text.len, digest, &len, EVP_sha256(), NULL) != 1) {
		script_fail(L, "sha256: OpenSSL refused");
	}
	lua_pushlstring(L, (const char *)digest, len);
	return 1;
}

static int hmac_sha256(lua_State *L)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct slice key = script_text(L, 1, "hmac_sha256: the key");
	struct slice text = script_text(L, 2, "hmac_sha256: the text");

	if (key.len > INT32_MAX ||
	    HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.ptr, text.len,
		digest, &len) == NULL) {
		script_fail(L, "hmac_sha256: OpenSSL refused");
	}
	lua_pushlstring(L, (const char *)digest, len);
	return 1;
}

/* n letters and digits, from the seed of the run. */
static int random_text(lua_State *L)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	struct script *s = script_of(L);
	double n = script_number(L, 1, "random_text: the length");
	struct buf *b = scratch(L);

	if (!(n >= 0 && n <= 4096)) {
		script_fail(L, "random_text: from 0 to 4096 letters");
	}
	for (int i = 0; i < (int)n; i++) {
		buf_append_char(b, letters[chance_below(&s->chance, sizeof(letters) - 1)]);
	}
	return push_scratch(L, "random_text");
}

static int now_ms(lua_State *L)
{
	lua_pushnumber(L, (double)clock_wall_ms());
	return 1;
}

static int url_encode(lua_State *L)
{
	struct slice text = script_text(L, 1, "url_encode: what to write");
	struct buf *b = scratch(L);

	for (size_t i = 0; i < text.len; i++) {
		if (http_char_is(text.ptr[i], HTTP_CHAR_UNRESERVED)) {
			buf_append_char(b, text.ptr[i]);
		} else {
			buf_printf(b, "%%%02X", (unsigned char)text.ptr[i]);
		}
	}
	return push_scratch(L, "url_encode");
}

static void add_table(lua_State *L, const char *name, lua_CFunction encode, lua_CFunction decode)
{
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, encode);
	lua_setfield(L, -2, "encode");
	lua_pushcfunction(L, decode);
	lua_setfield(L, -2, "decode");
	lua_setglobal(L, name);
}

void script_add_helpers(struct script *s)
{
	lua_State *L = s->lua;

	add_table(L, "json", json_encode, json_decode);
	add_table(L, "base64url", base64url_encode, base64url_decode);
	lua_register(L, "hex", hex_encode);
	lua_register(L, "sha256", sha256);
	lua_register(L, "hmac_sha256", hmac_sha256);
	lua_register(L, "random_text", random_text);
	lua_register(L, "now_ms", now_ms);
	lua_register(L, "url_encode", url_encode);
}
