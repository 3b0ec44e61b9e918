/*
 * Role: signer. Making certificates. That the address belongs to the asking session is web's to
 * check; that what is signed is nothing but a well-formed key and address is checked here.
 */
#include "services/identity/cert.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/wire.h"
#include "services/identity/identity_priv.h"
#include "services/identity/jws.h"
#include "services/identity/param_type.h"
#include "services/identity/pubkey.h"

enum {
	KEY_JSON_MAX = 4096,
	PAYLOAD_MAX = 8192,
	ARENA_MAX = 128 * 1024
};

static void put_payload(struct buf *out, const struct cert *c, struct slice key_json)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	json_put_name(&w, SLICE("public-key"));
	json_put_raw(&w, key_json);
	json_put_name(&w, SLICE("principal"));
	json_begin_object(&w);
	json_put_name(&w, c->is_unverified ? SLICE("unverified-email") : SLICE("email"));
	json_put_string(&w, c->email);
	json_end_object(&w);
	json_put_name(&w, SLICE("iat"));
	json_put_i64(&w, c->issued_ms);
	json_put_name(&w, SLICE("exp"));
	json_put_i64(&w, c->expires_ms);
	json_put_name(&w, SLICE("iss"));
	json_put_string(&w, c->issuer);
	json_end_object(&w);
}

enum err cert_sign(const struct cert *c, EVP_PKEY *key, struct buf *out, struct err_note *note)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct buf key_json = buf_new(KEY_JSON_MAX), payload = buf_new(PAYLOAD_MAX);
	struct slice text = SLICE_EMPTY;
	enum err e = pubkey_check(&arena, c->public_key, &key_json, note);

	if (e == ERR_OK && !email_is_valid(c->email)) {
		e = err_note_set(note, ERR_INVALID, "not an e-mail address");
	}
	if (e == ERR_OK) {
		put_payload(&payload, c, buf_slice(&key_json));
		e = buf_finish(&payload, &text);
	}
	if (e == ERR_OK) {
		e = jws_sign_rs256(text, key, out);
	}
	buf_free(&key_json);
	buf_free(&payload);
	arena_reset(&arena);
	return e;
}

void cert_put_req(struct buf *out, const struct cert_req *r)
{
	wire_put_bytes(out, r->email);
	wire_put_bytes(out, r->public_key);
	wire_put_bytes(out, r->forced_issuer);
	wire_put_u8(out, r->is_unverified ? 1 : 0);
	wire_put_u8(out, r->is_ephemeral ? 1 : 0);
}

bool cert_take_req(struct slice message, struct cert_req *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->email = wire_take_bytes(&r);
	ret->public_key = wire_take_bytes(&r);
	ret->forced_issuer = wire_take_bytes(&r);
	ret->is_unverified = wire_take_u8(&r) != 0;
	ret->is_ephemeral = wire_take_u8(&r) != 0;
	return wire_done(&r);
}

static enum err handle(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct svc_env *env = role_state;
	const struct identity_state *state = identity_state(env);
	struct cert_req r;

	(void)info;
	CHECK(cert_take_req(req, &r));
	const char *lifetime =
	    r.is_ephemeral ? "certificate_lifetime_ephemeral" : "certificate_lifetime";
	int64_t now_ms = clock_wall_ms();

	/* Web checks it as well, but the key signs under no other name, whoever asks. */
	if (r.forced_issuer.len > 0 && !identity_may_force(env->conf, r.forced_issuer)) {
		return err_note_set(note, ERR_DENIED, "not one of forcible_issuers");
	}
	const struct cert cert = {
		.email = r.email,
		.issuer = r.forced_issuer.len > 0 ? r.forced_issuer : slice_str(state->url.host),
		.public_key = r.public_key,
		.is_unverified = r.is_unverified,
		.issued_ms = now_ms,
		.expires_ms = now_ms + conf_ms(env->conf, "identity", lifetime),
	};
	return cert_sign(&cert, state->domain_keys.current.key, reply, note);
}

const struct rpc_def identity_cert_sign = {
	.name = "identity.cert_sign",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = 11 * 1024,
	.max_rep = 8192,
	.deadline_ms = 10000,
	.cost_us = 900,
	.flags = RPC_IDEMPOTENT, /* a second certificate over the same key is as good */
	.handle = handle,
};
