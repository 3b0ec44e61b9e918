/*
 * Who proves to be whom: access tokens of our own accounts.
 */
#include "services/sync/fx.h"
#include "services/sync/token_server.h"

static bool has_sync_scope(struct slice scope)
{
	struct slice rest = scope, word;

	while (slice_split(&rest, ' ', &word)) {
		if (slice_eq(word, SLICE(FX_SCOPE_SYNC))) {
			return true;
		}
	}
	return false;
}

enum err token_prove_oauth(
    struct op_call *c, struct slice token, struct token_owner *ret_owner, enum token_proof *ret)
{
	struct access_token t;
	struct fx_who who;
	enum err e = fx_access(c, token, &t, &who);

	*ret = TOKEN_NOT_PROVED;
	if (e == ERR_UNAUTHENTICATED || e == ERR_SYNTAX) {
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!has_sync_scope(t.scope)) {
		(void)!err_note_set(&c->note, ERR_UNAUTHENTICATED, "the scope is not that of Sync");
		return ERR_OK;
	}
	*ret_owner = (struct token_owner){ .fxa_uid = t.uid, .generation = t.generation };
	*ret = TOKEN_PROVED;
	return ERR_OK;
}

enum err token_prove_assertion(
    struct op_call *c, struct slice bundle, struct token_owner *ret_owner, enum token_proof *ret)
{
	(void)bundle;
	(void)ret_owner;
	*ret = TOKEN_NOT_PROVED;
	(void)!err_note_set(&c->note, ERR_UNAUTHENTICATED, "assertions are not taken");
	return ERR_OK;
}
