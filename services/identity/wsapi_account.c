/*
 * Calls by which somebody who is logged in changes the account: update_password, remove_email,
 * account_cancel.
 */
#include "core/base/check.h"
#include "services/identity/account_change.h"
#include "services/identity/wsapi.h"

enum {
	REQUEST_MAX = 2048
};

const char wsapi_not_yours[] = "you don't control that email address";
static const char not_owned[] = "that email does not belong to you";

enum err wsapi_change(struct wsapi *w, const struct change_req *req, struct changed *ret)
{
	struct slice reply = SLICE_EMPTY;
	struct buf *message = identity_body(w->c, REQUEST_MAX);

	if (message == NULL) {
		return ERR_MEMORY;
	}
	change_req_put(message, req);
	if (message->failed) {
		return ERR_MEMORY;
	}
	enum err e = rpc_call(w->env->peer[ROLE_STORE], &identity_change, buf_slice(message),
	    identity_soon_us(w->c), w->c->trace, w->c->arena, &reply, &w->c->note);
	if (e == ERR_OK) {
		CHECK(changed_take(reply, ret));
	}
	return e;
}

/* ---- update_password ---- */

/* The address whose salt a page used for the new password; it must be the account's own. */
static enum err salt_address(
    struct wsapi *w, const struct account *account, struct slice *ret_key, const char **ret_problem)
{
	struct account owner;

	*ret_problem = "email: an address of the account is needed with newkdf onepw-2";
	if (!param_is_there(&w->params, "email")) {
		return ERR_OK;
	}
	enum err e = wsapi_account(w, &owner, ret_key);
	if (e == ERR_OK && owner.id == account->id) {
		*ret_problem = NULL;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The old password was right: the new one takes its place. */
static enum err set_password(struct wsapi *w, const struct account *account,
    const struct credential *old, const struct credential *new, struct slice key)
{
	struct change_req req = { .kind = CHANGE_PASSWORD,
		.account_id = account->id,
		.old_hash = account->password_hash,
		.ends_sessions = old->is_stretched != new->is_stretched ||
				 !slice_eq_secret(old->text, new->text) };
	struct changed changed = { .outcome = CHANGE_STALE };
	enum err e = wsapi_kdf_for_new(w, new, account, key, &req.kdf);

	if (e == ERR_OK) {
		e = credential_hash(w->c, new, &req.kdf, &req.new_hash);
	}
	if (e == ERR_OK) {
		e = wsapi_change(w, &req, &changed);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (changed.outcome != CHANGE_DONE) {
		return wsapi_fail(w, "the password was changed meanwhile");
	}
	session_login(&w->session, account->id, SESSION_PASSWORD, changed.password_reset_ms,
	    w->session.duration_ms, w->now_ms);
	return wsapi_ok(w);
}

enum err wsapi_update_password(struct wsapi *w)
{
	struct account account;
	struct credential old, new;
	struct slice key = SLICE_EMPTY;
	enum pass_verdict verdict = PASS_WRONG;
	const char *problem = wsapi_take_pass(w, "oldpass", "kdf", &old);

	if (problem == NULL) {
		problem = wsapi_take_pass(w, "newpass", "newkdf", &new);
	}
	enum err e =
	    account_by_id(w->env->db, w->c->arena, w->session.userid, &account, &w->c->note);
	if (e == ERR_OK && problem == NULL && new.is_stretched &&account.kdf.kind == KDF_PLAIN) {
		e = salt_address(w, &account, &key, &problem);
	}
	if (e == ERR_OK && problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	if (e == ERR_OK) {
		e = wsapi_check_account(w, &account, &old, SLICE_EMPTY, key, &verdict);
	}
	if (e == ERR_OK && verdict == PASS_GOOD) {
		e = set_password(w, &account, &old, &new, key);
	}
	if (wsapi_is_overload(e)) {
		return wsapi_busy(w);
	}
	if (e != ERR_OK || verdict == PASS_GOOD) {
		return e;
	}
	return verdict == PASS_LOCKED ? wsapi_locked(w)
	       : verdict == PASS_NONE ? wsapi_fail(w, "no password set for user")
				      : wsapi_fail(w, "password mismatch");
}

/* ---- remove_email, account_cancel ---- */

static enum err answer_changed(struct wsapi *w, const struct changed *changed)
{
	if (changed->outcome != CHANGE_DONE) {
		return wsapi_text(w, 400, not_owned);
	}
	if (changed->account_gone) {
		session_logout(&w->session, w->now_ms);
		w->session.known_user = 0;
	}
	return wsapi_ok(w);
}

enum err wsapi_remove_email(struct wsapi *w)
{
	const struct change_req req = { .kind = CHANGE_REMOVE_EMAIL,
		.account_id = w->session.userid,
		.address = param_text(&w->params, "email") };
	struct changed changed = { .outcome = CHANGE_NOT_OWNED };
	enum err e = wsapi_change(w, &req, &changed);

	return e == ERR_OK ? answer_changed(w, &changed) : e;
}

enum err wsapi_account_cancel(struct wsapi *w)
{
	const struct change_req req = { .kind = CHANGE_CANCEL, .account_id = w->session.userid };
	struct changed changed = { .outcome = CHANGE_NOT_OWNED };
	enum err e = wsapi_change(w, &req, &changed);

	/* Gone already: what was wanted. */
	if (e == ERR_OK && changed.outcome == CHANGE_NOT_OWNED) {
		changed = (struct changed){ .outcome = CHANGE_DONE, .account_gone = true };
	}
	return e == ERR_OK ? answer_changed(w, &changed) : e;
}
