/*
 * What the endpoints of OAuth share: fields of a request, tokens.
 */
#ifndef PLIMSOLL_SYNC_FX_OAUTH_H
#define PLIMSOLL_SYNC_FX_OAUTH_H

#include "services/sync/fx.h"

/* Fields of a request's body; false: not there, or not of its form. */
bool fx_take_scope(const struct json *body, struct slice *ret);
bool fx_take_client(const struct json *body, struct slice *ret);

/* Seconds that an access token is to live: less than the most on request. */
int64_t fx_take_ttl_s(const struct json *body);

/* Is every word of part also in whole? */
bool fx_scope_is_part(struct slice part, struct slice whole);

/* FX_TOKEN_BYTES of chance as hex, in the arena of the call. */
NODISCARD enum err fx_random_hex(struct op_call *c, struct slice *ret);

/* The browser that a refresh token belongs to. ERR_NOT_FOUND: none any more. */
NODISCARD enum err fx_find_refresh(struct op_call *c, struct slice token, struct fx_who *who);

#endif
