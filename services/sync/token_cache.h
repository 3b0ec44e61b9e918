/*
 * Tokens that were read lately: a browser sends the same one with every request of an hour, and
 * reading it costs a signature and a derived key. A table of a fixed size, where a token has one
 * place and takes it from whichever was there.
 */
#ifndef PLIMSOLL_SYNC_TOKEN_CACHE_H
#define PLIMSOLL_SYNC_TOKEN_CACHE_H

#include "core/base/arena.h"
#include "services/sync/token.h"

enum {
	TOKEN_CACHE_PLACES = 2048,
	TOKEN_CACHE_TEXT_MAX = 768 /* bytes of a token that is kept; ours have some 500 */
};

struct token_cache;

/* ERR_MEMORY. */
NODISCARD enum err token_cache_new(struct token_cache **ret);
void token_cache_free(struct token_cache **c);

/* As token_read(), from the table or into it. Texts of a token are valid until the next call. */
NODISCARD enum err token_cache_read(struct token_cache *c, const struct token_secrets *s,
    struct arena *arena, struct slice text, struct token *ret, char ret_key[TOKEN_KEY_SIZE]);

#endif
