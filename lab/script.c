/*
 * The Lua state and its walls. What may be called is a list: everything else of Lua's library is
 * taken away, so a newer LuaJIT cannot add a hole.
 */
#include "lab/script.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"

enum {
	HOOK_EVERY = 10000,	      /* instructions */
	SCRATCH_BYTES = 4 << 20,      /* a body, such as a photo; a JSON text */
	ARENA_BYTES = 16 * (1 << 20), /* a parsed JSON text */
	LARGE_BYTES = 16 * (1 << 20), /* of all that Lua holds */
};

/* clang-format off */
static const char *const allowed[] = { "assert", "error", "ipairs", "math", "next", "pairs", "select",
	"string", "table", "tonumber", "tostring", "type", "unpack", "_VERSION" };
/* clang-format on */

static void *allocate(void *arg, void *old, size_t old_bytes, size_t bytes)
{
	struct script *s = arg;
	size_t kept = s->memory_bytes - (old == NULL ? 0 : old_bytes);

	if (bytes > old_bytes && kept + bytes > s->limits.memory_bytes) {
		return NULL;
	}
	void *p = piece_pool_resize(&s->pool, old, old == NULL ? 0 : old_bytes, bytes);
	if (p != NULL || bytes == 0) {
		s->memory_bytes = kept + bytes;
	}
	return p;
}

struct script *script_of(lua_State *L)
{
	void *s = NULL;

	(void)lua_getallocf(L, &s);
	return s;
}

_Noreturn void script_fail(lua_State *L, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	luaL_where(L, 1);
	lua_pushstring(L, text);
	lua_concat(L, 2);
	lua_error(L);
	__builtin_unreachable();
}

static void on_count(lua_State *L, lua_Debug *ar)
{
	struct script *s = script_of(L);

	(void)ar;
	s->instructions_left -= HOOK_EVERY;
	if (s->instructions_left < 0) {
		script_fail(L, "runs on and on: %lld instructions without a wait",
		    (long long)s->limits.instructions);
	}
}

void script_keep(struct script *s, enum script_ref ref)
{
	s->refs[ref] = luaL_ref(s->lua, LUA_REGISTRYINDEX);
}

/*
 * In percent: when a cycle begins, of what was in use behind the last one; and how much it does for
 * each byte that is allocated meanwhile.
 */
static void let_lua_collect(struct script *s)
{
	lua_gc(s->lua, LUA_GCSETPAUSE, 120);
	lua_gc(s->lua, LUA_GCSETSTEPMUL, 400);
	lua_gc(s->lua, LUA_GCRESTART, 0);
}

/*
 * A cycle costs the same whenever it is done, so a large heap is gone through while nothing is due.
 * Where there are no such gaps, the cycle that grows late goes on as memory is asked for.
 */
bool script_collect(struct script *s, int64_t until_us)
{
	if (s->memory_bytes < LARGE_BYTES || s->memory_bytes < s->collect_from_bytes) {
		return false;
	}
	if (clock_mono_us() >= until_us) {
		if (s->memory_bytes / 3 * 2 > s->collect_from_bytes) {
			let_lua_collect(s);
		}
		return false;
	}
	bool is_over = false;
	do {
		is_over = lua_gc(s->lua, LUA_GCSTEP, 0) == 1;
	} while (!is_over && clock_mono_us() < until_us);
	if (is_over) {
		s->collect_from_bytes = s->memory_bytes + s->memory_bytes / 10;
	}
	lua_gc(s->lua, LUA_GCSTOP, 0);
	return !is_over;
}

void script_refill(struct script *s)
{
	s->instructions_left = s->limits.instructions;
}

struct slice script_text(lua_State *L, int at, const char *what)
{
	size_t len = 0;
	const char *text = lua_type(L, at) == LUA_TSTRING ? lua_tolstring(L, at, &len) : NULL;

	if (text == NULL) {
		script_fail(L, "%s must be a text", what);
	}
	return (struct slice){ text, len };
}

double script_number(lua_State *L, int at, const char *what)
{
	if (lua_type(L, at) != LUA_TNUMBER) {
		script_fail(L, "%s must be a number", what);
	}
	return lua_tonumber(L, at);
}

const char *script_field_text(lua_State *L, int at, const char *name)
{
	lua_getfield(L, at, name);
	const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
	lua_pop(L, 1);
	return text;
}

double script_field_number(lua_State *L, int at, const char *name, double other)
{
	lua_getfield(L, at, name);
	double n = lua_isnil(L, -1) ? other : script_number(L, -1, name);
	lua_pop(L, 1);
	return n;
}

void script_allow_fields(lua_State *L, int at, const char *what, const char *const *names)
{
	lua_pushnil(L);
	while (lua_next(L, at) != 0) {
		const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "[...]";
		unsigned i = 0;
		while (names[i] != NULL && strcmp(names[i], name) != 0) {
			i++;
		}
		if (names[i] == NULL) {
			script_fail(L, "%s has no %.40s", what, name);
		}
		lua_pop(L, 1);
	}
}

void script_add_methods(lua_State *L, const char *name, const luaL_Reg *methods)
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

/* math.random() as Lua's, but from the seed of the run. */
static int seeded_random(lua_State *L)
{
	struct script *s = script_of(L);
	double from = 1, to = 0;

	if (lua_gettop(L) == 0) {
		lua_pushnumber(L, chance_unit(&s->chance));
		return 1;
	}
	to = script_number(L, lua_gettop(L) == 1 ? 1 : 2, "the upper end");
	from = lua_gettop(L) == 1 ? 1 : script_number(L, 1, "the lower end");
	if (!(to >= from) || to - from > 9e15) {
		script_fail(L, "math.random: nothing lies between %g and %g", from, to);
	}
	lua_pushnumber(L, from + (double)chance_below(&s->chance, (uint64_t)(to - from) + 1));
	return 1;
}

static bool is_allowed(const char *name)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (strcmp(allowed[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static void remove_field(lua_State *L, const char *table, const char *name)
{
	lua_getglobal(L, table);
	lua_pushnil(L);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

static void close_in(lua_State *L)
{
	lua_pushnil(L);
	while (lua_next(L, LUA_GLOBALSINDEX) != 0) {
		lua_pop(L, 1);
		if (lua_type(L, -1) != LUA_TSTRING || !is_allowed(lua_tostring(L, -1))) {
			lua_pushvalue(L, -1);
			lua_pushnil(L);
			lua_rawset(L, LUA_GLOBALSINDEX);
		}
	}
	remove_field(L, "string", "dump");
	remove_field(L, "math", "randomseed");
	lua_getglobal(L, "math");
	lua_pushcfunction(L, seeded_random);
	lua_setfield(L, -2, "random");
	lua_pop(L, 1);
}

static int set_up(lua_State *L)
{
	static const lua_CFunction libraries[] = { luaopen_base, luaopen_table, luaopen_string,
		luaopen_math };

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		lua_pushcfunction(L, libraries[i]);
		lua_call(L, 0, 0);
	}
	close_in(L);
	script_add_helpers(script_of(L));
	return 0;
}

enum err script_open(const struct script_limits *limits, uint64_t seed, struct script **ret)
{
	struct script *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_MEMORY;
	}
	s->limits = *limits;
	s->chance = chance_new(seed, UINT64_MAX);
	s->scratch = buf_new(SCRATCH_BYTES);
	s->request = buf_new(2 * SCRATCH_BYTES);
	s->scratch_arena = arena_new(ARENA_BYTES);
	s->lua = lua_newstate(allocate, s);
	if (s->lua == NULL || lua_cpcall(s->lua, set_up, NULL) != 0) {
		script_close(&s);
		return ERR_MEMORY;
	}
	/* Compiled code would not be counted. */
	luaJIT_setmode(s->lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
	lua_sethook(s->lua, on_count, LUA_MASKCOUNT, HOOK_EVERY);
	*ret = s;
	return ERR_OK;
}

void script_close(struct script **sp)
{
	struct script *s = *sp;

	if (s == NULL) {
		return;
	}
	if (s->lua != NULL) {
		lua_close(s->lua);
	}
	piece_pool_fini(&s->pool);
	buf_free(&s->scratch);
	buf_free(&s->request);
	arena_reset(&s->scratch_arena);
	free(s);
	*sp = NULL;
}

enum err script_call(
    struct script *s, lua_State *L, int n_args, int n_results, struct err_note *note)
{
	script_refill(s);
	int failed = lua_pcall(L, n_args, n_results, 0);

	if (failed == 0) {
		return ERR_OK;
	}
	const char *text = lua_tostring(L, -1);
	enum err e = err_note_set(note, failed == LUA_ERRMEM ? ERR_MEMORY : ERR_INVALID, "%s",
	    failed == LUA_ERRMEM ? "the model needs more memory than it may have"
	    : text == NULL	 ? "an error that is not a text"
				 : text);
	lua_pop(L, 1);
	return e;
}

enum err script_read_file(const char *path, struct buf *out, struct err_note *note)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd < 0) {
		return err_note_set(
		    note, ERR_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
	}
	for (;;) {
		char *room = buf_room(out, 65536);
		n = room == NULL ? 0 : read(fd, room, 65536);
		if (n <= 0) {
			break;
		}
		buf_grew(out, (size_t)n);
	}
	int failed = errno;
	close(fd);
	if (n < 0) {
		return err_note_set(
		    note, ERR_NOT_FOUND, "%s cannot be read: %s", path, strerror(failed));
	}
	return out->failed ? err_note_set(note, ERR_LIMIT, "%s is larger than 1 MiB", path)
			   : ERR_OK;
}

/* "models/x.lua" lies in "models", "x.lua" in ".". */
static enum err set_folder(struct script *s, const char *path, struct err_note *note)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (len >= sizeof(s->folder)) {
		return err_note_set(note, ERR_LIMIT, "%s: the path is too long", path);
	}
	(void)snprintf(s->folder, sizeof(s->folder), "%.*s", slash == NULL ? 1 : (int)len,
	    slash == NULL ? "." : path);
	return ERR_OK;
}

enum err script_run_text(
    struct script *s, const char *path, struct slice text, struct err_note *note)
{
	char name[512];
	enum err e = set_folder(s, path, note);

	if (e != ERR_OK) {
		return e;
	}
	(void)snprintf(name, sizeof(name), "@%s", path);
	/* "t": text only; prepared bytecode could break out. */
	if (luaL_loadbufferx(s->lua, text.ptr, text.len, name, "t") != 0) {
		e = err_note_set(note, ERR_INVALID, "%s", lua_tostring(s->lua, -1));
		lua_pop(s->lua, 1);
		return e;
	}
	return script_call(s, s->lua, 0, 0, note);
}
