/*
 * Staged changes: what waits for a token that was sent by mail. One per address; staging again
 * replaces the token, and the old one is dead. Only the hash of a token is stored. Rows expire and
 * are cleaned up a few at a time by whoever stages next.
 */
#ifndef PLIMSOLL_ACCOUNTS_STAGED_H
#define PLIMSOLL_ACCOUNTS_STAGED_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/kdf.h"
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/store/sql.h"
#include "core/store/store.h"

enum {
	TOKEN_LEN = 48,
	TOKEN_HASH_HEX = 64
};

/* Text is borrowed, or in the arena after a read. */
struct staged {
	struct slice token_hash; /* TOKEN_HASH_HEX digits */
	struct slice address, address_key;
	bool is_new_account;
	int64_t account_id; /* 0 for a new one */
	bool has_password;
	struct slice password_hash;
	struct kdf kdf;
	int64_t created_ms, expires_ms;
};

/* Hex of SHA-256 of a token, with NUL. ERR_CRYPTO: OpenSSL had no memory. */
NODISCARD enum err token_hash(struct slice token, char out[TOKEN_HASH_HEX + 1]);

/* ERR_NOT_FOUND: none, or expired at now_ms. */
NODISCARD enum err staged_by_token(struct sql_db *db, struct arena *arena, struct slice hash,
    int64_t now_ms, struct staged *ret, struct err_note *note);
NODISCARD enum err staged_by_address(struct sql_db *db, struct arena *arena, struct slice key,
    int64_t now_ms, struct staged *ret, struct err_note *note);

/* Stages s (address_key is computed), replacing what was staged for its address. */
NODISCARD enum err staged_put(struct txn *t, const struct staged *s, struct err_note *note);

/* Reads and deletes the row of a token. ERR_NOT_FOUND: none, expired, or used before. */
NODISCARD enum err staged_take(
    struct txn *t, struct slice hash, struct staged *ret, struct err_note *note);

#endif
