/*
 * Access tokens of OAuth, as our own accounts give them out: what they say, signed with a key that
 * web derives, so that no table has to hold them. That a token was destroyed, or the browser it
 * belongs to has signed out, is looked up when it is used (fx_auth.c).
 *
 *	base64url(JSON) "." base64url(HMAC-SHA256(key, the first part))
 */
#ifndef PLIMSOLL_SYNC_ACCESS_TOKEN_H
#define PLIMSOLL_SYNC_ACCESS_TOKEN_H

#include <stdint.h>

#include "accounts/keys.h"
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	ACCESS_TOKEN_MAX = 1024, /* bytes */
	ACCESS_SCOPE_MAX = 300
};

/* Texts are borrowed, or in the arena after a read. */
struct access_token {
	int64_t account_id;
	struct slice uid; /* Firefox's name of the account */
	struct slice client_id, scope;
	struct slice owner; /* id of the session or refresh token that it came from */
	int64_t generation; /* when the account's password or keys changed last, ms */
	int64_t expires_ms;
};

/* Appends one. ERR_LIMIT: longer than ACCESS_TOKEN_MAX; ERR_CRYPTO. */
NODISCARD enum err access_token_make(
    const struct symmetric_keys *keys, const struct access_token *t, struct buf *out);

/* ERR_SYNTAX: none of ours; ERR_DENIED: wrongly signed; ERR_MEMORY. Its time is not looked at. */
NODISCARD enum err access_token_read(const struct symmetric_keys *keys, struct arena *arena,
    struct slice text, struct access_token *ret);

#endif
