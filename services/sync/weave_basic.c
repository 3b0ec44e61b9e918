/*
 * Role: web. HTTP Basic, on every request. A password takes tens of milliseconds to compare, so
 * what was right stays known for some minutes, in the memory of this process, under a fingerprint
 * that nobody can compute elsewhere. It covers the stored hash, which is read each time: a new
 * password ends the old one at once, in all processes.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/credential.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "core/obs/log.h"
#include "services/sync/weave.h"

enum {
	PLACES = 4096,
	PRINT_BYTES = 16,
	KEY_BYTES = 32,
	KNOWN_US = 5 * 60 * 1000 * 1000,
	HEADER_MAX = 1024
};

struct place {
	uint8_t print[PRINT_BYTES];
	int64_t until_us;
};

struct weave_cache {
	uint8_t key[KEY_BYTES];
	struct place places[PLACES];
};

enum err weave_cache_new(struct weave_cache **ret)
{
	struct weave_cache *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return ERR_MEMORY;
	}
	rng_bytes(c->key, sizeof(c->key));
	*ret = c;
	return ERR_OK;
}

void weave_cache_free(struct weave_cache **c)
{
	if (*c != NULL) {
		OPENSSL_cleanse(*c, sizeof(**c));
		free(*c);
		*c = NULL;
	}
}

/* Of account, password and stored hash; ERR_CRYPTO. */
static enum err fingerprint(const struct weave_cache *cache, const struct account *a,
    struct slice password, uint8_t out[EVP_MAX_MD_SIZE])
{
	char text[HEADER_MAX + 256];
	unsigned len = 0;
	int n = snprintf(text, sizeof(text), "%lld:%zu:%.*s:%.*s", (long long)a->id, password.len,
	    SLICE_ARG(password), SLICE_ARG(a->password_hash));

	/* printf would stop at a NUL: such a password is compared each time. */
	bool is_good = n > 0 && (size_t)n < sizeof(text) &&
		       slice_find(password, '\0', 0) == password.len &&
		       HMAC(EVP_sha256(), cache->key, KEY_BYTES, (const unsigned char *)text,
			   (size_t)n, out, &len) != NULL;
	OPENSSL_cleanse(text, sizeof(text));
	return is_good ? ERR_OK : ERR_CRYPTO;
}

static struct place *place_of(struct weave_cache *cache, const uint8_t print[EVP_MAX_MD_SIZE])
{
	return &cache->places[((unsigned)print[30] << 8 | print[31]) % PLACES];
}

/* "Basic base64(name:password)", into the arena. False: it is not there, or not of the form. */
static bool take_header(struct op_call *c, struct slice *ret_name, struct slice *ret_password)
{
	struct slice value = http_header_get(c->req, SLICE("Authorization"));
	const struct slice scheme = SLICE("Basic ");
	char *plain = arena_alloc(c->arena, HEADER_MAX);
	size_t len = 0;

	if (value.ptr == NULL || plain == NULL || value.len <= scheme.len ||
	    !slice_eq_nocase(slice_sub(value, 0, scheme.len), scheme) ||
	    dec_base64(slice_trim(slice_sub(value, scheme.len, value.len)), plain, HEADER_MAX,
		&len) != ERR_OK) {
		return false;
	}
	struct slice all = SLICE_OF(plain, len);
	size_t colon = slice_find(all, ':', 0);
	*ret_name = slice_sub(all, 0, colon);
	*ret_password = slice_sub(all, colon + 1, all.len);
	return colon < all.len;
}

static enum err check_password(
    struct op_call *c, const struct weave_user *u, struct slice password, bool *ret_good)
{
	struct sync_state *state = c->state;
	const struct svc_env *env = c->env;
	const struct credential given = { .text = password, .is_stretched = false };
	struct account account;
	uint8_t print[EVP_MAX_MD_SIZE];
	enum pass_verdict verdict = PASS_WRONG;
	int64_t now_us = clock_mono_us();
	enum err e = account_by_id(env->db, c->arena, u->account_id, &account, &c->note);

	*ret_good = false;
	if (e != ERR_OK || account.is_locked || !account.has_password) {
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	bool has_print = fingerprint(state->weave_cache, &account, password, print) == ERR_OK;
	struct place *place = has_print ? place_of(state->weave_cache, print) : NULL;
	if (place != NULL && place->until_us > now_us &&
	    CRYPTO_memcmp(place->print, print, PRINT_BYTES) == 0) {
		*ret_good = true;
		return ERR_OK;
	}
	e = credential_check(c, &account, &given, SLICE_EMPTY, SLICE_EMPTY, false, &verdict);
	*ret_good = e == ERR_OK && verdict == PASS_GOOD;
	if (*ret_good && place != NULL) {
		memcpy(place->print, print, PRINT_BYTES);
		place->until_us = now_us + KNOWN_US;
	}
	OPENSSL_cleanse(print, sizeof(print));
	return e;
}

static bool refuse(struct op_call *c, const char *cause)
{
	LOG(LOG_INFO, "sync", "request_refused", LOG_C("op", c->op->name), LOG_C("cause", cause));
	http_add_header(c->req, SLICE("WWW-Authenticate"), SLICE("Basic realm=\"Sync\""));
	http_reply(c->req, 401, SLICE("application/json"), SLICE("0"));
	return false;
}

bool weave_authenticate(
    struct op_call *c, const char *name, struct weave_user *ret_user, enum err *ret)
{
	const struct svc_env *env = c->env;
	struct slice given = SLICE_EMPTY, password = SLICE_EMPTY;
	char given_name[WEAVE_NAME_MAX + 1];
	bool is_good = false;

	*ret = ERR_OK;
	if (!take_header(c, &given, &password)) {
		return refuse(c, "no_basic");
	}
	if (!weave_name(given, given_name) || strcmp(given_name, name) != 0) {
		return refuse(c, "other_user");
	}
	*ret = weave_user_find(env->db, c->arena, name, ret_user, &c->note);
	if (*ret == ERR_NOT_FOUND) {
		*ret = ERR_OK;
		return refuse(c, "no_such_user");
	}
	if (*ret == ERR_OK) {
		*ret = check_password(c, ret_user, password, &is_good);
	}
	if (*ret != ERR_OK) {
		return false;
	}
	return is_good || refuse(c, "password");
}
