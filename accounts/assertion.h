/*
 * Role: web. Whether a backed assertion of BrowserID is good, for services that do not know how it
 * is found out: identity does, and says so when it starts. So services need not include each other.
 */
#ifndef PLIMSOLL_ACCOUNTS_ASSERTION_H
#define PLIMSOLL_ACCOUNTS_ASSERTION_H

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/http/http.h"
#include "core/service.h"

struct assertion_result {
	const char *reason; /* NULL: it is good; else why not, in words */
	struct slice email; /* whose it is */
};

/* Verifies for a request of any service, in a task. state is what was given with the function. */
typedef enum err assertion_verify_fn(struct op_call *c, void *state, struct slice bundle,
    struct slice audience, struct assertion_result *ret);

void accounts_set_assertion_verifier(struct svc_env *env, assertion_verify_fn *verify, void *state);

/* Does anybody here verify assertions? */
bool accounts_verify_assertions_here(const struct svc_env *env);

/* ERR_UNSUPPORTED: nobody here verifies assertions; else as the verifier says. */
NODISCARD enum err accounts_verify_assertion(
    struct op_call *c, struct slice bundle, struct slice audience, struct assertion_result *ret);

#endif
