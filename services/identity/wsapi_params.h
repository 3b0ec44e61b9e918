/*
 * The parameter lists of the /wsapi calls (persona.md 2.2), and the field kdf that our own pages
 * add where a password goes in. Included by wsapi.c alone.
 */
#ifndef PLIMSOLL_IDENTITY_WSAPI_PARAMS_H
#define PLIMSOLL_IDENTITY_WSAPI_PARAMS_H

#include "services/identity/param.h"

struct param_list {
	const struct param_def *defs; /* NULL: anything is taken, unseen */
	unsigned n;
};

#define PARAM_LIST(name)                                                                           \
	static const struct param_list list_##name = { params_##name,                              \
		sizeof(params_##name) / sizeof(params_##name[0]) }

/* clang-format off */
static const struct param_def params_email[] = {
	{ "email", PARAM_EMAIL, false },
};
static const struct param_def params_token[] = {
	{ "token", PARAM_TOKEN, false },
};
static const struct param_def params_address_info[] = {
	{ "email", PARAM_EMAIL, false },
	{ "issuer", PARAM_HOSTNAME, true },
};
static const struct param_def params_authenticate_user[] = {
	{ "email", PARAM_EMAIL, false },
	{ "pass", PARAM_PASSWORD, false },
	{ "ephemeral", PARAM_BOOL, false },
	{ "allowUnverified", PARAM_BOOL, true },
	{ "kdf", PARAM_KDF, true },
	{ "verifier", PARAM_STRETCHED, true },
};
static const struct param_def params_stage_user[] = {
	{ "email", PARAM_EMAIL, false },
	{ "pass", PARAM_PASSWORD, false },
	{ "site", PARAM_ORIGIN, false },
	{ "allowUnverified", PARAM_BOOL, true },
	{ "backgroundColor", PARAM_COLOR, true },
	{ "siteLogo", PARAM_IMAGE, true },
	{ "kdf", PARAM_KDF, true },
};
static const struct param_def params_stage_email[] = {
	{ "email", PARAM_EMAIL, false },
	{ "site", PARAM_ORIGIN, false },
	{ "pass", PARAM_PASSWORD, true },
	{ "backgroundColor", PARAM_COLOR, true },
	{ "siteLogo", PARAM_IMAGE, true },
	{ "kdf", PARAM_KDF, true },
};
static const struct param_def params_stage_again[] = {
	{ "email", PARAM_EMAIL, false },
	{ "site", PARAM_ORIGIN, false },
	{ "backgroundColor", PARAM_COLOR, true },
	{ "siteLogo", PARAM_IMAGE, true },
};
static const struct param_def params_stage_transition[] = {
	{ "email", PARAM_EMAIL, false },
	{ "site", PARAM_ORIGIN, false },
	{ "pass", PARAM_PASSWORD, false },
	{ "backgroundColor", PARAM_COLOR, true },
	{ "siteLogo", PARAM_IMAGE, true },
	{ "kdf", PARAM_KDF, true },
};
static const struct param_def params_auth_with_assertion[] = {
	{ "assertion", PARAM_ASSERTION, false },
	{ "ephemeral", PARAM_BOOL, false },
};
static const struct param_def params_assertion[] = {
	{ "assertion", PARAM_ASSERTION, false },
};
static const struct param_def params_domain[] = {
	{ "domain", PARAM_HOSTNAME, false },
};
static const struct param_def params_update_password[] = {
	{ "oldpass", PARAM_PASSWORD, false },
	{ "newpass", PARAM_PASSWORD, false },
	{ "kdf", PARAM_KDF, true },
	{ "newkdf", PARAM_KDF, true },
	{ "email", PARAM_EMAIL, true }, /* whose salt newpass was stretched with */
};
static const struct param_def params_complete[] = {
	{ "token", PARAM_TOKEN, false },
	{ "email", PARAM_EMAIL, true }, /* of the first account, which chooses it */
	{ "pass", PARAM_PASSWORD, true },
	{ "kdf", PARAM_KDF, true },
};
static const struct param_def params_test_password[] = {
	{ "email", PARAM_EMAIL, false },
	{ "pass", PARAM_PASSWORD, false },
	{ "kdf", PARAM_KDF, true },
};
static const struct param_def params_test_hash[] = {
	{ "email", PARAM_EMAIL, false },
	{ "hash", PARAM_HASH, false },
};
static const struct param_def params_test_used_as[] = {
	{ "email", PARAM_EMAIL, false },
	{ "used_as", PARAM_USED_AS, false },
};
static const struct param_def params_test_seen[] = {
	{ "domain", PARAM_HOSTNAME, false },
	{ "ms", PARAM_NUMBER, false },
};
static const struct param_def params_test_offset[] = {
	{ "ms", PARAM_NUMBER, false },
};
static const struct param_def params_cert_key[] = {
	{ "email", PARAM_EMAIL, false },
	{ "pubkey", PARAM_PUBKEY, false },
	{ "ephemeral", PARAM_BOOL, false },
	{ "forceIssuer", PARAM_HOSTNAME, true },
	{ "allowUnverified", PARAM_BOOL, true },
};
/* clang-format on */

static const struct param_list list_any = { NULL, 0 };
PARAM_LIST(email);
PARAM_LIST(token);
PARAM_LIST(address_info);
PARAM_LIST(authenticate_user);
PARAM_LIST(stage_user);
PARAM_LIST(stage_email);
PARAM_LIST(stage_again);
PARAM_LIST(stage_transition);
PARAM_LIST(auth_with_assertion);
PARAM_LIST(assertion);
PARAM_LIST(domain);
PARAM_LIST(update_password);
PARAM_LIST(complete);
PARAM_LIST(test_password);
PARAM_LIST(test_hash);
PARAM_LIST(test_used_as);
PARAM_LIST(test_seen);
PARAM_LIST(test_offset);
PARAM_LIST(cert_key);

#endif
