/*
 * What a browser does for BrowserID: RSA keys, and assertions signed with them (RS256). A handful
 * of keys is made when a run starts and shared by all users, because making one takes longer than
 * hundreds of signatures; each assertion is another one.
 */
#ifndef PLIMSOLL_LAB_BROWSERID_KEY_H
#define PLIMSOLL_LAB_BROWSERID_KEY_H

#include <lua.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

struct script;

enum {
	BROWSERID_KEYS_MAX = 16
};

struct browserid_key;

/* An RSA key of 2,048 bits. ERR_CRYPTO, ERR_MEMORY. */
NODISCARD enum err browserid_key_new(struct browserid_key **ret);
void browserid_key_free(struct browserid_key **k);

/* {"algorithm":"RS","n":"decimal","e":"decimal"}; valid as long as the key. */
struct slice browserid_key_public(const struct browserid_key *k);

/*
 * Appends an assertion for the site (its origin), good until expires_ms since 1970. site must not
 * need escapes in JSON. ERR_CRYPTO.
 */
NODISCARD enum err browserid_key_assert(
    const struct browserid_key *k, struct slice site, int64_t expires_ms, struct buf *out);

/*
 * Adds browserid.public_key(n), browserid.assertion(n, site, seconds, certificate), and keep() and
 * kept() of certificates to a script; key n (from 1) is made at its first use and belongs to the
 * Lua state.
 */
void browserid_add(struct script *s);

/* browserid_key_public() of key n. May raise a Lua error. */
struct slice browserid_public(lua_State *L, double number);
/* browserid_certificate.c: puts keep() and kept() into the table at that place. */
void browserid_add_certificates(lua_State *L, int table);

/* Makes keys 1 to n, so that no request waits for it. ERR_CRYPTO. */
NODISCARD enum err browserid_make_keys(struct script *s, unsigned n);

#endif
