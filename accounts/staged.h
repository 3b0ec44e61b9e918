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

/*
 * In the place of an address: whoever has the token of this STAGED_NEW row chooses one, and is the
 * server's administrator. No address can be written like this.
 */
#define STAGED_FIRST "the first account"

/* What the answer to the mail will do (persona.md 3.2). */
enum staged_kind {
	STAGED_NEW,	   /* make an account; without a password: whoever answers chooses it */
	STAGED_ADD,	   /* give an account one more address, and perhaps its first password */
	STAGED_RESET,	   /* let the owner of an address choose a new password */
	STAGED_REVERIFY,   /* verify an address again */
	STAGED_TRANSITION, /* give an account its first password: a provider has gone */
	STAGED_KINDS
};

/* As stored: "new", "add", "reset", "reverify", "transition". */
const char *staged_kind_name(enum staged_kind kind);

/* Text is borrowed, or in the arena after a read. */
struct staged {
	struct slice token_hash; /* TOKEN_HASH_HEX digits */
	struct slice address, address_key;
	enum staged_kind kind;
	int64_t account_id; /* 0 for STAGED_NEW */
	bool has_password;
	struct slice password_hash;
	struct kdf kdf;
	int64_t created_ms, expires_ms;
	int64_t mails;		 /* sent to the address and not answered, this one included */
	struct slice test_token; /* the token itself, for test doors; not read back */
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

/* Do more than most staged rows of an account wait for their answer? */
NODISCARD enum err staged_waits_more(struct sql_db *db, int64_t account_id, int64_t most,
    int64_t now_ms, bool *ret, struct err_note *note);

/* For test doors: the token of an address. ERR_NOT_FOUND. */
NODISCARD enum err staged_test_token(struct sql_db *db, struct arena *arena, struct slice key,
    struct slice *ret, struct err_note *note);

/* Deletes the rows of an account: all, or those that would set a password. */
NODISCARD enum err staged_forget(struct txn *t, int64_t account_id, struct err_note *note);
NODISCARD enum err staged_forget_resets(struct txn *t, int64_t account_id, struct err_note *note);

/* Deletes what is staged for an address because the account had it, and has it no longer. */
NODISCARD enum err staged_forget_claim(
    struct txn *t, struct slice key, int64_t account_id, struct err_note *note);

/* Reads and deletes the row of a token. ERR_NOT_FOUND: none, expired, or used before. */
NODISCARD enum err staged_take(
    struct txn *t, struct slice hash, struct staged *ret, struct err_note *note);

#endif
