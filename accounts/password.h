/*
 * Password hashes. bcrypt through crypt_r with a cost from the configuration. bcrypt reads 72 bytes
 * only, so a longer password is hashed with SHA-384 first (64 letters in base64) and the stored
 * text says so; that nothing is cut silently is also true for hashes imported from elsewhere.
 *
 *	$2b$10$...           bcrypt of the credential
 *	sha384:$2b$10$...    bcrypt of base64(SHA-384(credential))
 *
 * The credential is what the client sends for the account's kdf (kdf.h): the password itself or
 * its stretched form. All of this takes many milliseconds: for the compute role only, which web
 * asks by the two messages below.
 */
#ifndef PLIMSOLL_ACCOUNTS_PASSWORD_H
#define PLIMSOLL_ACCOUNTS_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/kdf.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

enum password_limits {
	PASSWORD_HASH_SIZE = 80,  /* of the stored text, with NUL */
	PASSWORD_MAX_BYTES = 320, /* 80 characters of up to four bytes */
	BCRYPT_COST_MIN = 4,
	BCRYPT_COST_MAX = 16,
};

/* The stored text for a credential. ERR_LIMIT: too long; ERR_CRYPTO. */
NODISCARD enum err password_hash(
    struct slice credential, unsigned cost, char out[PASSWORD_HASH_SIZE]);

/* ERR_CORRUPT: the stored text is none of ours or of an importable form ($2a$, $2b$, $2y$). */
NODISCARD enum err password_verify(struct slice credential, struct slice stored, bool *ret_matches);

/* The cost in a stored text; 0 if it has none. */
unsigned password_cost(struct slice stored);

/* What came as pass: is it the password itself, or already stretched as kdf says? */
struct password_given {
	struct slice pass;
	bool is_stretched;
	struct kdf kdf; /* of the account */
	/* bcrypt's, as the server that asks has it configured: whoever computes need not know. */
	unsigned cost;
};

/* ---- accounts.password_hash: web -> compute ---- */

extern const struct rpc_def accounts_password_hash;

void password_put_hash_req(struct buf *out, const struct password_given *r);
NODISCARD bool password_take_hash_req(struct slice message, struct password_given *ret);
/* The reply is the stored text. */

/* ---- accounts.password_verify: web -> compute ---- */

extern const struct rpc_def accounts_password_verify;

struct password_verify_req {
	struct password_given given;
	struct slice stored;
};
void password_put_verify_req(struct buf *out, const struct password_verify_req *r);
NODISCARD bool password_take_verify_req(struct slice message, struct password_verify_req *ret);

struct password_verified {
	bool matches;
	struct slice new_hash; /* empty unless it matches and was stored with another cost */
};
void password_put_verified(struct buf *out, const struct password_verified *r);
NODISCARD bool password_take_verified(struct slice message, struct password_verified *ret);

#endif
