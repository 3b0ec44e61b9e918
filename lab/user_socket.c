/*
 * b:socket{...} makes one and waits until it stands; s:emit(), s:call(), s:wait(), s:events(),
 * s:close().
 */
#include "lab/user_socket.h"

#include <lauxlib.h>
#include <string.h>

#include "core/http/chars.h"
#include "lab/user_api.h"
#include "lab/user_request.h"

enum {
	OPTION_BYTES = 8192
};

static const char socket_methods[] = "plimsoll.socket";

static struct user_socket *socket_of(lua_State *L)
{
	struct user_socket *u = luaL_checkudata(L, 1, socket_methods);

	if (u->session == NULL) {
		script_fail(L, "the socket is closed: it lives as long as its activity");
	}
	return u;
}

static int socket_free(lua_State *L)
{
	struct user_socket *u = luaL_checkudata(L, 1, socket_methods);

	socket_close(&u->session);
	list_remove(&u->node);
	return 0;
}

static struct slice field_or(lua_State *L, int at, const char *name, struct slice other)
{
	const char *text = script_field_text(L, at, name);

	return text == NULL ? other : slice_str(text);
}

/* options.auth as JSON in scratch; without it nothing. */
static struct slice make_auth(lua_State *L, struct buf *scratch)
{
	buf_clear(scratch);
	lua_getfield(L, 2, "auth");
	if (!lua_isnil(L, -1)) {
		script_put_json(L, lua_gettop(L), scratch);
	}
	lua_pop(L, 1);
	return buf_slice(scratch);
}

int user_socket_open(lua_State *L)
{
	static const char *const fields[] = { "path", "auth", "transport", "step", NULL };
	struct script *s = user_running(L, "a socket");
	struct err_note note = { 0 };
	struct socket_options o = { .host = s->hooks->host };

	if (!lua_istable(L, 1)) {
		script_fail(L, "write browser:socket{ ... }, with a colon");
	}
	lua_settop(L, 2);
	if (!lua_istable(L, 2)) {
		lua_newtable(L);
		lua_replace(L, 2);
	}
	script_allow_fields(L, 2, "a socket", fields);
	o.path = field_or(L, 2, "path", SLICE("/socket.io/"));
	if (o.path.ptr[0] != '/' || !http_chars_are(o.path, HTTP_CHAR_TARGET)) {
		script_fail(L, "socket: \"%.*s\" is no path", SLICE_ARG(slice_sub(o.path, 0, 80)));
	}
	struct slice transport = field_or(L, 2, "transport", SLICE("upgrade"));
	if (socket_transport_parse(transport, &o.transport) != ERR_OK) {
		script_fail(L, "socket: transport is \"upgrade\", \"websocket\" or \"polling\"");
	}
	buf_clear(&s->request);
	user_put_cookie_pairs(L, &s->request);
	o.cookies = buf_slice(&s->request);
	o.auth = make_auth(L, &s->scratch);
	struct slice step = field_or(L, 2, "step", SLICE("connect"));
	struct user_socket *u = lua_newuserdata(L, sizeof(*u));
	u->session = NULL;
	list_init(&u->node);
	luaL_getmetatable(L, socket_methods);
	lua_setmetatable(L, -2);
	if (s->hooks->open_socket(s->run, u, &o, chance_u64(&s->chance), &note) != ERR_OK) {
		script_fail(L, "socket: %s", note.text);
	}
	const struct user_socket_ask ask = { .kind = USER_SOCKET_CONNECT,
		.socket = u,
		.step = step,
		.name = SLICE_EMPTY,
		.seconds = -1 };
	s->hooks->socket(s->run, &ask);
	return lua_yield(L, 1);
}

/* ["name", arguments ...] of the values from 2 on, in scratch. */
static struct slice make_event(lua_State *L, int last)
{
	struct buf *b = &script_of(L)->scratch;
	struct slice text = SLICE_EMPTY;

	(void)script_text(L, 2, "the name of the event");
	buf_clear(b);
	buf_append_char(b, '[');
	for (int i = 2; i <= last; i++) {
		buf_append_str(b, i == 2 ? "" : ",");
		script_put_json(L, i, b);
	}
	buf_append_char(b, ']');
	if (buf_finish(b, &text) != ERR_OK) {
		script_fail(L, "the event is longer than four mebibytes");
	}
	return text;
}

static void emit(lua_State *L, struct user_socket *u, uint64_t *ret_id)
{
	enum err e = socket_emit(u->session, make_event(L, lua_gettop(L)), ret_id);

	if (e == ERR_PEER_GONE) {
		script_fail(L, "the socket is closed: %s", socket_why(u->session));
	}
	if (e != ERR_OK) {
		script_fail(L, "the event could not be sent: %s", err_text(e));
	}
}

/* s:emit(name, ...): nobody waits. */
static int socket_emit_event(lua_State *L)
{
	struct user_socket *u = socket_of(L);

	(void)user_running(L, "emit");
	emit(L, u, NULL);
	return 0;
}

/* s:call(name, ...): what it is acknowledged with. */
static int socket_call(lua_State *L)
{
	struct user_socket *u = socket_of(L);
	struct script *s = user_running(L, "call");
	struct user_socket_ask ask = { .kind = USER_SOCKET_CALL,
		.socket = u,
		.step = script_text(L, 2, "the name of the event"),
		.name = SLICE_EMPTY,
		.seconds = -1 };

	emit(L, u, &ask.id);
	s->hooks->socket(s->run, &ask);
	lua_settop(L, 1);
	return lua_yield(L, 1);
}

/* s:wait(name [, seconds]): the value of the next event of that name; nil if none comes in that
 * time. */
static int socket_wait(lua_State *L)
{
	struct user_socket *u = socket_of(L);
	struct script *s = user_running(L, "wait");
	double seconds = lua_isnoneornil(L, 3) ? -1 : script_number(L, 3, "wait: the seconds");
	struct slice name = script_text(L, 2, "wait: the name of the event");

	if (!lua_isnoneornil(L, 3) && !(seconds >= 0 && seconds <= 3600)) {
		script_fail(L, "wait: from 0 to 3600 seconds");
	}
	const struct user_socket_ask ask = { .kind = USER_SOCKET_WAIT,
		.socket = u,
		.step = name,
		.name = name,
		.seconds = seconds };
	s->hooks->socket(s->run, &ask);
	lua_settop(L, 1);
	return lua_yield(L, 1);
}

/* s:events(): all that have come, as { name, value, ... } each. */
static int socket_events(lua_State *L)
{
	struct user_socket *u = socket_of(L);
	struct err_note note = { 0 };
	struct slice json;

	lua_newtable(L);
	for (int i = 1; socket_take_event(u->session, SLICE_EMPTY, &json); i++) {
		if (script_push_json(L, json, &note) != ERR_OK) {
			script_fail(L, "an event that is no JSON: %s", note.text);
		}
		lua_rawseti(L, -2, i);
	}
	return 1;
}

/* s:transport(): how it speaks now. */
static int socket_transport(lua_State *L)
{
	lua_pushstring(L, socket_transport_name(socket_of(L)->session));
	return 1;
}

/* s:close(): waits until the server has heard what was said, and the goodbye. */
static int socket_say_goodbye(lua_State *L)
{
	struct user_socket *u = socket_of(L);
	struct script *s = user_running(L, "close");
	const struct user_socket_ask ask = { .kind = USER_SOCKET_CLOSE,
		.socket = u,
		.step = SLICE("close"),
		.name = SLICE_EMPTY,
		.seconds = -1 };

	if (socket_state(u->session) != SOCKET_CONNECTED) {
		socket_close(&u->session); /* the server was the first */
		return 0;
	}
	socket_leave(u->session);
	s->hooks->socket(s->run, &ask);
	lua_settop(L, 1);
	return lua_yield(L, 1);
}

/* What stands behind the name of an event, or first in an acknowledgement. */
void user_socket_push_result(lua_State *L, enum user_socket_kind kind, bool came, struct slice json)
{
	struct err_note note = { 0 };

	if (kind == USER_SOCKET_CONNECT) {
		return;
	}
	if (kind == USER_SOCKET_CLOSE) {
		socket_close(&((struct user_socket *)lua_touserdata(L, -1))->session);
		came = false;
	}
	lua_pop(L, 1);
	if (!came) {
		lua_pushnil(L);
		return;
	}
	if (script_push_json(L, json, &note) != ERR_OK) {
		script_fail(L, "an event that is no JSON: %s", note.text);
	}
	lua_rawgeti(L, -1, kind == USER_SOCKET_CALL ? 1 : 2);
	lua_remove(L, -2);
}

void user_socket_add(struct script *s)
{
	static const luaL_Reg methods[] = { { "emit", socket_emit_event }, { "call", socket_call },
		{ "wait", socket_wait }, { "events", socket_events },
		{ "transport", socket_transport }, { "close", socket_say_goodbye },
		{ NULL, NULL } };

	script_add_methods(s->lua, socket_methods, methods);
	luaL_getmetatable(s->lua, socket_methods);
	lua_pushcfunction(s->lua, socket_free);
	lua_setfield(s->lua, -2, "__gc");
	lua_pop(s->lua, 1);
}
