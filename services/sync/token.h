/*
 * Tokens of the token server (sync.md 3.3, the format of tokenlib): who may use which store until
 * when, signed with a secret that the token server and the storage nodes share. The key of a token,
 * which Hawk signs requests with, follows from the token and the secret.
 *
 *	TOKEN = base64url(JSON || HMAC-SHA256(signing key, JSON)), with padding
 *	key   = base64url(HKDF(secret, salt of the token, ".../derive/" TOKEN)), with padding
 */
#ifndef PLIMSOLL_SYNC_TOKEN_H
#define PLIMSOLL_SYNC_TOKEN_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum token_limits {
	TOKEN_MAX = 1536,	/* bytes of a token, which stands in a header */
	TOKEN_SECRET_MAX = 256, /* bytes of a secret */
	TOKEN_SECRETS_MAX = 3,
	TOKEN_KEY_SIZE = 45,	   /* 44 characters, with NUL */
	TOKEN_HASHED_ID_SIZE = 33, /* 32 hex digits, with NUL */
	TOKEN_FXA_UID_HEX = 32,
	TOKEN_SIGNING_BYTES = 32
};

#define TOKEN_UID_MAX INT64_C(9999999999) /* ten digits */

/* A secret and what follows from it. */
struct token_secret {
	char text[TOKEN_SECRET_MAX];
	size_t len;
	uint8_t signing[TOKEN_SIGNING_BYTES];
};

/* ERR_LIMIT: empty or longer than TOKEN_SECRET_MAX. */
NODISCARD enum err token_secret_init(struct slice text, struct token_secret *ret);

/* The newest signs, all are tried when a token is read. */
struct token_secrets {
	struct token_secret list[TOKEN_SECRETS_MAX];
	unsigned n;
};

/* What a token says. Texts are borrowed, or in the arena after a read; empty: it does not say. */
struct token {
	int64_t uid;
	int64_t expires_s;
	struct slice node; /* URL */
	struct slice salt; /* 6 hex digits; of a new token: empty, it is made */
	struct slice fxa_uid, fxa_kid, hashed_fxa_uid, hashed_device_id;
};

/* Appends a token and writes its key. ERR_LIMIT: it would be longer than TOKEN_MAX; ERR_CRYPTO. */
NODISCARD enum err token_make(const struct token_secrets *s, const struct token *t,
    struct buf *ret_token, char ret_key[TOKEN_KEY_SIZE]);

/*
 * Reads a token; whether it has expired is the caller's question. ERR_DENIED: no secret of ours
 * signed it; ERR_SYNTAX: not of the form; ERR_MEMORY; ERR_CRYPTO.
 */
NODISCARD enum err token_read(const struct token_secrets *s, struct arena *arena, struct slice text,
    struct token *ret, char ret_key[TOKEN_KEY_SIZE]);

/*
 * For what counts users without naming them: the first 32 hex digits of HMAC-SHA256(secret, id),
 * id being the user's, or the hashed user's and the device's behind it.
 */
NODISCARD enum err token_hashed_id(
    struct slice secret, struct slice id, char out[TOKEN_HASHED_ID_SIZE]);

#endif
