/*
 * Passwords of /wsapi calls: how they come, and how new ones are stretched.
 */
#include "core/base/check.h"
#include "services/identity/wsapi.h"

void wsapi_put_kdf(struct wsapi *w, const struct kdf *kdf)
{
	json_put_name(&w->json, SLICE("kdf"));
	json_put_string(&w->json, slice_str(kdf_name(kdf->kind)));
	if (kdf->kind == KDF_ONEPW_2) {
		json_put_name(&w->json, SLICE("salt"));
		json_put_string(&w->json, slice_str(kdf->salt));
		json_put_name(&w->json, SLICE("rounds"));
		json_put_i64(&w->json, KDF_ROUNDS);
	}
}

const char *wsapi_take_pass(
    const struct wsapi *w, const char *name, const char *kdf_param, struct credential *ret)
{
	enum kdf_kind kind = KDF_PLAIN;

	if (param_is_there(&w->params, kdf_param)) {
		CHECK(kdf_from_name(param_text(&w->params, kdf_param), &kind));
	}
	*ret = (struct credential){ .text = param_text(&w->params, name),
		.is_stretched = kind != KDF_PLAIN };
	if (ret->is_stretched && !kdf_is_stretched(ret->text)) {
		const char *reason = arena_printf(
		    w->c->arena, "%s: 64 lower-case hex digits are needed with kdf onepw-2", name);
		return reason != NULL ? reason : name;
	}
	return NULL;
}

enum err wsapi_kdf_for_new(struct wsapi *w, const struct credential *pass,
    const struct account *current, struct slice address_key, struct kdf *ret)
{
	struct account account;

	if (current != NULL && current->has_password && current->kdf.kind == KDF_ONEPW_2) {
		*ret = current->kdf;
		return ERR_OK;
	}
	*ret = (struct kdf){ .kind = KDF_PLAIN };
	if (!pass->is_stretched) {
		return ERR_OK;
	}
	/* The salt that password_kdf told: of the account that has the address, or derived. */
	enum err e =
	    account_by_address(w->env->db, w->c->arena, address_key, &account, &w->c->note);
	if (e == ERR_OK && account.has_password && account.kdf.kind == KDF_ONEPW_2) {
		*ret = account.kdf;
		return ERR_OK;
	}
	credential_derived_kdf(w->env, address_key, ret);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err wsapi_check_account(struct wsapi *w, const struct account *account,
    const struct credential *pass, struct slice verifier, struct slice address_key,
    enum pass_verdict *ret)
{
	return credential_check(
	    w->c, account, pass, verifier, address_key, w->session.known_user == account->id, ret);
}
