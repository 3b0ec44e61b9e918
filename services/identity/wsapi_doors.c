/*
 * Doors for tests and load generators, [identity] test_doors: closed, they are calls that do not
 * exist. Open, anybody can take any account, so a public server refuses to start with them.
 */
#include "accounts/staged.h"
#include "services/identity/wsapi.h"

/* The token that was mailed to an address: 200 with it as the body, or 400 and nothing. */
enum err wsapi_fake_verification(struct wsapi *w)
{
	struct slice email = SLICE_EMPTY, key = SLICE_EMPTY, token = SLICE_EMPTY;

	if (!conf_bool(w->env->conf, "identity", "test_doors")) {
		return identity_not_found(w->c);
	}
	(void)http_query_get(w->c->req, SLICE("email"), &email);
	enum err e = email_key(w->c->arena, email, &key);
	if (e == ERR_OK) {
		e = staged_test_token(w->env->db, w->c->arena, key, &token, &w->c->note);
	}
	if (e == ERR_NOT_FOUND || e == ERR_LIMIT) {
		http_reply(w->c->req, 400, SLICE("text/plain; charset=utf-8"), SLICE_EMPTY);
		return ERR_OK;
	}
	return e == ERR_OK ? wsapi_plain(w, token) : e;
}
