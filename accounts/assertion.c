/*
 * Who verifies assertions in this process.
 */
#include "accounts/assertion.h"

#include "accounts/accounts_priv.h"

void accounts_set_assertion_verifier(struct svc_env *env, assertion_verify_fn *verify, void *state)
{
	struct accounts_state *own = accounts_state(env);

	own->verify_assertion = verify;
	own->verify_assertion_state = state;
}

bool accounts_verify_assertions_here(const struct svc_env *env)
{
	const struct accounts_state *own = accounts_state(env);

	return own->verify_assertion != NULL;
}

enum err accounts_verify_assertion(
    struct op_call *c, struct slice bundle, struct slice audience, struct assertion_result *ret)
{
	struct accounts_state *own = accounts_state(c->env);

	return own->verify_assertion == NULL
		   ? ERR_UNSUPPORTED
		   : own->verify_assertion(c, own->verify_assertion_state, bundle, audience, ret);
}
