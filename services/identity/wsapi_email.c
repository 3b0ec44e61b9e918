/*
 * Calls about addresses: have_email, address_info, list_emails, cert_key.
 */
#include "core/base/check.h"
#include "services/identity/account_change.h"
#include "services/identity/cert.h"
#include "services/identity/wsapi.h"

enum {
	REQUEST_MAX = 11 * 1024
};

enum err wsapi_have_email(struct wsapi *w)
{
	int64_t owner = 0;
	struct slice key = SLICE_EMPTY;
	enum err e = email_key(w->c->arena, param_text(&w->params, "email"), &key);

	if (e == ERR_OK) {
		e = email_owner(w->env->db, key, &owner, &w->c->note);
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	bool known = e == ERR_OK;
	e = wsapi_begin(w);
	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("email_known"));
	json_put_bool(&w->json, known);
	return wsapi_send(w, 200);
}

/* The domain of the call's address, and who speaks for it. */
struct standing {
	struct slice domain;
	bool is_forced; /* the page has named the issuer: nobody is asked */
	struct provider_answer answer;
	bool is_offline; /* its provider was there lately, and is not now */
};

static enum err find_standing(struct wsapi *w, struct standing *ret)
{
	struct slice email = param_text(&w->params, "email");
	struct standing s = { .is_forced = param_is_there(&w->params, "issuer") };
	enum err e = ERR_OK;

	s.domain = slice_sub(email, slice_find(email, '@', 0) + 1, email.len);
	if (!s.is_forced) {
		e = wsapi_provider(w, s.domain, &s.answer);
	}
	if (e == ERR_OK && !s.is_forced && s.answer.kind != PROVIDER_LIVE) {
		e = discovery_is_offline(w->state->discovery, w->c->arena, s.domain,
		    s.answer.kind == PROVIDER_DISABLED, &s.is_offline, &w->c->note);
	}
	if (e == ERR_OK) {
		*ret = s;
	}
	return e;
}

/* persona.md 2.4, first match wins. a NULL: nobody has the address. */
static const char *address_state(const struct account *a, const struct standing *s)
{
	bool has_provider = s->answer.kind == PROVIDER_LIVE;

	if (a == NULL) {
		return "unknown";
	}
	if (s->is_forced) {
		return a->has_password ? "known" : "transition_no_password";
	}
	if (s->is_offline) {
		return "offline";
	}
	if (!has_provider && !a->is_verified) {
		return "unverified";
	}
	if (has_provider) {
		return a->is_primary ? "known" : "transition_to_primary";
	}
	if (!a->has_password) {
		return "transition_no_password";
	}
	return a->is_primary ? "transition_to_secondary" : "known";
}

/* Who speaks for the address, and for one with a provider where that is asked. */
static void put_issuer(struct wsapi *w, const struct standing *s)
{
	const struct provider *p = s->answer.kind == PROVIDER_LIVE ? &s->answer.provider : NULL;

	json_put_name(&w->json, SLICE("type"));
	json_put_string(&w->json, p != NULL ? SLICE("primary") : SLICE("secondary"));
	json_put_name(&w->json, SLICE("issuer"));
	json_put_string(&w->json, p != NULL	 ? p->domain
				  : s->is_forced ? param_text(&w->params, "issuer")
						 : slice_str(w->state->url.host));
	if (p != NULL) {
		json_put_name(&w->json, SLICE("auth"));
		json_put_string(&w->json, p->auth_url);
		json_put_name(&w->json, SLICE("prov"));
		json_put_string(&w->json, p->prov_url);
	} else {
		json_put_name(&w->json, SLICE("disabled"));
		json_put_bool(&w->json, s->answer.kind == PROVIDER_DISABLED);
	}
}

enum err wsapi_address_info(struct wsapi *w)
{
	struct account account = { .id = 0 };
	struct standing standing;
	enum err e = find_standing(w, &standing);

	if (e != ERR_OK) {
		return e;
	}
	e = wsapi_account(w, &account, NULL);
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	const struct account *known = e == ERR_OK ? &account : NULL;
	e = wsapi_begin(w);
	if (e != ERR_OK) {
		return e;
	}
	put_issuer(w, &standing);
	if (known != NULL) {
		json_put_name(&w->json, SLICE("normalizedEmail"));
		json_put_string(&w->json, known->address);
	}
	json_put_name(&w->json, SLICE("state"));
	json_put_string(&w->json, slice_str(address_state(known, &standing)));
	return wsapi_send(w, 200);
}

/* The addresses of an account, put into the answer as they come; the unverified ones kept. */
struct listing {
	struct wsapi *w;
	struct slice unverified[ACCOUNT_EMAILS_MAX];
	size_t n_unverified;
	enum err e;
};

static void put_address(void *arg, const struct email_row *row)
{
	struct listing *l = arg;

	json_put_string(&l->w->json, row->address);
	if (!row->is_verified && !row->is_primary && l->n_unverified < ACCOUNT_EMAILS_MAX &&
	    l->e == ERR_OK) {
		l->e = arena_copy(l->w->c->arena, row->address, &l->unverified[l->n_unverified++]);
	}
}

/* Ours, and only where there are some: those that have to be verified again. */
static void put_unverified(const struct listing *l)
{
	if (l->n_unverified == 0) {
		return;
	}
	json_put_name(&l->w->json, SLICE("unverified"));
	json_begin_array(&l->w->json);
	for (size_t i = 0; i < l->n_unverified; i++) {
		json_put_string(&l->w->json, l->unverified[i]);
	}
	json_end_array(&l->w->json);
}

enum err wsapi_list_emails(struct wsapi *w)
{
	struct listing l = { .w = w, .e = ERR_OK };
	enum err e = wsapi_begin(w);

	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	json_put_name(&w->json, SLICE("emails"));
	json_begin_array(&w->json);
	e = account_each_email_row(w->env->db, w->session.userid, put_address, &l, &w->c->note);
	json_end_array(&w->json);
	e = e == ERR_OK ? l.e : e;
	if (e != ERR_OK) {
		return e;
	}
	put_unverified(&l);
	return wsapi_send(w, 200);
}

/* An address that its provider vouched for until now is vouched for by us. */
static enum err remember_secondary(struct wsapi *w, const struct account *account)
{
	const struct change_req req = { .kind = CHANGE_USED_SECONDARY,
		.account_id = account->id,
		.address = account->address };
	struct changed changed;

	return wsapi_change(w, &req, &changed);
}

/* Has the signer certify the key and answers. forced_issuer: empty, or another name of ours. */
static enum err certify(struct wsapi *w, const struct account *account, struct slice forced_issuer)
{
	const struct cert_req req = {
		.email = account->address,
		.public_key = param_text(&w->params, "pubkey"),
		.forced_issuer = forced_issuer,
		.is_unverified = !account->is_verified,
		.is_ephemeral = param_flag(&w->params, "ephemeral"),
	};
	struct slice cert = SLICE_EMPTY;
	struct buf *message = identity_body(w->c, REQUEST_MAX);

	if (message == NULL) {
		return ERR_MEMORY;
	}
	cert_put_req(message, &req);
	if (message->failed) {
		return ERR_MEMORY;
	}
	enum err e = rpc_call(w->env->peer[ROLE_SIGNER], &identity_cert_sign, buf_slice(message),
	    identity_soon_us(w->c), w->c->trace, w->c->arena, &cert, &w->c->note);
	if (e == ERR_INVALID) {
		const char *why = arena_printf(w->c->arena, "pubkey: %s", w->c->note.text);
		return wsapi_text(w, 400, why == NULL ? "pubkey" : why);
	}
	if (e == ERR_OK && account->is_primary) {
		e = remember_secondary(w, account);
	}
	return e == ERR_OK ? wsapi_plain(w, cert) : e;
}

static const char invalid_issuer[] = "Invalid issuer, unable to issue certificate";

/* Under our own name, which verifiers do not believe of a domain that has a provider (10.7). */
static enum err certify_own(struct wsapi *w, const struct account *account)
{
	struct slice address = account->address;
	struct slice domain = slice_sub(address, slice_find(address, '@', 0) + 1, address.len);
	struct provider_answer a;
	enum err e = wsapi_provider(w, domain, &a);

	if (e != ERR_OK) {
		return e;
	}
	return a.kind == PROVIDER_LIVE ? wsapi_text(w, 400, invalid_issuer)
				       : certify(w, account, SLICE_EMPTY);
}

enum err wsapi_cert_key(struct wsapi *w)
{
	struct account account;
	enum err e = wsapi_account(w, &account, NULL);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && account.id != w->session.userid)) {
		return wsapi_text(w, 400, "that email does not belong to you");
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!account.is_verified && !param_flag(&w->params, "allowUnverified")) {
		return wsapi_text(w, 403, "that email requires (re)verification");
	}
	struct slice issuer = param_text(&w->params, "forceIssuer");
	if (issuer.len == 0 || slice_eq_nocase(issuer, slice_str(w->state->url.host))) {
		return certify_own(w, &account);
	}
	return identity_may_force(w->env->conf, issuer) ? certify(w, &account, issuer)
							: wsapi_text(w, 400, invalid_issuer);
}
