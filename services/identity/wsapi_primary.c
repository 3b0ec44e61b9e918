/*
 * Calls about identity providers of other domains: discovery, auth_with_assertion,
 * add_email_with_assertion, used_address_as_primary. Who is a provider says discovery.h alone.
 */
#include "services/identity/account_change.h"
#include "services/identity/wsapi.h"

enum err wsapi_provider(struct wsapi *w, struct slice domain, struct provider_answer *ret)
{
	return discovery_find(w->state->discovery, w->c->arena, domain, w->c->deadline_us, ret);
}

/* ---- discovery ---- */

static void put_own(struct wsapi *w)
{
	const char *origin = w->state->url.origin;

	json_put_name(&w->json, SLICE("public-key"));
	json_put_raw(&w->json, buf_slice(&w->state->public_key_json));
	json_put_name(&w->json, SLICE("authentication"));
	json_put_string(&w->json, slice_str(arena_printf(w->c->arena, "%s/auth#NATIVE", origin)));
	json_put_name(&w->json, SLICE("provisioning"));
	json_put_string(&w->json, slice_str(arena_printf(w->c->arena, "%s/provision", origin)));
}

enum err wsapi_discovery(struct wsapi *w)
{
	struct provider_answer a;
	enum err e = wsapi_provider(w, param_text(&w->params, "domain"), &a);

	if (e == ERR_OK) {
		e = wsapi_begin(w);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (a.kind == PROVIDER_LIVE) {
		json_put_name(&w->json, SLICE("public-key"));
		json_put_raw(&w->json, a.provider.key_json);
		json_put_name(&w->json, SLICE("authentication"));
		json_put_string(&w->json, a.provider.auth_url);
		json_put_name(&w->json, SLICE("provisioning"));
		json_put_string(&w->json, a.provider.prov_url);
	} else {
		put_own(w);
	}
	return wsapi_send(w, 200);
}

/* ---- assertions ---- */

/*
 * The address that the call's assertion proves to us: by its provider, for this very server.
 * *ret_reason NULL: it does.
 */
static enum err take_assertion(struct wsapi *w, struct slice *ret_email, const char **ret_reason)
{
	struct bundle_result r = { .reason = NULL };
	struct slice bundle = param_text(&w->params, "assertion");
	enum err e =
	    identity_verify_bundle(w->c, bundle, slice_str(w->state->url.origin), false, &r);

	if (e != ERR_OK) {
		return e;
	}
	*ret_email = r.email;
	*ret_reason = r.reason;
	if (r.reason != NULL && slice_starts(slice_str(r.reason), SLICE("audience mismatch"))) {
		*ret_reason = arena_printf(w->c->arena, "can't log in with an assertion for '%.*s'",
		    SLICE_ARG(r.audience));
	} else if (r.reason == NULL && slice_eq_nocase(r.issuer, slice_str(w->state->url.host))) {
		/* Ours says only that somebody logged in here before; it opens nothing. */
		*ret_reason = "can't log in with an assertion of this server's own";
	}
	return ERR_OK;
}

/* The account of a proved address, made or marked by the store where it is not as it must be. */
static enum err sign_in(struct wsapi *w, struct slice email, struct changed *ret)
{
	struct account account = { .id = 0 };
	struct slice key = SLICE_EMPTY;
	enum err e = email_key(w->c->arena, email, &key);

	if (e == ERR_OK) {
		e = account_by_address(w->env->db, w->c->arena, key, &account, &w->c->note);
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	if (e == ERR_OK && account.is_primary && account.is_verified && !account.is_locked) {
		*ret = (struct changed){ .outcome = CHANGE_DONE,
			.account_id = account.id,
			.password_reset_ms = account.password_reset_ms };
		return ERR_OK;
	}
	const struct change_req req = { .kind = CHANGE_SIGN_IN_PRIMARY,
		.address = email,
		.may_create = wsapi_signup_refusal(w, key) == NULL };
	return wsapi_change(w, &req, ret);
}

enum err wsapi_auth_with_assertion(struct wsapi *w)
{
	struct slice email = SLICE_EMPTY;
	const char *reason = NULL;
	struct changed changed = { .outcome = CHANGE_NOT_OWNED };
	enum err e = take_assertion(w, &email, &reason);

	if (e == ERR_OK && reason != NULL) {
		return wsapi_fail(w, reason);
	}
	if (e == ERR_OK) {
		e = sign_in(w, email, &changed);
	}
	if (e != ERR_OK) {
		return e;
	}
	switch (changed.outcome) {
	case CHANGE_DONE:
		return wsapi_signed_in(
		    w, changed.account_id, SESSION_ASSERTION, changed.password_reset_ms);
	case CHANGE_LOCKED:
		return wsapi_locked(w);
	case CHANGE_CLOSED:
		return wsapi_fail(w, "this server makes no new accounts");
	case CHANGE_NOT_OWNED:
	case CHANGE_STALE:
	case CHANGE_FULL:
	case CHANGE_OUTCOMES:
		break;
	}
	return wsapi_fail(w, "the account was changed meanwhile");
}

enum err wsapi_add_email_with_assertion(struct wsapi *w)
{
	struct slice email = SLICE_EMPTY;
	const char *reason = NULL;
	struct changed changed = { .outcome = CHANGE_NOT_OWNED };
	enum err e = take_assertion(w, &email, &reason);

	if (e == ERR_OK && reason != NULL) {
		return wsapi_fail(w, reason);
	}
	const struct change_req req = {
		.kind = CHANGE_ADD_PRIMARY, .account_id = w->session.userid, .address = email
	};
	if (e == ERR_OK) {
		e = wsapi_change(w, &req, &changed);
	}
	if (e != ERR_OK) {
		return e;
	}
	return changed.outcome == CHANGE_DONE ? wsapi_ok(w)
	       : changed.outcome == CHANGE_FULL
		   ? wsapi_fail(w, "this account has as many addresses as it may have")
		   : wsapi_fail(w, "the account is gone");
}

/* ---- used_address_as_primary ---- */

enum err wsapi_used_address_as_primary(struct wsapi *w)
{
	struct slice email = param_text(&w->params, "email");
	struct slice domain = slice_sub(email, slice_find(email, '@', 0) + 1, email.len);
	const struct change_req req = {
		.kind = CHANGE_USED_PRIMARY, .account_id = w->session.userid, .address = email
	};
	struct changed changed = { .outcome = CHANGE_NOT_OWNED };
	struct provider_answer a;
	enum err e = wsapi_provider(w, domain, &a);

	if (e == ERR_OK && a.kind != PROVIDER_LIVE) {
		return wsapi_text(w, 400, "the domain of that email is not a primary");
	}
	if (e == ERR_OK) {
		e = wsapi_change(w, &req, &changed);
	}
	if (e != ERR_OK) {
		return e;
	}
	return changed.outcome == CHANGE_DONE
		   ? wsapi_ok(w)
		   : wsapi_text(w, 400, "that email does not belong to you");
}
