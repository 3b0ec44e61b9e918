/*
 * The service "identity": its table, and its state in each role.
 */
#include "services/identity/identity.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "accounts/keys.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/grace/begun.h"
#include "core/obs/log.h"
#include "services/identity/account_change.h"
#include "services/identity/bundle.h"
#include "services/identity/cert.h"
#include "services/identity/domain_keys.h"
#include "services/identity/identity_priv.h"
#include "services/identity/staging.h"

enum {
	SETTLE_MS = 1000
};

struct identity_state *identity_state(const struct svc_env *env)
{
	return svc_state(env, &identity_service);
}

static void free_state(struct identity_state *state)
{
	session_codec_free(&state->cookies);
	own_keys_free(&state->own);
	served_keys_free(&state->served);
	buf_free(&state->public_key_json);
	buf_free(&state->well_known);
	discovery_free(&state->discovery);
	pages_free(&state->pages);
	domain_keys_free(&state->domain_keys);
	shared_words_close(&state->tickets);
	free(state);
}

/* Every process goes by the shifted calendar; that they are open, one says. */
static void open_doors(const struct svc_env *env)
{
	if (!conf_bool(env->conf, "identity", "test_doors")) {
		return;
	}
	if (env->metrics != NULL) {
		clock_shift(metrics_clock_offset(env->metrics));
	}
	if (env->role == ROLE_WEB) {
		LOG(LOG_WARN, "identity", "test_doors_are_open",
		    LOG_C("detail", "anybody who reaches this server can take any account"));
	}
}

/* ---- the signer's keys ---- */

static enum err settle(
    struct identity_state *state, struct domain_keys *keys, struct err_note *note)
{
	const struct svc_env *env = state->env;

	return domain_keys_settle(
	    env->data_dir, keys, clock_wall_ms(), domain_keys_lifetime_ms(env->conf), note);
}

void identity_keys_reload(struct identity_state *state)
{
	struct domain_keys keys = { .n_retired = 0 };
	struct err_note note = { 0 };
	enum err e = domain_keys_load(state->env->data_dir, &keys, &note);

	if (e == ERR_OK) {
		e = settle(state, &keys, &note);
	}
	if (e != ERR_OK) {
		LOG(LOG_ERROR, "identity", "keys_not_read", LOG_C("err", note.text));
		domain_keys_free(&keys);
		return;
	}
	domain_keys_free(&state->domain_keys);
	state->domain_keys = keys;
}

static void on_settle(void *arg)
{
	struct identity_state *state = arg;
	struct err_note note = { 0 };

	if (settle(state, &state->domain_keys, &note) != ERR_OK) {
		LOG(LOG_ERROR, "identity", "key_not_settled", LOG_C("err", note.text));
	}
}

static enum err start_signer(struct identity_state *state, struct err_note *note)
{
	enum err e = domain_keys_load(state->env->data_dir, &state->domain_keys, note);

	if (e == ERR_OK) {
		e = settle(state, &state->domain_keys, note);
	}
	if (e == ERR_OK && state->env->loop != NULL) {
		loop_every(state->env->loop, SETTLE_MS, on_settle, state);
	}
	return e;
}

static void reload(struct svc_env *env, void *state)
{
	if (env->role == ROLE_SIGNER) {
		identity_keys_reload(state);
	} else if (env->role == ROLE_WEB) {
		served_keys_refetch(state);
	}
}

static enum err open_tickets(struct identity_state *state, struct err_note *note)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/identity.begun", state->env->data_dir);
	return shared_words_open(path, BEGUN_PLACES, &state->tickets, note);
}

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	struct identity_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		return ERR_MEMORY;
	}
	state->env = env;
	open_doors(env);
	state->verify_row = &identity_bundle_verify;
	state->public_key_json = buf_new(DOCUMENT_MAX);
	state->well_known = buf_new(DOCUMENT_MAX);
	enum err e = public_url_parse(
	    slice_str(conf_str(env->conf, "plimsoll", "public_url")), &state->url, note);
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = discovery_new(env, state->url.host, &state->discovery, note);
		if (e == ERR_OK) {
			e = pages_load(env->conf, &state->pages, note);
		}
		if (e == ERR_OK) {
			e = open_tickets(state, note);
		}
	}
	if (e == ERR_OK && env->role == ROLE_COURIER) {
		e = discovery_allow(env, note);
	}
	if (e == ERR_OK && env->role == ROLE_SIGNER) {
		e = start_signer(state, note);
	}
	if (e != ERR_OK) {
		free_state(state);
		return e;
	}
	if (env->role == ROLE_WEB) {
		accounts_set_assertion_verifier(env, identity_verify_for, state);
	}
	*ret_state = state;
	return ERR_OK;
}

static void stop(struct svc_env *env, void *state)
{
	if (env->role == ROLE_COURIER) {
		discovery_forbid(env);
	}
	free_state(state);
}

/* "browserid_state_" and six hex digits of the public URL's MD5 (persona.md 4.7). */
static enum err cookie_name(const struct public_url *url, char out[COOKIE_NAME_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (slice_starts(slice_str(url->origin), SLICE("https://login.persona.org"))) {
		return slice_to_cstr(SLICE("browserid_state"), out, COOKIE_NAME_SIZE);
	}
	if (EVP_Digest(url->origin, strlen(url->origin), digest, NULL, EVP_md5(), NULL) != 1) {
		return ERR_CRYPTO;
	}
	(void)snprintf(
	    out, COOKIE_NAME_SIZE, "browserid_state_%02x%02x%02x", digest[0], digest[1], digest[2]);
	return ERR_OK;
}

static enum err ready(struct svc_env *env, void *v, struct err_note *note)
{
	struct identity_state *state = v;
	char name[COOKIE_NAME_SIZE];

	if (env->role != ROLE_WEB) {
		return ERR_OK;
	}
	const struct symmetric_keys *keys = accounts_keys(env);
	enum err e = cookie_name(&state->url, name);
	if (e == ERR_OK) {
		e = session_codec_new(slice_str(name), keys, &state->cookies);
	}
	return e == ERR_OK ? served_keys_fetch(state, note) : e;
}

static const struct rpc_def *const rpcs[] = {
	&identity_stage,
	&identity_complete,
	&identity_change,
	&identity_public_key,
	&identity_cert_sign,
	&identity_bundle_verify,
};

/* What its rows are by rank. */
static const char *const classes[SHED_RANKS] = {
	[SHED_LATE] = "verify",
	[SHED_MIDDLE] = "login",
	[SHED_EARLY] = "signup",
	[SHED_POLLING] = "polling",
	[SHED_FIRST] = "later",
};

const struct service identity_service = {
	.name = "identity",
	.summary = "sign-in by e-mail address for your sites (BrowserID)",
	.listener = "main",
	.ops = identity_ops,
	.n_ops = IDENTITY_OPS,
	.not_found = identity_not_found,
	.wrong_method = identity_wrong_method,
	.error = identity_error,
	.decorate = identity_decorate,
	.rank = identity_rank,
	.user = identity_user,
	.classes = classes,
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.conf = { identity_conf_keys, IDENTITY_CONF_KEYS },
	.activities = identity_activities,
	.n_activities = IDENTITY_ACTIVITIES,
	.start = start,
	.stop = stop,
	.ready = ready,
	.reload = reload,
	.check = identity_conf_check,
};
