/*
 * By OpenSSL's EVP. The public half is written once, as the decimal numbers of the protocol.
 */
#include "lab/browserid_key.h"

#include <lauxlib.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/json.h"
#include "lab/script.h"

enum {
	BITS = 2048,
	SIGNATURE_BYTES = BITS / 8,
	PUBLIC_BYTES = 1024,
	TEXT_BYTES = 4096,
};

static const char registry_keys[] = "plimsoll.browserid";

struct browserid_key {
	EVP_PKEY *pair;
	struct buf public_text;
};

static enum err put_decimal(const EVP_PKEY *pair, const char *name, struct json_writer *w)
{
	BIGNUM *n = NULL;

	if (EVP_PKEY_get_bn_param(pair, name, &n) != 1) {
		return ERR_CRYPTO;
	}
	char *text = BN_bn2dec(n);
	BN_free(n);
	if (text == NULL) {
		return ERR_CRYPTO;
	}
	json_put_string(w, slice_str(text));
	OPENSSL_free(text);
	return ERR_OK;
}

static enum err write_public(struct browserid_key *k)
{
	struct json_writer w = json_writer_new(&k->public_text);

	json_begin_object(&w);
	json_put_name(&w, SLICE("algorithm"));
	json_put_string(&w, SLICE("RS"));
	json_put_name(&w, SLICE("n"));
	enum err e = put_decimal(k->pair, OSSL_PKEY_PARAM_RSA_N, &w);
	json_put_name(&w, SLICE("e"));
	if (e == ERR_OK) {
		e = put_decimal(k->pair, OSSL_PKEY_PARAM_RSA_E, &w);
	}
	json_end_object(&w);
	return e == ERR_OK && k->public_text.failed ? ERR_LIMIT : e;
}

enum err browserid_key_new(struct browserid_key **ret)
{
	struct browserid_key *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		return ERR_MEMORY;
	}
	k->public_text = buf_new(PUBLIC_BYTES);
	k->pair = EVP_RSA_gen(BITS);
	enum err e = k->pair == NULL ? ERR_CRYPTO : write_public(k);
	if (e != ERR_OK) {
		browserid_key_free(&k);
		return e;
	}
	*ret = k;
	return ERR_OK;
}

void browserid_key_free(struct browserid_key **kp)
{
	struct browserid_key *k = *kp;

	if (k == NULL) {
		return;
	}
	EVP_PKEY_free(k->pair);
	buf_free(&k->public_text);
	free(k);
	*kp = NULL;
}

struct slice browserid_key_public(const struct browserid_key *k)
{
	return buf_slice(&k->public_text);
}

static enum err sign(EVP_PKEY *pair, struct slice text, unsigned char out[SIGNATURE_BYTES])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = SIGNATURE_BYTES;
	bool good =
	    context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pair) == 1 &&
	    EVP_DigestSign(context, out, &len, (const unsigned char *)text.ptr, text.len) == 1 &&
	    len == SIGNATURE_BYTES;

	EVP_MD_CTX_free(context);
	return good ? ERR_OK : ERR_CRYPTO;
}

enum err browserid_key_assert(
    const struct browserid_key *k, struct slice site, int64_t expires_ms, struct buf *out)
{
	unsigned char signature[SIGNATURE_BYTES];
	struct buf payload = buf_new(TEXT_BYTES);
	struct slice text = SLICE_EMPTY;
	struct json_writer w = json_writer_new(&payload);
	size_t from = out->len;

	json_begin_object(&w);
	json_put_name(&w, SLICE("exp"));
	json_put_i64(&w, expires_ms);
	json_put_name(&w, SLICE("aud"));
	json_put_string(&w, site);
	json_end_object(&w);
	enum err e = buf_finish(&payload, &text);
	if (e == ERR_OK) {
		enc_base64url(out, SLICE("{\"alg\":\"RS256\"}"));
		buf_append_char(out, '.');
		enc_base64url(out, text);
		e = out->failed ? ERR_LIMIT : ERR_OK;
	}
	buf_free(&payload);
	if (e == ERR_OK) {
		e = sign(k->pair, slice_sub(buf_slice(out), from, out->len), signature);
	}
	if (e == ERR_OK) {
		buf_append_char(out, '.');
		enc_base64url(out, SLICE_OF(signature, sizeof(signature)));
		e = out->failed ? ERR_LIMIT : ERR_OK;
	}
	return e;
}

/* ---- for models ---- */

static int collect(lua_State *L)
{
	struct browserid_key **k = lua_touserdata(L, 1);

	browserid_key_free(k);
	return 0;
}

/* The key of a number; made if there is none yet. */
static const struct browserid_key *key_at(lua_State *L, double number)
{
	if (!(number >= 1 && number <= BROWSERID_KEYS_MAX)) {
		script_fail(L, "keys are numbered from 1 to %d", BROWSERID_KEYS_MAX);
	}
	lua_getfield(L, LUA_REGISTRYINDEX, registry_keys);
	lua_rawgeti(L, -1, (int)number);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		struct browserid_key **slot = lua_newuserdata(L, sizeof(struct browserid_key *));
		*slot = NULL;
		lua_createtable(L, 0, 1);
		lua_pushcfunction(L, collect);
		lua_setfield(L, -2, "__gc");
		lua_setmetatable(L, -2);
		if (browserid_key_new(slot) != ERR_OK) {
			script_fail(L, "OpenSSL makes no key");
		}
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, (int)number);
	}
	struct browserid_key *const *k = lua_touserdata(L, -1);
	lua_pop(L, 2);
	return *k;
}

struct slice browserid_public(lua_State *L, double number)
{
	return browserid_key_public(key_at(L, number));
}

/* Without a server nobody looks at signatures, which take longer than all else. */
static bool pretends(lua_State *L)
{
	return script_of(L)->pretended_ms != 0;
}

static int public_key(lua_State *L)
{
	if (pretends(L)) {
		lua_pushliteral(L, "{}");
		return 1;
	}
	struct slice text = browserid_public(L, script_number(L, 1, "the key"));

	lua_pushlstring(L, text.ptr, text.len);
	return 1;
}

/* The certificate and an assertion of the key for the site, as sites get them. */
static int assertion(lua_State *L)
{
	if (pretends(L)) {
		lua_pushliteral(L, "a~b");
		return 1;
	}
	struct script *s = script_of(L);
	const struct browserid_key *k = key_at(L, script_number(L, 1, "the key"));
	struct slice site = script_text(L, 2, "the site");
	double seconds = script_number(L, 3, "the seconds it is good for");
	struct slice certificate = script_text(L, 4, "the certificate");
	struct slice text = SLICE_EMPTY;

	buf_clear(&s->scratch);
	buf_append_slice(&s->scratch, certificate);
	buf_append_char(&s->scratch, '~');
	int64_t expires_ms = clock_wall_ms() + (int64_t)(seconds * 1000);
	if (!(seconds > -1e9 && seconds < 1e9) ||
	    browserid_key_assert(k, site, expires_ms, &s->scratch) != ERR_OK ||
	    buf_finish(&s->scratch, &text) != ERR_OK) {
		script_fail(L, "browserid.assertion: cannot be made");
	}
	lua_pushlstring(L, text.ptr, text.len);
	return 1;
}

void browserid_add(struct script *s)
{
	lua_State *L = s->lua;

	lua_newtable(L);
	lua_setfield(L, LUA_REGISTRYINDEX, registry_keys);
	lua_createtable(L, 0, 4);
	lua_pushcfunction(L, public_key);
	lua_setfield(L, -2, "public_key");
	lua_pushcfunction(L, assertion);
	lua_setfield(L, -2, "assertion");
	browserid_add_certificates(L, lua_gettop(L));
	lua_setglobal(L, "browserid");
}

enum err browserid_make_keys(struct script *s, unsigned n)
{
	struct err_note note = { 0 };

	for (unsigned i = 1; i <= n; i++) {
		lua_pushcfunction(s->lua, public_key);
		lua_pushinteger(s->lua, (lua_Integer)i);
		enum err e = script_call(s, s->lua, 1, 0, &note);
		if (e != ERR_OK) {
			return ERR_CRYPTO;
		}
	}
	return ERR_OK;
}
