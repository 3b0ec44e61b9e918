/*
 * The declarations of a model file, as functions its Lua calls: model, assume, derive, activity,
 * preset. Each checks what it is given and remembers where it was called, so that a wrong number is
 * reported with its line.
 */
#include "lab/model_declare.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "core/http/chars.h"
#include "lab/behaviour_declare.h"
#include "lab/browserid_key.h"
#include "lab/formula.h"
#include "lab/user_api.h"

static struct model *model_of(lua_State *L)
{
	return script_of(L)->owner;
}

/* A copy that lives as long as the model. */
static const char *keep(lua_State *L, const char *text)
{
	struct slice copy = SLICE_EMPTY;

	if (arena_copy(&model_of(L)->texts, slice_str(text), &copy) != ERR_OK) {
		script_fail(L, "the texts of the model are too long");
	}
	return copy.ptr;
}

static const char *place(lua_State *L)
{
	luaL_where(L, 1);
	const char *kept = keep(L, lua_tostring(L, -1));
	lua_pop(L, 1);
	return kept;
}

/* A formula may be written as a number. The text of the value at the top, which it pops. */
static const char *pop_formula(lua_State *L, const char *what)
{
	if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER) {
		script_fail(L, "%s must be a number or a formula in quotes", what);
	}
	const char *kept = keep(L, lua_tostring(L, -1));
	lua_pop(L, 1);
	return kept;
}

static const char *field(lua_State *L, const char *name, const char *what)
{
	const char *text = script_field_text(L, 1, name);

	if (text == NULL) {
		script_fail(L, "%s needs %s = \"...\"", what, name);
	}
	return keep(L, text);
}

static void want_table(lua_State *L, const char *what)
{
	if (lua_type(L, 1) != LUA_TTABLE) {
		script_fail(L, "%s { ... } needs braces", what);
	}
}

/* A field of the table at 1 in the registry, or LUA_NOREF. */
static int take_reference(lua_State *L, const char *name, int type)
{
	lua_getfield(L, 1, name);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return LUA_NOREF;
	}
	if (lua_type(L, -1) != type) {
		script_fail(L, "%s must be a %s", name, lua_typename(L, type));
	}
	return luaL_ref(L, LUA_REGISTRYINDEX);
}

static int declare_model(lua_State *L)
{
	static const char *const fields[] = { "name", "about", "keys", "warm", "pretend", "routes",
		BEHAVIOUR_FIELDS, NULL };
	struct model *m = model_of(L);

	want_table(L, "model");
	script_allow_fields(L, 1, "model", fields);
	m->name = field(L, "name", "model");
	m->about = field(L, "about", "model");
	behaviour_declare(L, &m->behaviour);
	double keys = script_field_number(L, 1, "keys", 0);
	if (!(keys >= 0 && keys <= BROWSERID_KEYS_MAX)) {
		script_fail(L, "keys: from 0 to %d", BROWSERID_KEYS_MAX);
	}
	m->n_keys = (unsigned)keys;
	m->warm = take_reference(L, "warm", LUA_TFUNCTION);
	m->pretend = take_reference(L, "pretend", LUA_TFUNCTION);
	m->routes = take_reference(L, "routes", LUA_TTABLE);
	return 0;
}

static void check_name(lua_State *L, const char *name)
{
	struct slice rest = slice_str(name);
	bool good = rest.len > 0 && rest.len <= 40 && !(name[0] >= '0' && name[0] <= '9');

	for (size_t i = 0; i < rest.len; i++) {
		char c = name[i];
		good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
	}
	if (!good) {
		script_fail(L, "\"%s\" is no name: small letters, digits and _", name);
	}
}

static struct model_value *new_value(lua_State *L)
{
	struct model *m = model_of(L);
	double same = 0;
	const char *name = keep(L, script_text(L, 1, "the name").ptr);

	check_name(L, name);
	if (m->n_values == MODEL_VALUES_MAX) {
		script_fail(L, "at most %d numbers", MODEL_VALUES_MAX);
	}
	if (model_lookup(m, NULL, slice_str(name), &same)) {
		script_fail(L, "%s is there already", name);
	}
	struct model_value *v = &m->values[m->n_values];
	*v = (struct model_value){ .name = name,
		.place = place(L),
		.why = keep(L, script_text(L, 3, "the reason behind the number").ptr) };
	return v;
}

static int declare_assume(lua_State *L)
{
	struct model_value *v = new_value(L);

	v->value = script_number(L, 2, v->name);
	model_of(L)->n_values++;
	return 0;
}

static int declare_derive(lua_State *L)
{
	struct model *m = model_of(L);
	struct err_note note = { 0 };
	struct model_value *v = new_value(L);

	lua_pushvalue(L, 2);
	v->formula = pop_formula(L, v->name);
	if (formula_evaluate(slice_str(v->formula), model_lookup_derived, m, &v->value, &note) !=
	    ERR_OK) {
		script_fail(L, "%s: %s", v->name, note.text);
	}
	m->n_values++;
	return 0;
}

/* gets = { "/path", ... }; false: there is none. */
static bool read_gets(lua_State *L, struct model_activity *a)
{
	lua_getfield(L, 1, "gets");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return false;
	}
	size_t n = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
	if (n == 0 || n > MODEL_GETS_MAX) {
		script_fail(L, "gets = { \"/path\", ... }: from 1 to %d", MODEL_GETS_MAX);
	}
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		struct slice path = script_text(L, -1, "a path of gets");
		if (path.len == 0 || path.ptr[0] != '/' ||
		    !http_chars_are(path, HTTP_CHAR_TARGET)) {
			script_fail(L, "gets: \"%.*s\" is no path", SLICE_ARG(path));
		}
		a->gets[a->n_gets++] = keep(L, path.ptr);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return true;
}

static int declare_activity(lua_State *L)
{
	static const char *const fields[] = { "name", "why", "per_day", "does", "gets", "admits",
		NULL };
	struct model *m = model_of(L);
	struct err_note note = { 0 };

	want_table(L, "activity");
	script_allow_fields(L, 1, "an activity", fields);
	if (m->n_activities == MODEL_ACTIVITIES_MAX) {
		script_fail(L, "at most %d activities", MODEL_ACTIVITIES_MAX);
	}
	struct model_activity *a = &m->activities[m->n_activities];
	*a = (struct model_activity){ .name = field(L, "name", "activity"),
		.why = field(L, "why", "activity"),
		.place = place(L) };
	check_name(L, a->name);
	for (unsigned i = 0; i < m->n_activities; i++) {
		if (strcmp(m->activities[i].name, a->name) == 0) {
			script_fail(L, "the activity %s is there already", a->name);
		}
	}
	lua_getfield(L, 1, "per_day");
	a->formula = pop_formula(L, "per_day");
	if (formula_evaluate(slice_str(a->formula), model_lookup_derived, m, &a->per_day, &note) !=
	    ERR_OK) {
		script_fail(L, "%s: %s", a->name, note.text);
	}
	if (a->per_day < 0) {
		script_fail(L, "%s: %g times a day", a->name, a->per_day);
	}
	const char *admits = script_field_text(L, 1, "admits");
	a->admits = admits == NULL ? NULL : keep(L, admits);
	a->does = LUA_NOREF;
	if (!read_gets(L, a)) {
		lua_getfield(L, 1, "does");
		if (!lua_isfunction(L, -1)) {
			script_fail(L, "activity %s needs does = function(user) ... end", a->name);
		}
		a->does = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	m->n_activities++;
	return 0;
}

static unsigned activity_called(lua_State *L, const char *name)
{
	const struct model *m = model_of(L);

	for (unsigned i = 0; i < m->n_activities; i++) {
		if (strcmp(m->activities[i].name, name) == 0) {
			return i;
		}
	}
	script_fail(L, "there is no activity \"%s\" before this line", name);
}

/* weights = { NAME = formula, ... } of the preset's table at 1. */
static void read_weights(lua_State *L, struct model_preset *p)
{
	lua_getfield(L, 1, "weights");
	if (!lua_istable(L, -1)) {
		script_fail(L, "preset %s needs weights = { ... }", p->name);
	}
	lua_pushnil(L);
	while (lua_next(L, -2) != 0) {
		if (lua_type(L, -2) != LUA_TSTRING) {
			script_fail(L, "weights = { activity = weight, ... }");
		}
		unsigned i = activity_called(L, lua_tostring(L, -2));
		p->weights[i] = pop_formula(L, "a weight");
	}
	lua_pop(L, 1);
}

static void read_published(lua_State *L, struct model_preset *p)
{
	lua_getfield(L, 1, "published");
	if (lua_istable(L, -1)) {
		lua_pushnil(L);
		while (lua_next(L, -2) != 0) {
			if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TNUMBER) {
				script_fail(L, "published = { activity = rate, ... }");
			}
			p->published[activity_called(L, lua_tostring(L, -2))] = lua_tonumber(L, -1);
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
}

/* claims = { { "what", says = N, follows = formula, why = "..." }, ... } */
static void read_claims(lua_State *L, struct model_preset *p)
{
	lua_getfield(L, 1, "claims");
	size_t n = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
	if (n > MODEL_CLAIMS_MAX) {
		script_fail(L, "at most %d claims", MODEL_CLAIMS_MAX);
	}
	for (size_t i = 1; i <= n; i++) {
		lua_rawgeti(L, -1, (int)i);
		int at = lua_gettop(L);
		struct model_claim *c = &p->claims[p->n_claims++];
		if (!lua_istable(L, at)) {
			script_fail(L, "claims = { { ... }, ... }");
		}
		lua_rawgeti(L, at, 1);
		c->what = keep(L, script_text(L, -1, "what is claimed").ptr);
		lua_pop(L, 1);
		c->why = script_field_text(L, at, "why");
		c->why = c->why == NULL ? "" : keep(L, c->why);
		c->says = script_field_number(L, at, "says", (double)NAN);
		c->within = script_field_number(L, at, "within", 0.05);
		c->place = p->place;
		if (isnan(c->says)) {
			script_fail(L, "the claim \"%s\" needs says = number", c->what);
		}
		lua_getfield(L, at, "follows");
		c->formula = pop_formula(L, "follows");
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static int declare_preset(lua_State *L)
{
	static const char *const fields[] = { "name", "about", "visits", "weights", "published",
		"claims", NULL };
	struct model *m = model_of(L);

	want_table(L, "preset");
	script_allow_fields(L, 1, "a preset", fields);
	if (m->n_presets == MODEL_PRESETS_MAX) {
		script_fail(L, "at most %d presets", MODEL_PRESETS_MAX);
	}
	struct model_preset *p = &m->presets[m->n_presets];
	*p = (struct model_preset){ .name = field(L, "name", "preset"),
		.about = field(L, "about", "preset"),
		.place = place(L) };
	for (unsigned i = 0; i < MODEL_ACTIVITIES_MAX; i++) {
		p->published[i] = -1;
	}
	lua_getfield(L, 1, "visits");
	p->visits = pop_formula(L, "visits");
	read_weights(L, p);
	read_published(L, p);
	read_claims(L, p);
	m->n_presets++;
	return 0;
}

void model_add_declarations(struct model *m)
{
	lua_State *L = m->script->lua;

	lua_register(L, "model", declare_model);
	lua_register(L, "assume", declare_assume);
	lua_register(L, "derive", declare_derive);
	lua_register(L, "activity", declare_activity);
	lua_register(L, "preset", declare_preset);
	user_api_add(m->script);
	browserid_add(m->script);
}
