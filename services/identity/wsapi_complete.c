/*
 * Calls that answer a mail: complete_user_creation, complete_email_confirmation, complete_reset,
 * complete_transition. Who has the token has the mailbox; whether that is also the person who asked
 * for the mail shows the browser, or a password.
 */
#include "accounts/staged.h"
#include "core/base/check.h"
#include "services/identity/staging.h"
#include "services/identity/wsapi.h"

enum {
	REQUEST_MAX = 1024
};

const char wsapi_no_such_secret[] = "no such secret";

bool wsapi_is_pending(const struct wsapi *w, enum session_pending which, struct slice token)
{
	return slice_eq_secret(token, slice_str(w->session.pending[which]));
}

enum err wsapi_staged(struct wsapi *w, struct staged *ret)
{
	char hash[TOKEN_HASH_HEX + 1];

	enum err e = token_hash(param_text(&w->params, "token"), hash);
	return e == ERR_OK ? staged_by_token(w->env->db, w->c->arena, slice_str(hash), w->now_ms,
				 ret, &w->c->note)
			   : e;
}

/* Texts with which a call asks for a password. */
struct asking {
	const char *none, *wrong;
};
static const struct asking asking_initiator = { "Provide your password", "password mismatch" };
static const struct asking asking_confirmation = { "password required", "password mismatch" };

/* Is pass the one that was staged? *ret_refusal NULL: yes. */
static enum err check_staged(struct wsapi *w, const struct staged *staged,
    const struct credential *pass, const struct asking *asking, const char **ret_refusal)
{
	bool matches = false;
	struct slice unused;
	enum err e =
	    credential_verify(w->c, pass, &staged->kdf, staged->password_hash, &matches, &unused);

	*ret_refusal = matches ? NULL : asking->wrong;
	return e;
}

/* Is pass the password of the account that the change is for? */
static enum err check_account(struct wsapi *w, const struct staged *staged,
    const struct credential *pass, const struct asking *asking, const char **ret_refusal)
{
	struct account account;
	enum pass_verdict verdict = PASS_WRONG;
	enum err e =
	    account_by_id(w->env->db, w->c->arena, staged->account_id, &account, &w->c->note);

	if (e == ERR_OK) {
		e = wsapi_check_account(
		    w, &account, pass, SLICE_EMPTY, staged->address_key, &verdict);
	}
	*ret_refusal = verdict == PASS_GOOD	? NULL
		       : verdict == PASS_LOCKED ? "account is locked"
						: asking->wrong;
	return e;
}

/* Who comes from another browser proves by the password to be the one who asked. */
static enum err check_pass(struct wsapi *w, const struct staged *staged,
    const struct asking *asking, const char **ret_refusal)
{
	struct credential pass;

	*ret_refusal = asking->none;
	if (!param_is_there(&w->params, "pass")) {
		return ERR_OK;
	}
	*ret_refusal = wsapi_take_pass(w, "pass", "kdf", &pass);
	if (*ret_refusal != NULL) {
		return ERR_OK;
	}
	return staged->has_password ? check_staged(w, staged, &pass, asking, ret_refusal)
				    : check_account(w, staged, &pass, asking, ret_refusal);
}

static enum err call_complete(struct wsapi *w, struct complete_req *req, struct completion *ret)
{
	char hash[TOKEN_HASH_HEX + 1];
	struct slice reply = SLICE_EMPTY;
	struct buf *message = identity_body(w->c, REQUEST_MAX);

	if (message == NULL) {
		return ERR_MEMORY;
	}
	enum err e = token_hash(param_text(&w->params, "token"), hash);
	if (e != ERR_OK) {
		return e;
	}
	req->token_hash = slice_str(hash);
	complete_req_put(message, req);
	if (message->failed) {
		return ERR_MEMORY;
	}
	e = rpc_call(w->env->peer[ROLE_STORE], &identity_complete, buf_slice(message),
	    w->c->deadline_us, w->c->trace, w->c->arena, &reply, &w->c->note);
	if (e == ERR_OK) {
		CHECK(completion_take(reply, ret));
	}
	return e;
}

/* Does it, logs in and answers. */
static enum err finish(struct wsapi *w, struct complete_req *req, int64_t duration_ms)
{
	struct completion c = { .outcome = COMPLETE_UNKNOWN };
	enum err e = call_complete(w, req, &c);

	if (e != ERR_OK) {
		return e;
	}
	switch (c.outcome) {
	case COMPLETE_DONE:
		session_login(&w->session, c.account_id, SESSION_PASSWORD, c.password_reset_ms,
		    duration_ms, w->now_ms);
		return wsapi_ok(w);
	case COMPLETE_LOCKED:
		return wsapi_locked(w);
	case COMPLETE_FULL:
		return wsapi_fail(w, "this account has as many addresses as it may have");
	case COMPLETE_NEEDS_ADDRESS:
		return wsapi_refuse(w, 400, "missing required parameter: 'email'");
	case COMPLETE_TAKEN:
		return wsapi_fail(w, "somebody has that address");
	case COMPLETE_NEEDS_PASSWORD:
		return wsapi_text(w, 401, asking_initiator.none);
	case COMPLETE_UNKNOWN:
	case COMPLETE_OUTCOMES:
		break;
	}
	return wsapi_fail(w, wsapi_no_such_secret);
}

/* The row of the token, if it is one for this call. ERR_NOT_FOUND: the caller says so. */
static enum err find(struct wsapi *w, enum complete_call call, struct staged *ret)
{
	enum err e = wsapi_staged(w, ret);

	return e == ERR_OK && !complete_takes(call, ret->kind) ? ERR_NOT_FOUND : e;
}

/* The parameter pass as a new password, for rows that wait for one. */
static enum err take_new(struct wsapi *w, const struct staged *staged, struct complete_req *req,
    const char **ret_problem)
{
	struct account account = { .id = 0 };
	struct credential pass;
	struct slice key = staged->address_key;
	enum err e = ERR_OK;

	*ret_problem = NULL;
	if (!param_is_there(&w->params, "pass")) {
		return ERR_OK; /* the transaction refuses it */
	}
	*ret_problem = wsapi_take_pass(w, "pass", "kdf", &pass);
	if (*ret_problem != NULL) {
		return ERR_OK;
	}
	if (staged->account_id != 0) {
		e = account_by_id(
		    w->env->db, w->c->arena, staged->account_id, &account, &w->c->note);
	}
	if (e == ERR_OK && req->address.len > 0 && slice_eq(staged->address, SLICE(STAGED_FIRST))) {
		e = email_key(w->c->arena, req->address, &key); /* whose salt the page has used */
	}
	if (e == ERR_OK) {
		e = wsapi_kdf_for_new(
		    w, &pass, staged->account_id != 0 ? &account : NULL, key, &req->kdf);
	}
	return e == ERR_OK ? credential_hash(w->c, &pass, &req->kdf, &req->password_hash) : e;
}

/* Rows with a password that was staged: from the same browser, or with the password. */
static enum err complete_with_staged(
    struct wsapi *w, enum complete_call call, enum session_pending pending)
{
	struct slice token = param_text(&w->params, "token");
	struct staged staged;
	struct complete_req req = { .call = call, .address = param_text(&w->params, "email") };
	const char *refusal = NULL, *problem = NULL;
	enum err e = find(w, call, &staged);

	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, wsapi_no_such_secret);
	}
	if (e == ERR_OK && staged.has_password && !wsapi_is_pending(w, pending, token)) {
		e = check_pass(w, &staged, &asking_initiator, &refusal);
	} else if (e == ERR_OK && !staged.has_password) {
		e = take_new(w, &staged, &req, &problem);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	if (refusal != NULL) {
		return wsapi_text(w, 401, refusal);
	}
	return finish(w, &req, wsapi_duration_ms(w, false));
}

enum err wsapi_complete_user_creation(struct wsapi *w)
{
	return complete_with_staged(w, COMPLETE_CREATION, PENDING_CREATION);
}

enum err wsapi_complete_transition(struct wsapi *w)
{
	return complete_with_staged(w, COMPLETE_TRANSITION, PENDING_RESET);
}

enum err wsapi_complete_reset(struct wsapi *w)
{
	return complete_with_staged(w, COMPLETE_RESET, PENDING_RESET);
}

enum err wsapi_complete_email_confirmation(struct wsapi *w)
{
	struct staged staged;
	struct complete_req req = { .call = COMPLETE_CONFIRMATION };
	const char *refusal = NULL;
	enum err e = find(w, COMPLETE_CONFIRMATION, &staged);

	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, wsapi_no_such_secret);
	}
	if (e == ERR_OK &&
	    !(w->session.level == SESSION_PASSWORD && w->session.userid == staged.account_id)) {
		e = check_pass(w, &staged, &asking_confirmation, &refusal);
	}
	if (e == ERR_NOT_FOUND) { /* the account has gone meanwhile */
		return wsapi_fail(w, wsapi_no_such_secret);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (refusal != NULL) {
		return wsapi_text(w, 401, refusal);
	}
	return finish(w, &req, w->session.duration_ms);
}
