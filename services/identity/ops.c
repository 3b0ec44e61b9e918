/*
 * The operations of the service, one row each. Rows of /wsapi come first and in the order of
 * wsapi.def, because their front finds its own row by the place.
 */
#include "services/identity/identity_priv.h"

enum {
	BODY_MAX = 10240
}; /* bytes of any request body (persona.md 1.5) */

/* clang-format off */
const struct op identity_ops[IDENTITY_OPS] = {
#define WSAPI(id, method, cost, rank, deadline, flags, level, params)                              \
	{ "identity." #id, HTTP_##method, "/wsapi/" #id, COST_##cost, SHED_##rank, deadline,       \
	    HTTP_##method == HTTP_POST ? BODY_MAX : 0, flags, wsapi_front },
#include "services/identity/wsapi.def"
#undef WSAPI
	/* About 65 us of RSA and JSON on the loop; a task because DSA goes to compute, and domains that
	 * are not known yet are asked. */
	{ "identity.verify", HTTP_POST, "/verify", COST_SIGN, SHED_LATE, 10000, BODY_MAX, 0, identity_verify },
	{ "identity.verify_v2", HTTP_POST, "/v2", COST_SIGN, SHED_LATE, 10000, BODY_MAX, 0, identity_verify_v2 },
	{ "identity.well_known", HTTP_GET, "/.well-known/browserid", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, identity_well_known },
	{ "identity.pk", HTTP_GET, "/pk", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, identity_pk },
	{ "identity.about_json", HTTP_GET, "/__about__", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_about_json },
	{ "identity.include_js", HTTP_GET, "/include.js", COST_MEMORY, SHED_NEVER, 1000, 0, OP_INLINE, identity_page },
	{ "identity.include_orig_js", HTTP_GET, "/include.orig.js", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.home", HTTP_GET, "/", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.sign_in", HTTP_GET, "/sign_in", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.provisioning_api_js", HTTP_GET, "/provisioning_api.js", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.provisioning_api_orig_js", HTTP_GET, "/provisioning_api.orig.js", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.authentication_api_js", HTTP_GET, "/authentication_api.js", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.authentication_api_orig_js", HTTP_GET, "/authentication_api.orig.js", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.auth", HTTP_GET, "/auth", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.provision", HTTP_GET, "/provision", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.communication_iframe", HTTP_GET, "/communication_iframe", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.relay", HTTP_GET, "/relay", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.verify_email_address", HTTP_GET, "/verify_email_address", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.confirm_page", HTTP_GET, "/confirm", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.add_email_address_page", HTTP_GET, "/add_email_address", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.reset_password_page", HTTP_GET, "/reset_password", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.complete_transition_page", HTTP_GET, "/complete_transition", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.first_account", HTTP_GET, "/first_account", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.favicon", HTTP_GET, "/favicon.ico", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.file", HTTP_GET, "/identity/{rest*}", COST_MEMORY, SHED_NEVER, 1000, 0, OP_INLINE, identity_file },
	{ "identity.hashed", HTTP_GET, "/v/{hash}/{rest*}", COST_MEMORY, SHED_NEVER, 1000, 0, OP_INLINE, identity_hashed },
	{ "identity.about", HTTP_GET, "/about", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.tos", HTTP_GET, "/{lang:token}/tos", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_text },
	{ "identity.privacy", HTTP_GET, "/{lang:token}/privacy", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_text },
	{ "identity.embedded_tos", HTTP_GET, "/{lang:token}/embedded_tos", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_embedded_text },
	{ "identity.embedded_privacy", HTTP_GET, "/{lang:token}/embedded_privacy", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_embedded_text },
	{ "identity.unsupported", HTTP_GET, "/unsupported_dialog", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.unsupported_without_watch", HTTP_GET, "/unsupported_dialog_without_watch", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.cookies_disabled", HTTP_GET, "/cookies_disabled", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, identity_page },
	{ "identity.developers", HTTP_GET, "/developers", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_redirect },
	{ "identity.developers_slash", HTTP_GET, "/developers/", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_redirect },
	{ "identity.old_signin", HTTP_GET, "/signin", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_redirect },
	{ "identity.old_signin_slash", HTTP_GET, "/signin/", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_redirect },
	{ "identity.old_signup", HTTP_GET, "/signup", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_redirect },
	{ "identity.old_signup_slash", HTTP_GET, "/signup/", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_redirect },
	{ "identity.old_forgot", HTTP_GET, "/forgot", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_redirect },
	{ "identity.old_forgot_slash", HTTP_GET, "/forgot/", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_redirect },
	{ "identity.humans", HTTP_GET, "/humans.txt", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.dnt_policy", HTTP_GET, "/.well-known/dnt-policy.txt", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_page },
	{ "identity.ver", HTTP_GET, "/ver.txt", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_version },
	{ "identity.robots", HTTP_GET, "/robots.txt", COST_MEMORY, SHED_FIRST, 1000, 0, OP_INLINE, identity_robots },
};
/* clang-format on */

/*
 * Rates per million active users: those that seed 001's model gives (load-and-overload.md 5.1, with
 * its 25-fold slip for sign-ups, because its published figures are what people compare with). Every
 * activity of the model ends in a sign-in; a log-in is the sum of re-authentications, sign-ups and
 * resets.
 */
/* clang-format off */
const struct activity identity_activities[IDENTITY_ACTIVITIES] = {
	{ "identity.sign_in", "Somebody who is signed in opened the dialog: it asked for the addresses.", { "identity.list_emails", NULL }, 98.97 },
	{ "identity.log_in", "A password was checked.", { "identity.authenticate_user", NULL }, 4.19 },
	{ "identity.sign_up", "The link of a mail was used for a new account.", { "identity.complete_user_creation", NULL }, 2.10 },
	{ "identity.add_email", "The link of a mail was used for one more address of an account.", { "identity.complete_email_confirmation", NULL }, 0.84 },
	{ "identity.reset_password", "The link of a mail was used for a new password.", { "identity.complete_reset", "identity.complete_transition", NULL }, 0.42 },
	{ "identity.verify", "A site had an assertion checked here. Sites can check by themselves.", { "identity.verify", "identity.verify_v2", NULL }, 0 },
	{ "identity.include_js", "A page with a sign-in button was opened, by anybody.", { "identity.include_js", "identity.include_orig_js", NULL }, 0 },
};
/* clang-format on */
