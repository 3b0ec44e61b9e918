/*
 * What pages ask while a mail waits for its answer: the five status calls, and email_for_token on
 * the page behind the link.
 */
#include "accounts/staged.h"
#include "services/identity/wsapi.h"

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

/* What an address is to the session's account. */
struct standing {
	struct slice key;
	bool is_owned, is_verified;
	bool is_staged; /* by anybody */
	struct staged staged;
};

static enum err look(struct wsapi *w, struct standing *s)
{
	struct account account = { .id = 0 };
	enum err e = wsapi_account(w, &account, &s->key);

	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	s->is_owned =
	    e == ERR_OK && w->session.level != SESSION_NOBODY && account.id == w->session.userid;
	s->is_verified = s->is_owned && account.is_verified;
	e = staged_by_address(w->env->db, w->c->arena, s->key, w->now_ms, &s->staged, &w->c->note);
	s->is_staged = e == ERR_OK;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err wsapi_user_creation_status(struct wsapi *w)
{
	struct standing s = { .is_owned = false };
	enum err e = look(w, &s);

	if (e != ERR_OK) {
		return e;
	}
	return s.is_owned    ? put_status(w, "complete", true)
	       : s.is_staged ? put_status(w, "pending", false)
			     : put_status(w, "mustAuth", false);
}

static enum err reset_status(struct wsapi *w)
{
	struct standing s = { .is_owned = false };
	enum err e = look(w, &s);

	if (e != ERR_OK) {
		return e;
	}
	return s.is_staged  ? put_status(w, "pending", false)
	       : s.is_owned ? put_status(w, "complete", true)
			    : put_status(w, "mustAuth", false);
}

enum err wsapi_password_reset_status(struct wsapi *w)
{
	return reset_status(w);
}

enum err wsapi_transition_status(struct wsapi *w)
{
	return reset_status(w);
}

enum err wsapi_email_addition_status(struct wsapi *w)
{
	struct standing s = { .is_owned = false };
	enum err e = look(w, &s);

	if (e != ERR_OK) {
		return e;
	}
	if (s.is_verified) {
		w->session.pending[PENDING_ADDITION][0] = '\0';
		return put_status(w, "complete", false);
	}
	return s.is_staged && s.staged.account_id == w->session.userid
		   ? put_status(w, "pending", false)
		   : put_status(w, "failed", false);
}

enum err wsapi_email_reverify_status(struct wsapi *w)
{
	struct standing s = { .is_owned = false };
	enum err e = look(w, &s);

	if (e != ERR_OK) {
		return e;
	}
	if (!s.is_owned) {
		return wsapi_fail(w, wsapi_not_yours);
	}
	return put_status(w, s.is_verified ? "complete" : "pending", false);
}

/* ---- email_for_token ---- */

/* May this browser complete the token without a password? persona.md 2.2 */
static bool is_from_here(const struct wsapi *w, const struct staged *staged, struct slice token)
{
	bool is_initiator =
	    w->session.level == SESSION_PASSWORD && w->session.userid == staged->account_id;

	return wsapi_is_pending(w, PENDING_CREATION, token) ||
	       wsapi_is_pending(w, PENDING_RESET, token) ||
	       (is_initiator && (wsapi_is_pending(w, PENDING_ADDITION, token) ||
				    wsapi_is_pending(w, PENDING_REVERIFICATION, token)));
}

/* How the password that goes with the token must be sent: staged, to be chosen, or the account's.
 */
static enum err kdf_of(struct wsapi *w, const struct staged *staged, struct kdf *ret)
{
	struct account account = { .id = 0 };

	if (staged->has_password) {
		*ret = staged->kdf;
		return ERR_OK;
	}
	if (staged->account_id != 0) {
		enum err e = account_by_id(
		    w->env->db, w->c->arena, staged->account_id, &account, &w->c->note);
		if (e != ERR_OK) {
			return e;
		}
	}
	bool is_chosen_now = staged->kind == STAGED_NEW || staged->kind == STAGED_RESET;
	if (account.has_password && (!is_chosen_now || account.kdf.kind != KDF_PLAIN)) {
		*ret = account.kdf;
		return ERR_OK;
	}
	const struct credential stretched = { .is_stretched = true };
	return wsapi_kdf_for_new(w, &stretched, &account, staged->address_key, ret);
}

enum err wsapi_email_for_token(struct wsapi *w)
{
	struct slice token = param_text(&w->params, "token");
	struct staged staged;
	struct kdf kdf = { .kind = KDF_PLAIN };
	enum err e = wsapi_staged(w, &staged);

	if (e == ERR_OK) {
		e = kdf_of(w, &staged, &kdf);
	}
	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, wsapi_no_such_secret);
	}
	if (e == ERR_OK) {
		e = wsapi_begin(w);
	}
	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	bool chooses = slice_eq(staged.address, SLICE(STAGED_FIRST));
	json_put_name(&w->json, SLICE("email"));
	json_put_string(&w->json, chooses ? SLICE_EMPTY : staged.address);
	if (chooses) {
		json_put_name(&w->json, SLICE("chooses_email"));
		json_put_bool(&w->json, true);
	}
	json_put_name(&w->json, SLICE("must_auth"));
	json_put_bool(&w->json, !is_from_here(w, &staged, token));
	json_put_name(&w->json, SLICE("needs_password"));
	json_put_bool(&w->json, !staged.has_password);
	/* Ours. */
	wsapi_put_kdf(w, &kdf);
	return wsapi_send(w, 200);
}
