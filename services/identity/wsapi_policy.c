/*
 * Who may make an account: [identity] signup; under which names certificates are made:
 * forcible_issuers.
 */
#include "services/identity/wsapi.h"

static bool is_in_list(struct slice list, struct slice word)
{
	struct slice piece;

	while (slice_split(&list, ',', &piece)) {
		if (slice_eq_nocase(slice_trim(piece), word)) {
			return true;
		}
	}
	return false;
}

const char *wsapi_signup_refusal(const struct wsapi *w, struct slice key)
{
	struct slice signup = slice_str(conf_str(w->env->conf, "identity", "signup"));
	struct slice domain = slice_sub(key, slice_find(key, '@', 0) + 1, key.len);

	if (slice_eq(signup, SLICE("open"))) {
		return NULL;
	}
	if (slice_eq(signup, SLICE("domains"))) {
		struct slice domains =
		    slice_str(conf_str(w->env->conf, "identity", "signup_domains"));
		return is_in_list(domains, domain)
			   ? NULL
			   : "this server makes no accounts for addresses of that domain";
	}
	return slice_eq(signup, SLICE("invite")) ? "this server makes accounts by invitation only"
						 : "this server makes no new accounts";
}

bool identity_may_force(const struct conf *conf, struct slice issuer)
{
	return issuer.len > 0 &&
	       is_in_list(slice_str(conf_str(conf, "identity", "forcible_issuers")), issuer);
}
