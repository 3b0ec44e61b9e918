/*
 * Role: web. What somebody sent to prove that an account is theirs: compared in compute, counted by
 * the lockout, recorded in the store. Whoever takes passwords from outside calls these, in a task.
 */
#ifndef PLIMSOLL_ACCOUNTS_CREDENTIAL_H
#define PLIMSOLL_ACCOUNTS_CREDENTIAL_H

#include <stdbool.h>

#include "accounts/account.h"
#include "accounts/kdf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/http/http.h"
#include "core/service.h"

/* A password as a request brought it. */
struct credential {
	struct slice text;
	bool is_stretched;
};

/* Salts of addresses that have no account yet are derived from a key, not stored. */
void credential_derived_kdf(const struct svc_env *env, struct slice address_key, struct kdf *ret);

/* Asks compute whether it matches a stored hash. The new hash is in the request's arena. */
NODISCARD enum err credential_verify(struct op_call *c, const struct credential *given,
    const struct kdf *kdf, struct slice stored, bool *ret_matches, struct slice *ret_new_hash);

/* Has compute hash it. */
NODISCARD enum err credential_hash(struct op_call *c, const struct credential *given,
    const struct kdf *kdf, struct slice *ret_hash);

enum pass_verdict {
	PASS_GOOD,
	PASS_WRONG,
	PASS_LOCKED,
	PASS_NONE /* the account has no password */
};

/*
 * The password of an account, with the lockout: looked up, compared, the outcome recorded. verifier
 * (or empty): the stretched form for a plain account, which takes the plain one's place if it was
 * right. is_known: this browser was logged in to the account before. Errors: as of rpc_call; a good
 * password whose outcome cannot be recorded is good.
 */
NODISCARD enum err credential_check(struct op_call *c, const struct account *account,
    const struct credential *given, struct slice verifier, struct slice address_key, bool is_known,
    enum pass_verdict *ret);

#endif
