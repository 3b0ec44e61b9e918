/*
 * Role: compute. Verifying bundles with DSA signatures for web.
 */
#include "core/base/check.h"
#include "core/base/wire.h"
#include "services/identity/bundle.h"
#include "services/identity/identity_priv.h"

enum {
	ARENA_MAX = 256 * 1024
};

void bundle_put_query(struct buf *out, const struct bundle_query *q, struct slice own_keys_json)
{
	wire_put_bytes(out, q->bundle);
	wire_put_bytes(out, q->audience);
	wire_put_i64(out, q->now_ms);
	wire_put_i64(out, q->clock_skew_ms);
	wire_put_u8(out, q->allow_unverified ? 1 : 0);
	wire_put_bytes(out, q->own_host);
	wire_put_bytes(out, own_keys_json);
	wire_put_bytes(out, q->forced_issuer);
	wire_put_u8(out, q->trusts_issuer ? 1 : 0);
	wire_put_u8(out, q->wants_claims ? 1 : 0);
	wire_put_u8(out, (uint8_t)q->n_trust);
	for (unsigned i = 0; i < q->n_trust; i++) {
		wire_put_bytes(out, q->trust[i].domain);
		wire_put_bytes(out, q->trust[i].issuer);
		wire_put_bytes(out, q->trust[i].key_json);
	}
}

bool bundle_take_query(
    struct slice message, struct bundle_query *ret, struct slice *ret_own_keys_json)
{
	struct wire_reader r = wire_reader_new(message);
	struct bundle_query q = { .bundle = wire_take_bytes(&r) };

	q.audience = wire_take_bytes(&r);
	q.now_ms = wire_take_i64(&r);
	q.clock_skew_ms = wire_take_i64(&r);
	q.allow_unverified = wire_take_u8(&r) != 0;
	q.own_host = wire_take_bytes(&r);
	*ret_own_keys_json = wire_take_bytes(&r);
	q.forced_issuer = wire_take_bytes(&r);
	q.trusts_issuer = wire_take_u8(&r) != 0;
	q.wants_claims = wire_take_u8(&r) != 0;
	q.n_trust = wire_take_u8(&r);
	if (q.n_trust > BUNDLE_TRUST_MAX) {
		return false;
	}
	for (unsigned i = 0; i < q.n_trust; i++) {
		q.trust[i].domain = wire_take_bytes(&r);
		q.trust[i].issuer = wire_take_bytes(&r);
		q.trust[i].key_json = wire_take_bytes(&r);
	}
	*ret = q;
	return wire_done(&r);
}

void bundle_put_result(struct buf *out, const struct bundle_result *r)
{
	wire_put_u8(out, r->reason == NULL ? 1 : 0);
	wire_put_bytes(out, slice_str(r->reason));
	wire_put_bytes(out, r->email);
	wire_put_bytes(out, r->issuer);
	wire_put_bytes(out, r->audience);
	wire_put_u8(out, r->is_unverified ? 1 : 0);
	wire_put_i64(out, r->expires_ms);
	wire_put_bytes(out, r->idp_claims);
	wire_put_bytes(out, r->user_claims);
}

bool bundle_take_result(struct arena *arena, struct slice message, struct bundle_result *ret)
{
	struct wire_reader r = wire_reader_new(message);
	bool good = wire_take_u8(&r) != 0;
	struct slice reason = wire_take_bytes(&r), copy;
	struct bundle_result v = { .email = wire_take_bytes(&r) };

	v.issuer = wire_take_bytes(&r);
	v.audience = wire_take_bytes(&r);
	v.is_unverified = wire_take_u8(&r) != 0;
	v.expires_ms = wire_take_i64(&r);
	v.idp_claims = wire_take_bytes(&r);
	v.user_claims = wire_take_bytes(&r);
	if (!wire_done(&r)) {
		return false;
	}
	if (!good) {
		v.reason = arena_copy(arena, reason, &copy) == ERR_OK ? copy.ptr : "not verified";
	}
	*ret = v;
	return true;
}

enum err bundle_answer(
    struct own_keys *keys, struct slice req, struct buf *reply, struct err_note *note)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct bundle_query q;
	struct bundle_result result = { .reason = NULL };
	struct slice keys_json = SLICE_EMPTY;

	if (!bundle_take_query(req, &q, &keys_json)) {
		return err_note_set(note, ERR_SYNTAX, "not a bundle to verify");
	}
	enum err e = own_keys_parse(keys, keys_json, note);
	if (e == ERR_OK) {
		own_keys_offer(keys, &q);
		e = bundle_verify(&arena, &q, &result);
	}
	if (e == ERR_OK) {
		bundle_put_result(reply, &result);
	}
	arena_reset(&arena);
	return e;
}

static enum err handle(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)info;
	return bundle_answer(&identity_state(role_state)->own, req, reply, note);
}

const struct rpc_def identity_bundle_verify = {
	.name = "identity.bundle_verify",
	BUNDLE_VERIFY_ROW,
	.handle = handle,
};
