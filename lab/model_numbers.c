/*
 * The numbers of a model once it is read: by name for formulas, as rates for a number of users.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "lab/model.h"
#include "lab/route.h"

static double per_day(const struct model *m, const struct model_preset *p, unsigned activity)
{
	return p == NULL ? m->activities[activity].per_day : p->per_day[activity];
}

double model_rate(
    const struct model *m, const struct model_preset *p, unsigned activity, double users)
{
	return per_day(m, p, activity) * users / MODEL_DAY_S;
}

static bool find_rate(
    const struct model *m, const struct model_preset *p, struct slice name, double *ret)
{
	for (unsigned i = 0; i < m->n_activities; i++) {
		if (slice_eq(name, slice_str(m->activities[i].name))) {
			*ret = model_rate(m, p, i, MODEL_CLAIM_USERS);
			return true;
		}
	}
	return false;
}

bool model_lookup(
    const struct model *m, const struct model_preset *p, struct slice name, double *ret)
{
	if (slice_starts(name, SLICE("rate."))) {
		return find_rate(m, NULL, slice_sub(name, 5, name.len), ret);
	}
	if (slice_starts(name, SLICE("preset."))) {
		struct slice rest = slice_sub(name, 7, name.len);
		if (p != NULL && slice_eq(rest, SLICE("weights"))) {
			*ret = p->weight_sum;
			return true;
		}
		return p != NULL && find_rate(m, p, rest, ret);
	}
	for (unsigned i = 0; i < m->n_values; i++) {
		if (slice_eq(name, slice_str(m->values[i].name))) {
			*ret = m->values[i].value;
			return true;
		}
	}
	return false;
}

bool model_lookup_derived(const void *arg, struct slice name, double *ret)
{
	return model_lookup(arg, NULL, name, ret);
}

bool model_lookup_preset(const void *arg, struct slice name, double *ret)
{
	const struct model_scope *scope = arg;

	return model_lookup(scope->model, scope->preset, name, ret);
}

enum err model_find_preset(
    const struct model *m, const char *name, const struct model_preset **ret, struct err_note *note)
{
	char names[120] = "";
	size_t len = 0;

	*ret = NULL;
	if (name == NULL) {
		return ERR_OK;
	}
	for (unsigned i = 0; i < m->n_presets; i++) {
		if (strcmp(m->presets[i].name, name) == 0) {
			*ret = &m->presets[i];
			return ERR_OK;
		}
		int n = snprintf(names + len, sizeof(names) - len, "%s%s", len == 0 ? "" : ", ",
		    m->presets[i].name);
		len = n < 0 || len + (size_t)n >= sizeof(names) ? len : len + (size_t)n;
	}
	return err_note_set(note, ERR_NOT_FOUND, "%s has no preset \"%s\"; there %s: %s", m->path,
	    name, m->n_presets == 1 ? "is" : "are", m->n_presets == 0 ? "none" : names);
}

/* string.find(path, pattern) of the routes in turn; the name of the first that has it, or nil. */
static int find_route(lua_State *L)
{
	size_t n = lua_objlen(L, 1);

	for (size_t i = 1; i <= n; i++) {
		lua_rawgeti(L, 1, (int)i);
		if (!lua_istable(L, -1)) {
			script_fail(L, "routes = { { name, pattern }, ... }");
		}
		lua_getglobal(L, "string");
		lua_getfield(L, -1, "find");
		lua_pushvalue(L, 2);
		lua_rawgeti(L, -4, 2);
		lua_call(L, 2, 1);
		if (!lua_isnil(L, -1)) {
			lua_rawgeti(L, -3, 1);
			return 1;
		}
		lua_settop(L, 2);
	}
	lua_pushnil(L);
	return 1;
}

enum err model_route(
    const struct model *m, struct slice path, struct buf *out, struct err_note *note)
{
	struct script *s = m->script;
	lua_State *L = s->lua;
	size_t len = 0;

	if (m->routes == LUA_NOREF) {
		route_put(path, out);
		return ERR_OK;
	}
	path = slice_sub(path, 0, slice_find(path, '?', 0));
	lua_pushcfunction(L, find_route);
	lua_rawgeti(L, LUA_REGISTRYINDEX, m->routes);
	lua_pushlstring(L, path.ptr, path.len);
	enum err e = script_call(s, L, 2, 1, note);
	if (e != ERR_OK) {
		return e;
	}
	const char *name = lua_tolstring(L, -1, &len);
	if (name == NULL) {
		route_put(path, out);
	} else {
		buf_append(out, name, len);
	}
	lua_pop(L, 1);
	return ERR_OK;
}
