/*
 * Calls by which an account is made: stage_user, complete_user_creation, and those that the pages
 * ask on the way, user_creation_status and email_for_token.
 */
#include "accounts/password.h"
#include "accounts/staged.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "services/identity/mail.h"
#include "services/identity/signup.h"
#include "services/identity/wsapi.h"

enum {
	HASH_REQUEST_MAX = 1024,
	STAGE_REQUEST_MAX = 64 * 1024
};

static const char too_many_mails[] = "Too many emails sent to that address, try again later.";
static const char no_such_secret[] = "no such secret";

/* ---- stage_user ---- */

/* How the password of a new account at this address is stretched by a page that stretches. */
static enum err kdf_for_new(struct wsapi *w, bool is_stretched, struct slice key, struct kdf *ret)
{
	struct account account;

	*ret = (struct kdf){ .kind = KDF_PLAIN };
	if (!is_stretched) {
		return ERR_OK;
	}
	/* The salt that password_kdf told: of the account that has the address, or derived. */
	enum err e = account_by_address(w->env->db, w->c->arena, key, &account, &w->c->note);
	if (e == ERR_OK && account.has_password && account.kdf.kind == KDF_ONEPW_2) {
		*ret = account.kdf;
		return ERR_OK;
	}
	wsapi_derived_kdf(w, key, ret);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err hash_pass(
    struct wsapi *w, bool is_stretched, const struct kdf *kdf, struct slice *ret)
{
	const struct password_given given = {
		.pass = param_text(&w->params, "pass"), .is_stretched = is_stretched, .kdf = *kdf
	};
	struct buf *message = identity_body(w->c, HASH_REQUEST_MAX);

	if (message == NULL) {
		return ERR_MEMORY;
	}
	password_put_hash_req(message, &given);
	if (message->failed) {
		return ERR_MEMORY;
	}
	return rpc_call(w->env->peer[ROLE_COMPUTE], &accounts_password_hash, buf_slice(message),
	    w->c->deadline_us, w->c->trace, w->c->arena, ret, &w->c->note);
}

static enum err call_stage(
    struct wsapi *w, const struct stage_user_req *req, enum stage_outcome *ret)
{
	struct slice reply = SLICE_EMPTY;
	struct buf *message = identity_body(w->c, STAGE_REQUEST_MAX);

	if (message == NULL) {
		return ERR_MEMORY;
	}
	stage_user_put(message, req);
	if (message->failed) {
		return ERR_MEMORY;
	}
	enum err e = rpc_call(w->env->peer[ROLE_STORE], &identity_stage_user, buf_slice(message),
	    w->c->deadline_us, w->c->trace, w->c->arena, &reply, &w->c->note);
	if (e == ERR_OK) {
		CHECK(stage_outcome_take(reply, ret));
	}
	return e;
}

/* Composes the mail and puts all into one transaction. */
static enum err stage(struct wsapi *w, const struct kdf *kdf, struct slice password_hash,
    char token[TOKEN_LEN + 1], enum stage_outcome *ret)
{
	char hash[TOKEN_HASH_HEX + 1];
	const struct conf *conf = w->env->conf;

	rng_token(token, TOKEN_LEN);
	enum err e = token_hash(slice_str(token), hash);
	if (e != ERR_OK) {
		return e;
	}
	const struct mail_request mail = {
		.kind = MAIL_NEW,
		.recipient = param_text(&w->params, "email"),
		.token = slice_str(token),
		.public_origin = slice_str(w->state->url.origin),
		.site = param_text(&w->params, "site"),
		.color = param_text(&w->params, "backgroundColor"),
		.logo = param_text(&w->params, "siteLogo"),
	};
	struct stage_user_req req = {
		.token_hash = slice_str(hash),
		.password_hash = password_hash,
		.kdf = *kdf,
		.lifetime_ms = conf_ms(conf, "identity", "token_lifetime"),
		.min_interval_ms = conf_ms(conf, "identity", "min_mail_interval"),
	};
	e = mail_compose(w->c->arena, &mail, &req.mail);
	return e == ERR_OK ? call_stage(w, &req, ret) : e;
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

enum err wsapi_stage_user(struct wsapi *w)
{
	struct slice key = SLICE_EMPTY, hash = SLICE_EMPTY;
	struct kdf kdf;
	char token[TOKEN_LEN + 1];
	bool is_stretched = false, too_soon = false;
	enum stage_outcome outcome = STAGE_DONE;
	const char *problem = wsapi_pass_problem(w, &is_stretched);

	if (problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	if (strcmp(conf_str(w->env->conf, "identity", "signup"), "open") != 0) {
		return wsapi_fail(w, "this server makes no new accounts");
	}
	if (conf_bool(w->env->conf, "store", "read_only")) {
		return ERR_READ_ONLY; /* the store would say so, after a password was hashed */
	}
	enum err e = email_key(w->c->arena, param_text(&w->params, "email"), &key);
	if (e == ERR_OK) {
		e = is_too_soon(w, key, &too_soon);
	}
	if (e == ERR_OK && too_soon) {
		return wsapi_text(w, 429, too_many_mails);
	}
	if (e == ERR_OK) {
		e = kdf_for_new(w, is_stretched, key, &kdf);
	}
	if (e == ERR_OK) {
		e = hash_pass(w, is_stretched, &kdf, &hash);
	}
	if (e == ERR_OK) {
		e = stage(w, &kdf, hash, token, &outcome);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (outcome == STAGE_TOO_SOON) {
		return wsapi_text(w, 429, too_many_mails);
	}
	session_logout(&w->session, w->now_ms);
	memcpy(w->session.pending[PENDING_CREATION], token, sizeof(token));
	return wsapi_ok(w);
}

/* ---- complete_user_creation ---- */

static bool is_pending(const struct wsapi *w, enum session_pending which, struct slice token)
{
	return slice_eq_secret(token, slice_str(w->session.pending[which]));
}

/* Who comes from another browser proves with the password to be the one who signed up. */
static enum err check_pass(struct wsapi *w, const struct staged *staged, const char **ret_refusal)
{
	bool is_stretched = false, matches = false;
	struct slice unused;

	*ret_refusal = "Provide your password";
	if (!param_is_there(&w->params, "pass")) {
		return ERR_OK;
	}
	*ret_refusal = wsapi_pass_problem(w, &is_stretched);
	if (*ret_refusal != NULL) {
		return ERR_OK;
	}
	enum err e = wsapi_verify_pass(
	    w, &staged->kdf, staged->password_hash, is_stretched, &matches, &unused);
	*ret_refusal = matches ? NULL : "password mismatch";
	return e;
}

static enum err call_complete(struct wsapi *w, struct slice hash, struct creation *ret)
{
	struct slice reply = SLICE_EMPTY;
	enum err e = rpc_call(w->env->peer[ROLE_STORE], &identity_complete_user_creation, hash,
	    w->c->deadline_us, w->c->trace, w->c->arena, &reply, &w->c->note);

	if (e == ERR_OK) {
		CHECK(creation_take(reply, ret));
	}
	return e;
}

enum err wsapi_complete_user_creation(struct wsapi *w)
{
	char hash[TOKEN_HASH_HEX + 1];
	struct slice token = param_text(&w->params, "token");
	struct staged staged;
	struct creation creation = { .is_done = false };
	const char *refusal = NULL;

	enum err e = token_hash(token, hash);
	if (e == ERR_OK) {
		e = staged_by_token(
		    w->env->db, w->c->arena, slice_str(hash), w->now_ms, &staged, &w->c->note);
	}
	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_secret);
	}
	if (e == ERR_OK && staged.has_password && !is_pending(w, PENDING_CREATION, token)) {
		e = check_pass(w, &staged, &refusal);
	}
	if (e == ERR_OK && refusal != NULL) {
		return wsapi_text(w, 401, refusal);
	}
	if (e == ERR_OK) {
		e = call_complete(w, slice_str(hash), &creation);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!creation.is_done) {
		return wsapi_fail(w, no_such_secret);
	}
	session_login(&w->session, creation.account_id, SESSION_PASSWORD,
	    creation.password_reset_ms, wsapi_duration_ms(w, false), w->now_ms);
	return wsapi_ok(w);
}

/* ---- what pages ask meanwhile ---- */

static enum err put_status(struct wsapi *w, const char *status, bool with_user)
{
	enum err e = wsapi_begin(w);

	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("status"));
	json_put_string(&w->json, slice_str(status));
	if (with_user) {
		json_put_name(&w->json, SLICE("userid"));
		json_put_i64(&w->json, w->session.userid);
	}
	return wsapi_send(w, 200);
}

enum err wsapi_user_creation_status(struct wsapi *w)
{
	struct slice key = SLICE_EMPTY;
	struct staged staged;
	int64_t owner = 0;
	enum err e = email_key(w->c->arena, param_text(&w->params, "email"), &key);

	if (e == ERR_OK && w->session.level != SESSION_NOBODY) {
		e = email_owner(w->env->db, key, &owner, &w->c->note);
		if (e == ERR_OK && owner == w->session.userid) {
			return put_status(w, "complete", true);
		}
		e = e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	if (e == ERR_OK) {
		e = staged_by_address(
		    w->env->db, w->c->arena, key, w->now_ms, &staged, &w->c->note);
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	return put_status(w, e == ERR_OK ? "pending" : "mustAuth", false);
}

/* May this browser complete the token without a password? persona.md 2.2, email_for_token */
static bool is_from_here(const struct wsapi *w, const struct staged *staged, struct slice token)
{
	bool is_initiator =
	    w->session.level == SESSION_PASSWORD && w->session.userid == staged->account_id;

	return is_pending(w, PENDING_CREATION, token) || is_pending(w, PENDING_RESET, token) ||
	       (is_initiator && (is_pending(w, PENDING_ADDITION, token) ||
				    is_pending(w, PENDING_REVERIFICATION, token)));
}

enum err wsapi_email_for_token(struct wsapi *w)
{
	char hash[TOKEN_HASH_HEX + 1];
	struct slice token = param_text(&w->params, "token");
	struct staged staged;

	enum err e = token_hash(token, hash);
	if (e == ERR_OK) {
		e = staged_by_token(
		    w->env->db, w->c->arena, slice_str(hash), w->now_ms, &staged, &w->c->note);
	}
	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_secret);
	}
	if (e == ERR_OK) {
		e = wsapi_begin(w);
	}
	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	json_put_name(&w->json, SLICE("email"));
	json_put_string(&w->json, staged.address);
	json_put_name(&w->json, SLICE("must_auth"));
	json_put_bool(&w->json, !is_from_here(w, &staged, token));
	json_put_name(&w->json, SLICE("needs_password"));
	json_put_bool(&w->json, !staged.has_password);
	/* Ours: how the password that proves it must be sent. */
	json_put_name(&w->json, SLICE("kdf"));
	json_put_string(&w->json, slice_str(kdf_name(staged.kdf.kind)));
	if (staged.kdf.kind == KDF_ONEPW_2) {
		json_put_name(&w->json, SLICE("salt"));
		json_put_string(&w->json, slice_str(staged.kdf.salt));
		json_put_name(&w->json, SLICE("rounds"));
		json_put_i64(&w->json, KDF_ROUNDS);
	}
	return wsapi_send(w, 200);
}
