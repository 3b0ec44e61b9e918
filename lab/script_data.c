/*
 * data("keys.csv"): the lines of a file beside the model, read once and kept outside of Lua, where
 * a million of them cost their bytes and eight more each. Only what lies in the model's folder or
 * below it.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/script_priv.h"

enum {
	DATA_BYTES = 64 << 20,
	DATA_LINES = 4 << 20,
	DATA_FIELDS = 100,
};

static const char data_methods[] = "plimsoll.data", data_files[] = "plimsoll.data_files";

/* A userdata of Lua, which frees it. */
struct data {
	struct buf text;
	struct slice *lines; /* owned; into text */
	size_t n;
};

static struct data *data_of(lua_State *L)
{
	return luaL_checkudata(L, 1, data_methods);
}

static int data_free(lua_State *L)
{
	struct data *d = data_of(L);

	buf_free(&d->text);
	free(d->lines);
	d->lines = NULL;
	d->n = 0;
	return 0;
}

/* Without the end of the line, of either kind; a last empty line is none. */
static enum err cut_lines(struct data *d)
{
	struct slice rest = buf_slice(&d->text);
	size_t n = 0;

	for (size_t i = 0; i < rest.len; i++) {
		n += rest.ptr[i] == '\n';
	}
	n += rest.len > 0 && rest.ptr[rest.len - 1] != '\n';
	if (n > DATA_LINES) {
		return ERR_LIMIT;
	}
	d->lines = malloc((n + 1) * sizeof(*d->lines));
	if (d->lines == NULL) {
		return ERR_MEMORY;
	}
	for (struct slice line; d->n < n && slice_split(&rest, '\n', &line);) {
		bool cr = line.len > 0 && line.ptr[line.len - 1] == '\r';
		d->lines[d->n++] = slice_sub(line, 0, line.len - (cr ? 1 : 0));
	}
	return ERR_OK;
}

static enum err read_lines(struct data *d, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		return err_from_errno(errno);
	}
	enum err e = fstat(fd, &st) != 0       ? err_from_errno(errno)
		     : !S_ISREG(st.st_mode)    ? ERR_INVALID
		     : st.st_size > DATA_BYTES ? ERR_LIMIT
					       : buf_read_all(&d->text, fd);
	close(fd);
	return e == ERR_OK ? cut_lines(d) : e;
}

static bool leads_out(struct slice name)
{
	if (name.len == 0 || name.ptr[0] == '/' || memchr(name.ptr, '\0', name.len) != NULL) {
		return true;
	}
	for (struct slice part; slice_split(&name, '/', &part);) {
		if (slice_eq(part, SLICE(".."))) {
			return true;
		}
	}
	return false;
}

static void push_new(lua_State *L, struct slice name)
{
	struct script *s = script_of(L);
	char path[2 * SCRIPT_FOLDER_BYTES];

	if (s->run != NULL) {
		script_fail(L, "data: read files before activities begin, at the top of the model");
	}
	if (leads_out(name) || name.len >= SCRIPT_FOLDER_BYTES) {
		script_fail(L, "data: \"%.*s\" is no file beside the model", SLICE_ARG(name));
	}
	(void)snprintf(path, sizeof(path), "%s/%.*s", s->folder, SLICE_ARG(name));
	struct data *d = lua_newuserdata(L, sizeof(*d));
	*d = (struct data){ .text = buf_new(DATA_BYTES) };
	luaL_getmetatable(L, data_methods);
	lua_setmetatable(L, -2);
	enum err e = read_lines(d, path);
	if (e == ERR_LIMIT) {
		script_fail(L, "data: %s has more than 64 MiB or 4 million lines", path);
	}
	if (e != ERR_OK) {
		script_fail(L, "data: %s cannot be read: %s", path, err_text(e));
	}
}

static int data_open(lua_State *L)
{
	struct slice name = script_text(L, 1, "data: the name of the file");

	lua_getfield(L, LUA_REGISTRYINDEX, data_files);
	lua_pushvalue(L, 1);
	lua_rawget(L, -2);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		push_new(L, name);
		lua_pushvalue(L, 1);
		lua_pushvalue(L, -2);
		lua_rawset(L, -4);
	}
	return 1;
}

static int data_count(lua_State *L)
{
	lua_pushnumber(L, (double)data_of(L)->n);
	return 1;
}

static struct slice line_at(lua_State *L)
{
	struct data *d = data_of(L);
	double i = script_number(L, 2, "data: the number of the line");

	if (!(i >= 1 && i <= (double)d->n)) {
		script_fail(L, "data: line %g of %zu", i, d->n);
	}
	return d->lines[(size_t)i - 1];
}

/* d:line(i) */
static int data_line(lua_State *L)
{
	struct slice line = line_at(L);

	lua_pushlstring(L, line.ptr, line.len);
	return 1;
}

/* d:fields(i [, separator]): the parts of the line; a comma separates, or what is given. */
static int data_fields(lua_State *L)
{
	struct slice rest = line_at(L);
	struct slice separator =
	    lua_isnoneornil(L, 3) ? SLICE(",") : script_text(L, 3, "data: the separator");
	int n = 0;

	if (separator.len != 1) {
		script_fail(L, "data: the separator is one byte");
	}
	luaL_checkstack(L, DATA_FIELDS, "data: too many fields");
	for (struct slice part; n < DATA_FIELDS && slice_split(&rest, separator.ptr[0], &part);) {
		lua_pushlstring(L, part.ptr, part.len);
		n++;
	}
	return n;
}

/* d:pick(): any line, by the seed of the run. */
static int data_pick(lua_State *L)
{
	struct data *d = data_of(L);

	if (d->n == 0) {
		script_fail(L, "data: the file has no lines");
	}
	struct slice line = d->lines[chance_below(&script_of(L)->chance, d->n)];
	lua_pushlstring(L, line.ptr, line.len);
	return 1;
}

void script_add_data(struct script *s)
{
	static const luaL_Reg methods[] = { { "count", data_count }, { "line", data_line },
		{ "fields", data_fields }, { "pick", data_pick }, { NULL, NULL } };
	lua_State *L = s->lua;

	script_add_methods(L, data_methods, methods);
	luaL_getmetatable(L, data_methods);
	lua_pushcfunction(L, data_free);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
	lua_newtable(L);
	lua_setfield(L, LUA_REGISTRYINDEX, data_files);
	lua_register(L, "data", data_open);
}
