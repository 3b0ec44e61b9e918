/*
 * Each field is checked where it is read and told with what is allowed.
 */
#include "lab/behaviour_declare.h"

#include "lab/script.h"

static const double longest_s = 86400;

enum {
	RETRIES_MAX = 100
};

static double seconds(lua_State *L, const char *name, double usual)
{
	lua_getfield(L, 1, name);
	bool given = !lua_isnil(L, -1);
	double s = given ? script_number(L, -1, name) : usual;
	lua_pop(L, 1);
	if (!(s >= 0 && s <= longest_s)) {
		script_fail(L, "%s: from 0 to %g seconds", name, longest_s);
	}
	return s;
}

/* patience = seconds, or { mean, "random" }. */
static void read_patience(lua_State *L, struct behaviour *b)
{
	lua_getfield(L, 1, "patience");
	if (lua_istable(L, -1)) {
		lua_rawgeti(L, -1, 2);
		const char *law = lua_tostring(L, -1);
		if (law == NULL || !slice_eq(slice_str(law), SLICE("random"))) {
			script_fail(L, "patience = seconds, or { seconds, \"random\" }");
		}
		b->patience_random = true;
		lua_pop(L, 1);
		lua_rawgeti(L, -1, 1);
		lua_setfield(L, 1, "patience");
	}
	lua_pop(L, 1);
	b->patience_s = seconds(L, "patience", 0);
}

/* hours = { 24 numbers }: how busy each hour is, from midnight; in any unit. */
static void read_hours(lua_State *L, struct behaviour *b)
{
	double sum = 0;

	lua_getfield(L, 1, "hours");
	if (!lua_isnil(L, -1)) {
		if (!lua_istable(L, -1) || lua_objlen(L, -1) != ARRIVALS_HOURS) {
			script_fail(L, "hours = { ... } needs %d numbers", ARRIVALS_HOURS);
		}
		for (int i = 0; i < ARRIVALS_HOURS; i++) {
			lua_rawgeti(L, -1, i + 1);
			b->hours[i] = script_number(L, -1, "an hour");
			lua_pop(L, 1);
			sum += b->hours[i] >= 0 ? b->hours[i] : -1e99;
		}
		if (!(sum > 0)) {
			script_fail(L, "hours: none below 0, and not all of them 0");
		}
		for (int i = 0; i < ARRIVALS_HOURS; i++) {
			b->hours[i] *= ARRIVALS_HOURS / sum;
		}
		b->has_hours = true;
	}
	lua_pop(L, 1);
}

void behaviour_declare(lua_State *L, struct behaviour *b)
{
	const char *connection = script_field_text(L, 1, "connection");
	const char *retry = script_field_text(L, 1, "retry");

	if (connection != NULL &&
	    behaviour_connection_parse(slice_str(connection), &b->connection) != ERR_OK) {
		script_fail(L, "connection is \"activity\", \"request\" or \"session\", not \"%s\"",
		    connection);
	}
	if (retry != NULL && behaviour_retry_parse(slice_str(retry), &b->retry) != ERR_OK) {
		script_fail(L,
		    "retry is \"none\", \"blind\", \"backoff\", \"retry-after\", \"weave\" or \"half\", not \"%s\"",
		    retry);
	}
	double retries = script_field_number(L, 1, "retries", b->retries);
	if (!(retries >= 0 && retries <= RETRIES_MAX)) {
		script_fail(L, "retries: from 0 to %d", RETRIES_MAX);
	}
	b->retries = (unsigned)retries;
	b->pause_s = seconds(L, "pause", b->pause_s);
	b->pause_max_s = seconds(L, "pause_max", b->pause_max_s);
	b->keep_s = seconds(L, "keep", b->keep_s);
	b->resume = script_field_number(L, 1, "resume", b->resume);
	if (!(b->resume >= 0 && b->resume <= 1)) {
		script_fail(L, "resume: a share of connections, from 0 to 1");
	}
	read_patience(L, b);
	read_hours(L, b);
}
