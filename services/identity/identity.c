/*
 * The service "identity": its table, and its state in each role.
 */
#include "services/identity/identity.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "accounts/keys.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/obs/log.h"
#include "services/identity/account_change.h"
#include "services/identity/bundle.h"
#include "services/identity/cert.h"
#include "services/identity/domain_key.h"
#include "services/identity/identity_priv.h"
#include "services/identity/staging.h"

enum {
	FETCH_LIMIT_US = 10 * 1000 * 1000,
	FETCH_ARENA = 64 * 1024
};

struct identity_state *identity_state(const struct svc_env *env)
{
	return svc_state(env, &identity_service);
}

static void free_state(struct identity_state *state)
{
	session_codec_free(&state->cookies);
	pubkey_free(&state->public_key);
	buf_free(&state->public_key_json);
	buf_free(&state->well_known);
	discovery_free(&state->discovery);
	pages_free(&state->pages);
	domain_key_free(&state->domain_key);
	OPENSSL_cleanse(state->kdf_salt_key, sizeof(state->kdf_salt_key));
	free(state);
}

static void warn_of_doors(const struct svc_env *env)
{
	if (conf_bool(env->conf, "identity", "test_doors")) {
		LOG(LOG_WARN, "identity", "test_doors_are_open",
		    LOG_C("detail", "anybody who reaches this server can take any account"));
	}
}

static enum err start(struct svc_env *env, void **ret_state, struct err_note *note)
{
	struct identity_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		return ERR_MEMORY;
	}
	state->env = env;
	state->public_key_json = buf_new(DOCUMENT_MAX);
	state->well_known = buf_new(DOCUMENT_MAX);
	enum err e = public_url_parse(
	    slice_str(conf_str(env->conf, "plimsoll", "public_url")), &state->url, note);
	if (e == ERR_OK && env->role == ROLE_WEB) {
		e = discovery_new(env, state->url.host, &state->discovery, note);
		if (e == ERR_OK) {
			e = pages_load(env->conf, &state->pages, note);
		}
		warn_of_doors(env);
	}
	if (e == ERR_OK && env->role == ROLE_COURIER) {
		e = discovery_allow(env, note);
	}
	if (e == ERR_OK && env->role == ROLE_SIGNER) {
		e = domain_key_load(env->data_dir, &state->domain_key, note);
	}
	if (e != ERR_OK) {
		free_state(state);
		return e;
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

/*
 * The support document. The original said "/auth#native"; browserid-local-verify, which came later,
 * takes only a path, so the fragment is left out (native agents add it themselves).
 */
static void write_well_known(struct identity_state *state)
{
	struct json_writer w = json_writer_new(&state->well_known);

	json_begin_object(&w);
	json_put_name(&w, SLICE("public-key"));
	json_put_raw(&w, buf_slice(&state->public_key_json));
	json_put_name(&w, SLICE("authentication"));
	json_put_string(&w, SLICE("/auth"));
	json_put_name(&w, SLICE("provisioning"));
	json_put_string(&w, SLICE("/provision"));
	json_end_object(&w);
}

/* The signer's public key: as text for documents, parsed for verifying. */
static enum err take_public_key(
    struct identity_state *state, struct arena *arena, struct slice reply, struct err_note *note)
{
	struct public_key_info info;
	const struct json *v = NULL;

	CHECK(public_key_take(reply, &info));
	state->key_created_ms = info.created_ms;
	buf_append_slice(&state->public_key_json, info.json);
	enum err e = json_parse(arena, info.json, &v, note);
	if (e == ERR_OK) {
		e = pubkey_parse(v, &state->public_key, note);
	}
	if (e == ERR_OK) {
		write_well_known(state);
		e = state->well_known.failed ? ERR_LIMIT : ERR_OK;
	}
	return e;
}

static enum err fetch_public_key(struct identity_state *state, struct err_note *note)
{
	struct arena arena = arena_new(FETCH_ARENA);
	struct slice reply = SLICE_EMPTY;
	enum err e = rpc_call(state->env->peer[ROLE_SIGNER], &identity_public_key, SLICE_EMPTY,
	    clock_mono_us() + FETCH_LIMIT_US, 0, &arena, &reply, note);

	if (e == ERR_OK) {
		e = take_public_key(state, &arena, reply, note);
	}
	arena_reset(&arena);
	return e;
}

static enum err ready(struct svc_env *env, void *v, struct err_note *note)
{
	struct identity_state *state = v;
	char name[COOKIE_NAME_SIZE];

	if (env->role != ROLE_WEB) {
		return ERR_OK;
	}
	const struct symmetric_keys *keys = accounts_keys(env);
	symmetric_derive(keys->current, SLICE("password-kdf"), SLICE("v1"), state->kdf_salt_key);
	enum err e = cookie_name(&state->url, name);
	if (e == ERR_OK) {
		e = session_codec_new(slice_str(name), keys, &state->cookies);
	}
	return e == ERR_OK ? fetch_public_key(state, note) : e;
}

static const struct rpc_def *const rpcs[] = {
	&identity_stage,
	&identity_complete,
	&identity_change,
	&identity_public_key,
	&identity_cert_sign,
	&identity_bundle_verify,
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
	.rpcs = rpcs,
	.n_rpcs = sizeof(rpcs) / sizeof(rpcs[0]),
	.conf = { identity_conf_keys, IDENTITY_CONF_KEYS },
	.activities = identity_activities,
	.n_activities = IDENTITY_ACTIVITIES,
	.start = start,
	.stop = stop,
	.ready = ready,
	.check = identity_conf_check,
};
