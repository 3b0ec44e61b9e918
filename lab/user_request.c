/*
 * The text of a request that an activity asks for: path, cookies, headers, body, and how its answer
 * is judged.
 */
#include "lab/user_request.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "core/http/chars.h"
#include "lab/hawk_client.h"
#include "lab/user_api.h"

enum {
	PATH_BYTES = 4096,
};

void user_put_cookie_pairs(lua_State *L, struct buf *out)
{
	script_push(script_of(L), L, REF_COOKIES);
	lua_rawget(L, 1);
	if (lua_type(L, -1) == LUA_TSTRING) {
		struct slice pairs = script_text(L, -1, "the cookies");
		/* Those of answers are checked; a model may put others there. */
		if (!http_chars_are(pairs, HTTP_CHAR_FIELD)) {
			script_fail(
			    L, "\"%.*s\" are no cookies", SLICE_ARG(slice_sub(pairs, 0, 40)));
		}
		buf_append_slice(out, pairs);
	} else if (!lua_isnil(L, -1)) {
		script_fail(L, "cookies are a text like \"a=1; b=2\"");
	}
	lua_pop(L, 1);
}

static void put_cookies(lua_State *L, struct buf *out)
{
	static const char name[] = "Cookie: ";
	size_t before = out->len;

	buf_append_str(out, name);
	user_put_cookie_pairs(L, out);
	if (out->len == before + sizeof(name) - 1) {
		out->len = before;
	} else {
		buf_append_str(out, "\r\n");
	}
}

/* options.headers; the value of Content-Type, or NULL. The model holds it. */
static const char *put_headers(lua_State *L, int options, struct buf *out)
{
	const char *type = NULL;

	if (options == 0) {
		return NULL;
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
			type = slice_eq_nocase(name, SLICE("content-type")) ? value.ptr : type;
			buf_printf(out, "%.*s: %.*s\r\n", SLICE_ARG(name), SLICE_ARG(value));
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
	return type;
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

/* Authorization by options.hawk = { id =, key =, hash = true }; the body is in scratch. */
static void put_hawk(lua_State *L, struct script *s, int options, struct hawk_request *r,
    const char *type, struct buf *out)
{
	char ts[24], nonce[12];
	struct buf hash = buf_new(64);

	lua_getfield(L, options, "hawk");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	if (!lua_istable(L, -1) || script_field_text(L, -1, "id") == NULL) {
		script_fail(L, "hawk = { id = ..., key = ... [, hash = true] }");
	}
	int at = lua_gettop(L);
	lua_getfield(L, at, "key");
	r->key = script_text(L, -1, "the key of hawk");
	r->id = slice_str(script_field_text(L, at, "id"));
	(void)snprintf(ts, sizeof(ts), "%lld", (long long)(script_now_ms(s) / 1000));
	(void)snprintf(
	    nonce, sizeof(nonce), "%010llx", (unsigned long long)(chance_u64(&s->chance) >> 24));
	r->ts = slice_str(ts);
	r->nonce = slice_str(nonce);
	r->host = s->hooks->host;
	r->secure = s->hooks->secure;
	lua_getfield(L, at, "hash");
	bool hashed = lua_toboolean(L, -1) != 0 && type != NULL;
	bool good = !hashed || hawk_hash(slice_str(type), buf_slice(&s->scratch), &hash) == ERR_OK;
	r->hash = buf_slice(&hash);
	buf_append_str(out, "Authorization: ");
	good = good && hawk_header(r, out) == ERR_OK;
	buf_append_str(out, "\r\n");
	buf_free(&hash);
	if (!good) {
		script_fail(L, "hawk: the id cannot stand in a header");
	}
	lua_settop(L, at - 1);
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
	const char *given = put_headers(L, options, out);
	if (body != 0) {
		if (given == NULL) {
			buf_printf(out, "Content-Type: %s\r\n", type);
		}
		buf_printf(out, "Content-Length: %zu\r\n", s->scratch.len);
	}
	if (options != 0) {
		struct hawk_request r = { .method = slice_str(method), .path = path };
		put_hawk(L, s, options, &r, given == NULL ? type : given, out);
	}
	buf_append_str(out, "\r\n");
}

/* The step is called as the options say, or as the last part of the path. */
static struct slice step_name(lua_State *L, int options)
{
	const char *given = options == 0 ? NULL : script_field_text(L, options, "step");
	struct slice path = script_text(L, 2, "the path");

	return given == NULL ? user_step_of_path(path) : slice_str(given);
}

struct slice user_step_of_path(struct slice path)
{
	path = slice_sub(path, 0, slice_find(path, '?', 0));
	size_t from = 0;
	for (size_t i = 0; i + 1 < path.len; i++) {
		from = path.ptr[i] == '/' ? i + 1 : from;
	}
	return path.len == 1 ? path : slice_sub(path, from, path.len);
}

/* options.expect: a status, or "any". */
static int read_expect(lua_State *L, int options)
{
	const char *text = script_field_text(L, options, "expect");

	if (text != NULL && strcmp(text, "any") == 0) {
		return EXPECT_ANY;
	}
	double status = script_field_number(L, options, "expect", 200);
	if (!(status >= 200 && status <= 599)) {
		script_fail(L, "expect: a status from 200 to 599, or \"any\"");
	}
	return (int)status;
}

/* options.refusals = "seen": an answer 503 is the model's affair. */
static bool read_refusals(lua_State *L, int options)
{
	const char *text = script_field_text(L, options, "refusals");

	if (text != NULL && strcmp(text, "seen") != 0) {
		script_fail(L, "refusals: \"seen\", or nothing");
	}
	return text != NULL;
}

int user_ask(lua_State *L, const char *method, int body, int options)
{
	struct script *s = user_running(L, "a request");
	struct slice text = SLICE_EMPTY;

	if (!lua_istable(L, 1)) {
		script_fail(L, "write browser:get(...), with a colon");
	}
	options = lua_istable(L, options) ? options : 0;
	make_text(L, s, method, body, options);
	size_t head_bytes = s->request.len;
	if (body != 0) {
		buf_append_slice(&s->request, buf_slice(&s->scratch));
	}
	if (buf_finish(&s->request, &text) != ERR_OK || s->scratch.failed) {
		script_fail(L, "the request is larger than four mebibytes");
	}
	struct user_request r = {
		.text = text, .head_bytes = head_bytes, .step = step_name(L, options), .expect = 200
	};
	if (options != 0) {
		r.expect = read_expect(L, options);
		r.sees_refusals = read_refusals(L, options);
	}
	script_push(s, L, REF_ID);
	lua_rawget(L, 1);
	r.browser = lua_type(L, -1) == LUA_TNUMBER ? (unsigned)lua_tonumber(L, -1) : 0;
	s->hooks->request(s->run, &r);
	lua_settop(L, 1);
	return lua_yield(L, 1);
}
