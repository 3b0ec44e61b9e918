/*
 * The wrapped key of an account (sync.md 6.6, 6.7). kB itself is made and unwrapped on the page and
 * never comes here: what is kept is kB XOR a key that follows from the password, and a fingerprint
 * of kB by which the page sees whether it unwrapped it right, that is, whether the password has
 * been changed since.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "accounts/hkdf.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "services/sync/fx.h"
#include "services/sync/hawk_call.h"

enum {
	HALF = FX_TOKEN_BYTES, /* kA, wrapKB, and each key of the bundle */
	BUNDLE = 3 * HALF
};

/* POST /v1/account/keys: the page has made kB, or wrapped it anew. */
enum err fx_set_keys(struct op_call *c)
{
	const struct json *body = NULL;
	struct fx_who who;
	struct fx_change change = { .kind = FX_SET_KEYS,
		.expected_print = SLICE_EMPTY,
		.account = { .recovery = SLICE_EMPTY } };
	struct fx_changed changed;
	struct fx_answer a;
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e) || !fx_take_body(c, &body, &e)) {
		return e;
	}
	change.account.account_id = who.account.id;
	if (!fx_take_hex(body, "wrapKb", FX_TOKEN_HEX, &change.account.wrap_kb) ||
	    !fx_take_hex(body, "keyPrint", FIREFOX_UID_HEX, &change.account.key_print)) {
		return fx_refuse(c, 400, FX_ERRNO_PARAMETER, "wrapKb or keyPrint is missing");
	}
	(void)fx_take_text(body, "expectedPrint", FIREFOX_UID_HEX, &change.expected_print);
	(void)fx_take_text(body, "recovery", FIREFOX_RECOVERY_MAX, &change.account.recovery);
	e = fx_change(c, &change, &changed);
	if (e != ERR_OK) {
		return e;
	}
	if (changed.outcome != FX_DONE) {
		return fx_refuse(c, 409, FX_ERRNO_STALE, "The keys were changed meanwhile");
	}
	e = fx_begin(c, &a);
	if (e != ERR_OK) {
		return e;
	}
	fx_put_number(&a, "keysChangedAt", changed.account.keys_ms);
	return fx_send(&a);
}

/* POST /v1/account/scoped-key-data */
enum err fx_scoped_key_data(struct op_call *c)
{
	static const struct slice no_secret = {
		"0000000000000000000000000000000000000000000000000000000000000000", FX_TOKEN_HEX
	};
	const struct json *body = NULL;
	struct slice scope, rest, word;
	struct fx_who who;
	struct fx_answer a;
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e) || !fx_take_body(c, &body, &e)) {
		return e;
	}
	if (!fx_take_text(body, "scope", ACCESS_SCOPE_MAX, &scope)) {
		return fx_refuse(c, 400, FX_ERRNO_MISSING, "scope is missing");
	}
	e = fx_begin(c, &a);
	if (e != ERR_OK) {
		return e;
	}
	for (rest = scope; slice_split(&rest, ' ', &word);) {
		if (!slice_eq(word, SLICE(FX_SCOPE_SYNC)) || who.fx.keys_ms == 0) {
			continue;
		}
		json_put_name(&a.json, word);
		json_begin_object(&a.json);
		fx_put_text(&a, "identifier", word);
		fx_put_text(&a, "keyRotationSecret", no_secret);
		fx_put_number(&a, "keyRotationTimestamp", who.fx.keys_ms);
		json_end_object(&a.json);
		break;
	}
	return fx_send(&a);
}

/* ---- GET /v1/account/keys, with the Hawk of a keyFetchToken, which is good once ---- */

static bool take_secret(struct slice hex, uint8_t out[HALF])
{
	size_t len = 0;

	return dec_hex(hex, out, HALF, &len) == ERR_OK && len == HALF;
}

/* The bundle: kA and wrapKB, encrypted and authenticated with keys out of the token. */
static enum err make_bundle(const uint8_t extra[HALF], const uint8_t ka[HALF],
    const uint8_t wrap_kb[HALF], uint8_t out[BUNDLE])
{
	uint8_t keys[BUNDLE];
	unsigned len = 0;
	enum err e = hkdf_sha256(SLICE_OF(extra, HALF), SLICE_EMPTY,
	    SLICE(FX_NAMESPACE "account/keys"), keys, sizeof(keys));

	for (size_t i = 0; i < HALF; i++) {
		out[i] = (uint8_t)(ka[i] ^ keys[HALF + i]);
		out[HALF + i] = (uint8_t)(wrap_kb[i] ^ keys[2 * HALF + i]);
	}
	if (e == ERR_OK &&
	    HMAC(EVP_sha256(), keys, HALF, out, 2 * HALF, out + 2 * HALF, &len) == NULL) {
		e = ERR_CRYPTO;
	}
	OPENSSL_cleanse(keys, sizeof(keys));
	return e;
}

static enum err answer_bundle(
    struct op_call *c, const struct firefox_code *code, const struct firefox_account *fx)
{
	uint8_t extra[HALF], ka[HALF], wrap_kb[HALF], bundle[BUNDLE];
	struct buf *hex = fx_buf(c, 2 * BUNDLE);
	struct fx_answer a;
	enum err e = hex == NULL ? ERR_MEMORY : fx_begin(c, &a);

	if (e == ERR_OK &&
	    (!take_secret(code->challenge, extra) || !take_secret(fx->wrap_kb, wrap_kb))) {
		e = ERR_CORRUPT;
	}
	if (e == ERR_OK) {
		/* Nothing uses kA any more; it is there because the bundle has a place for it. */
		symmetric_derive(accounts_keys(c->env)->current, SLICE("kA"), fx->uid, ka);
		e = make_bundle(extra, ka, wrap_kb, bundle);
	}
	if (e != ERR_OK) {
		return e;
	}
	enc_hex(hex, SLICE_OF(bundle, sizeof(bundle)));
	fx_put_text(&a, "bundle", buf_slice(hex));
	return fx_send(&a);
}

static enum err check_key_fetch(struct op_call *c, const struct hawk *h, struct firefox_code *code)
{
	const struct svc_env *env = c->env;
	uint8_t key[HALF];
	char id[FX_TOKEN_HEX + 1];

	if (!fx_is_hex(h->id, FX_TOKEN_HEX)) {
		return err_note_set(&c->note, ERR_UNAUTHENTICATED, "no such token");
	}
	enum err e = firefox_code_find(env->db, c->arena, h->id, code, &c->note);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && (!slice_eq(code->client_id, SLICE("keys")) ||
						      code->expires_ms <= clock_wall_ms()))) {
		return err_note_set(&c->note, ERR_UNAUTHENTICATED, "no such token");
	}
	if (e == ERR_OK) {
		e = slice_to_cstr(h->id, id, sizeof(id));
	}
	if (e != ERR_OK || !take_secret(code->scope, key)) {
		return e != ERR_OK ? e : ERR_CORRUPT;
	}
	fx_seal(accounts_keys(env), FX_SEAL_CURRENT, id, key);
	e = hawk_check_call(c, c->state, SLICE_OF(key, sizeof(key)), h, NULL);
	OPENSSL_cleanse(key, sizeof(key));
	return e;
}

enum err fx_get_keys(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct hawk h;
	struct firefox_code code;
	struct firefox_account fx;
	struct fx_changed changed;
	enum err e = hawk_of_call(c, &h);

	if (e == ERR_OK) {
		e = check_key_fetch(c, &h, &code);
	}
	if (e == ERR_UNAUTHENTICATED) {
		return fx_refuse(c, 401, FX_ERRNO_TOKEN, "Invalid authentication token");
	}
	if (e == ERR_OK) {
		const struct fx_change change = { .kind = FX_TAKE_CODE, .code = { .hash = h.id } };
		e = fx_change(c, &change, &changed);
	}
	if (e == ERR_OK && changed.outcome != FX_DONE) {
		return fx_refuse(c, 401, FX_ERRNO_TOKEN, "Invalid authentication token");
	}
	if (e == ERR_OK) {
		e = firefox_account_find(env->db, c->arena, code.account_id, &fx, &c->note);
	}
	if (e == ERR_NOT_FOUND || (e == ERR_OK && fx.keys_ms == 0)) {
		return fx_refuse(c, 400, FX_ERRNO_UNVERIFIED, "There are no keys yet");
	}
	return e == ERR_OK ? answer_bundle(c, &code, &fx) : e;
}
