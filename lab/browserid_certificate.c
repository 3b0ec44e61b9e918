/*
 * browserid.keep() and browserid.kept() of models: certificates in few bytes (certificate_form.h).
 */
#include <lauxlib.h>

#include "lab/browserid_key.h"
#include "lab/certificate_form.h"
#include "lab/script.h"

enum {
	TEXT_BYTES = 8192
};

static const char registry_form[] = "plimsoll.certificate_form";

static int collect(lua_State *L)
{
	certificate_form_fini(lua_touserdata(L, 1));
	return 0;
}

static struct certificate_form *form_of(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, registry_form);
	struct certificate_form *f = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return f;
}

/* Without a server there are no keys, and no certificates either. */
static struct slice key_of(lua_State *L)
{
	double number = script_number(L, 2, "the key");

	return script_of(L)->pretended_ms != 0 ? SLICE_EMPTY : browserid_public(L, number);
}

static int push_result(lua_State *L, enum err e, const char *what)
{
	struct buf *b = &script_of(L)->scratch;

	if (e != ERR_OK) {
		script_fail(L, "browserid.%s: too long", what);
	}
	lua_pushlstring(L, b->data == NULL ? "" : b->data, b->len);
	return 1;
}

/* keep(certificate, key, address) */
static int keep(lua_State *L)
{
	struct script *s = script_of(L);
	struct slice certificate = script_text(L, 1, "the certificate");
	struct slice key = key_of(L), address = script_text(L, 3, "the address");

	if (certificate.len > TEXT_BYTES) {
		script_fail(L, "browserid.keep: no certificate: %.80s", certificate.ptr);
	}
	buf_clear(&s->scratch);
	return push_result(
	    L, certificate_keep(form_of(L), certificate, key, address, &s->scratch), "keep");
}

/* kept(what, key, address) */
static int kept(lua_State *L)
{
	struct script *s = script_of(L);
	struct slice what = script_text(L, 1, "what was kept of a certificate");
	struct slice key = key_of(L), address = script_text(L, 3, "the address");

	buf_clear(&s->scratch);
	return push_result(
	    L, certificate_restore(form_of(L), what, key, address, &s->scratch), "kept");
}

void browserid_add_certificates(lua_State *L, int table)
{
	struct certificate_form *f = lua_newuserdata(L, sizeof(*f));

	certificate_form_init(f);
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, collect);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2);
	lua_setfield(L, LUA_REGISTRYINDEX, registry_form);
	lua_pushcfunction(L, keep);
	lua_setfield(L, table, "keep");
	lua_pushcfunction(L, kept);
	lua_setfield(L, table, "kept");
}
