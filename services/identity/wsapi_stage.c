/*
 * Calls that send a mail and wait for its answer: stage_user, stage_email, stage_reset,
 * stage_reverify, stage_transition. Each looks first, so that most refusals cost a read only; the
 * transaction looks again.
 */
#include "accounts/staged.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "services/identity/mail.h"
#include "services/identity/staging.h"
#include "services/identity/wsapi.h"

enum {
	REQUEST_MAX = 64 * 1024,
	FREE_REVERIFY_MAILS = 5 /* the original let as many through as were asked for */
};

static const char too_many_mails[] = "Too many emails sent to that address, try again later.";
static const char no_such_email[] = "No such email address.";
static const char must_choose[] = "user must choose a password";
static const char may_not_set[] = "a password may not be set at this time";

static const enum mail_kind mail_of[STAGED_KINDS] = {
	[STAGED_NEW] = MAIL_NEW,
	[STAGED_ADD] = MAIL_CONFIRM,
	[STAGED_RESET] = MAIL_RESET,
	[STAGED_REVERIFY] = MAIL_CONFIRM,
	[STAGED_TRANSITION] = MAIL_TRANSITION,
};

static enum err call_stage(struct wsapi *w, const struct stage_req *req, enum stage_outcome *ret)
{
	struct slice reply = SLICE_EMPTY;
	struct buf *message = identity_body(w->c, REQUEST_MAX);

	if (message == NULL) {
		return ERR_MEMORY;
	}
	stage_req_put(message, req);
	if (message->failed) {
		return ERR_MEMORY;
	}
	enum err e = rpc_call(w->env->peer[ROLE_STORE], &identity_stage, buf_slice(message),
	    w->c->deadline_us, w->c->trace, w->c->arena, &reply, &w->c->note);
	if (e == ERR_OK) {
		CHECK(stage_outcome_take(reply, ret));
	}
	return e;
}

/* Fills in what all kinds share, composes the mail, puts all into one transaction. */
static enum err stage(
    struct wsapi *w, struct stage_req *req, char token[TOKEN_LEN + 1], enum stage_outcome *ret)
{
	char hash[TOKEN_HASH_HEX + 1];
	const struct conf *conf = w->env->conf;

	rng_token(token, TOKEN_LEN);
	enum err e = token_hash(slice_str(token), hash);
	if (e != ERR_OK) {
		return e;
	}
	const struct mail_request mail = {
		.kind = mail_of[req->kind],
		.language = language_accepted(http_header_get(w->c->req, SLICE("Accept-Language"))),
		.recipient = param_text(&w->params, "email"),
		.token = slice_str(token),
		.public_origin = slice_str(w->state->url.origin),
		.site = param_text(&w->params, "site"),
		.color = param_text(&w->params, "backgroundColor"),
		.logo = param_text(&w->params, "siteLogo"),
		.lifetime_ms = conf_ms(conf, "identity", "token_lifetime"),
	};
	req->token_hash = slice_str(hash);
	req->lifetime_ms = conf_ms(conf, "identity", "token_lifetime");
	req->limits = staged_limits_of(conf);
	if (req->kind == STAGED_REVERIFY) {
		req->limits.free_mails = FREE_REVERIFY_MAILS;
	}
	req->test_token =
	    conf_bool(conf, "identity", "test_doors") ? slice_str(token) : SLICE_EMPTY;
	e = mail_compose(w->c->arena, &mail, &req->mail);
	return e == ERR_OK ? call_stage(w, req, ret) : e;
}

/* What the call says when it was not staged. */
static enum err refuse(struct wsapi *w, enum stage_outcome outcome, enum staged_kind kind)
{
	switch (outcome) {
	case STAGE_TOO_SOON:
		return wsapi_text(w, 429, too_many_mails);
	case STAGE_NOT_OWNED:
		return wsapi_fail(w, kind == STAGED_REVERIFY ? wsapi_not_yours : no_such_email);
	case STAGE_IS_VERIFIED:
		return wsapi_fail(w, "email is already verified");
	case STAGE_NEEDS_PASSWORD:
		return wsapi_fail(w, must_choose);
	case STAGE_HAS_PASSWORD:
		return wsapi_fail(w, may_not_set);
	case STAGE_FULL:
		return wsapi_fail(w, "this account has as many addresses as it may have");
	case STAGE_BOUNCED:
		return wsapi_fail(w, "mail to that address came back: check its spelling, or try "
				     "again later");
	case STAGE_TAKEN:
	case STAGE_DONE:
	case STAGE_OUTCOMES:
		break;
	}
	return wsapi_fail(w, "the address cannot be used");
}

static void set_pending(struct wsapi *w, enum session_pending which, const char *token)
{
	CHECK(slice_to_cstr(slice_str(token), w->session.pending[which],
		  sizeof(w->session.pending[which])) == ERR_OK);
}

/* Asked before a password is hashed; the transaction asks again. */
static enum err is_too_soon(struct wsapi *w, struct slice key, bool *ret)
{
	struct staged staged;
	enum err e =
	    staged_by_address(w->env->db, w->c->arena, key, w->now_ms, &staged, &w->c->note);

	*ret = e == ERR_OK && w->now_ms < staged.created_ms + conf_ms(w->env->conf, "identity",
								  "min_mail_interval");
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The hash of a new password at an address, unless the mail will be refused anyhow. */
static enum err hash_new(struct wsapi *w, const struct credential *pass, struct slice key,
    struct stage_req *req, enum stage_outcome *ret)
{
	bool too_soon = false;
	enum err e = is_too_soon(w, key, &too_soon);

	*ret = too_soon ? STAGE_TOO_SOON : STAGE_DONE;
	if (e == ERR_OK && conf_bool(w->env->conf, "store", "read_only")) {
		return ERR_READ_ONLY; /* the store would say so, after a password was hashed */
	}
	if (e == ERR_OK && !too_soon && pass->text.len > 0) {
		e = wsapi_kdf_for_new(w, pass, NULL, key, &req->kdf);
		if (e == ERR_OK) {
			e = credential_hash(w->c, pass, &req->kdf, &req->password_hash);
		}
	}
	return e;
}

/* Stages what has not been refused yet. What happens to the session is the caller's affair. */
static enum err stage_if(
    struct wsapi *w, struct stage_req *req, char token[TOKEN_LEN + 1], enum stage_outcome *outcome)
{
	return *outcome == STAGE_DONE ? stage(w, req, token, outcome) : ERR_OK;
}

/* Who asks for a new password is logged out: what follows is for the owner of the mailbox. */
static enum err answer_logged_out(struct wsapi *w, enum staged_kind kind,
    enum stage_outcome outcome, enum session_pending which, const char *token)
{
	if (outcome != STAGE_DONE) {
		return refuse(w, outcome, kind);
	}
	session_logout(&w->session, w->now_ms);
	set_pending(w, which, token);
	return wsapi_ok(w);
}

static enum err answer_logged_in(struct wsapi *w, enum staged_kind kind, enum stage_outcome outcome,
    enum session_pending which, const char *token)
{
	if (outcome != STAGE_DONE) {
		return refuse(w, outcome, kind);
	}
	set_pending(w, which, token);
	return wsapi_ok(w);
}

/* ---- stage_user ---- */

static enum err answer_unverified(struct wsapi *w)
{
	enum err e = wsapi_begin(w);

	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	json_put_name(&w->json, SLICE("unverified"));
	json_put_bool(&w->json, true);
	return wsapi_send(w, 200);
}

/*
 * Stages a new account; with allowUnverified it is made at once, unless somebody has the address
 * already: that one is taken over by the answer to the mail only.
 */
static enum err stage_new(
    struct wsapi *w, struct stage_req *req, char token[TOKEN_LEN + 1], enum stage_outcome *ret)
{
	const struct stage_req as_new = *req;

	if (param_flag(&w->params, "allowUnverified")) {
		req->kind = STAGED_ADD;
		req->creates_unverified = true;
		enum err e = stage(w, req, token, ret);
		if (e != ERR_OK || *ret != STAGE_TAKEN) {
			return e;
		}
	}
	*req = as_new;
	return stage(w, req, token, ret);
}

enum err wsapi_stage_user(struct wsapi *w)
{
	struct slice key = SLICE_EMPTY;
	struct credential pass;
	struct stage_req req = { .kind = STAGED_NEW };
	char token[TOKEN_LEN + 1];
	enum stage_outcome outcome = STAGE_DONE;
	const char *problem = wsapi_take_pass(w, "pass", "kdf", &pass);

	if (problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	enum err e = email_key(w->c->arena, param_text(&w->params, "email"), &key);
	if (e != ERR_OK) {
		return e;
	}
	problem = wsapi_signup_refusal(w, key);
	if (problem != NULL) {
		return wsapi_fail(w, problem);
	}
	e = hash_new(w, &pass, key, &req, &outcome);
	if (e == ERR_OK && outcome == STAGE_DONE) {
		e = stage_new(w, &req, token, &outcome);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!req.creates_unverified || outcome != STAGE_DONE) {
		return answer_logged_out(w, req.kind, outcome, PENDING_CREATION, token);
	}
	session_logout(&w->session, w->now_ms);
	set_pending(w, PENDING_ADDITION, token);
	return answer_unverified(w);
}

/* ---- stage_email ---- */

static const char *first_password_refusal(const struct wsapi *w)
{
	bool is_given = param_is_there(&w->params, "pass");

	return w->has_password && is_given     ? may_not_set
	       : !w->has_password && !is_given ? must_choose
					       : NULL;
}

enum err wsapi_stage_email(struct wsapi *w)
{
	struct slice key = SLICE_EMPTY;
	struct credential pass = { .text = SLICE_EMPTY };
	struct stage_req req = { .kind = STAGED_ADD, .account_id = w->session.userid };
	char token[TOKEN_LEN + 1];
	enum stage_outcome outcome = STAGE_DONE;
	const char *problem = NULL;

	if (param_is_there(&w->params, "pass")) {
		problem = wsapi_take_pass(w, "pass", "kdf", &pass);
	}
	if (problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	problem = first_password_refusal(w);
	if (problem != NULL) {
		return wsapi_fail(w, problem);
	}
	enum err e = email_key(w->c->arena, param_text(&w->params, "email"), &key);
	if (e == ERR_OK) {
		e = hash_new(w, &pass, key, &req, &outcome);
	}
	if (e == ERR_OK) {
		e = stage_if(w, &req, token, &outcome);
	}
	return e == ERR_OK ? answer_logged_in(w, req.kind, outcome, PENDING_ADDITION, token) : e;
}

/* ---- stage_reset, stage_transition, stage_reverify ---- */

enum err wsapi_stage_reset(struct wsapi *w)
{
	struct account account = { .id = 0 };
	char token[TOKEN_LEN + 1];
	enum stage_outcome outcome = STAGE_DONE;
	enum err e = wsapi_account(w, &account, NULL);

	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_email);
	}
	struct stage_req req = { .kind = STAGED_RESET, .account_id = account.id };
	if (e == ERR_OK) {
		e = stage(w, &req, token, &outcome);
	}
	return e == ERR_OK ? answer_logged_out(w, req.kind, outcome, PENDING_RESET, token) : e;
}

enum err wsapi_stage_transition(struct wsapi *w)
{
	struct account account = { .id = 0 };
	struct slice key = SLICE_EMPTY;
	struct credential pass;
	char token[TOKEN_LEN + 1];
	enum stage_outcome outcome = STAGE_DONE;
	const char *problem = wsapi_take_pass(w, "pass", "kdf", &pass);

	if (problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	enum err e = wsapi_account(w, &account, &key);
	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_email);
	}
	if (e == ERR_OK && account.has_password) {
		return wsapi_fail(w, may_not_set);
	}
	struct stage_req req = { .kind = STAGED_TRANSITION, .account_id = account.id };
	if (e == ERR_OK) {
		e = hash_new(w, &pass, key, &req, &outcome);
	}
	if (e == ERR_OK) {
		e = stage_if(w, &req, token, &outcome);
	}
	return e == ERR_OK ? answer_logged_out(w, req.kind, outcome, PENDING_RESET, token) : e;
}

enum err wsapi_stage_reverify(struct wsapi *w)
{
	struct stage_req req = { .kind = STAGED_REVERIFY, .account_id = w->session.userid };
	char token[TOKEN_LEN + 1];
	enum stage_outcome outcome = STAGE_DONE;
	enum err e = stage(w, &req, token, &outcome);

	return e == ERR_OK ? answer_logged_in(w, req.kind, outcome, PENDING_REVERIFICATION, token)
			   : e;
}
