/*
 * Role: signer. Telling web which keys there are, and when they take turns.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "services/identity/domain_keys.h"
#include "services/identity/identity_priv.h"

enum {
	ARENA_MAX = 64 * 1024
};

static enum err list_key(
    const struct domain_key *k, int64_t until_ms, struct arena *arena, struct public_key_info *ret)
{
	char json[DOMAIN_KEY_JSON_BYTES];
	enum err e = domain_key_json(k, json);

	*ret = (struct public_key_info){
		.from_ms = k->created_ms, .until_ms = until_ms, .is_for_signing = true
	};
	return e == ERR_OK ? arena_copy(arena, slice_str(json), &ret->json) : e;
}

enum err public_keys_list(const struct domain_keys *k, int64_t lifetime_ms, struct arena *arena,
    struct public_key_info ret[OWN_KEYS_MAX], unsigned *ret_n)
{
	bool waits = k->next.key != NULL;
	int64_t until_ms = waits ? k->next.created_ms + lifetime_ms : INT64_MAX;
	unsigned n = 0;
	enum err e = list_key(&k->current, until_ms, arena, &ret[n++]);

	if (e == ERR_OK && waits) {
		e = list_key(&k->next, INT64_MAX, arena, &ret[n++]);
	}
	for (unsigned i = 0; i < k->n_retired; i++) {
		ret[n++] = (struct public_key_info){ .json = slice_str(k->retired[i].json),
			.from_ms = k->retired[i].created_ms,
			.until_ms = k->retired[i].until_ms };
	}
	*ret_n = n;
	return e;
}

void public_keys_put(struct buf *out, const struct public_key_info *i, unsigned n)
{
	wire_put_u8(out, (uint8_t)n);
	for (; n > 0; n--, i++) {
		wire_put_i64(out, i->from_ms);
		wire_put_i64(out, i->until_ms);
		wire_put_u8(out, i->is_for_signing ? 1 : 0);
		wire_put_bytes(out, i->json);
	}
}

bool public_keys_take(
    struct slice message, struct public_key_info ret[OWN_KEYS_MAX], unsigned *ret_n)
{
	struct wire_reader r = wire_reader_new(message);
	unsigned n = wire_take_u8(&r);

	if (n == 0 || n > OWN_KEYS_MAX) {
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		ret[i].from_ms = wire_take_i64(&r);
		ret[i].until_ms = wire_take_i64(&r);
		ret[i].is_for_signing = wire_take_u8(&r) != 0;
		ret[i].json = wire_take_bytes(&r);
	}
	*ret_n = n;
	return wire_done(&r);
}

static enum err handle(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct svc_env *env = role_state;
	struct identity_state *state = identity_state(env);
	struct arena arena = arena_new(ARENA_MAX);
	struct public_key_info keys[OWN_KEYS_MAX];
	unsigned n = 0;

	(void)info;
	(void)note;
	CHECK(req.len == 0);
	/* Web and we are told of a reload at the same time; whoever comes first has it read. */
	identity_keys_reload(state);
	enum err e = public_keys_list(
	    &state->domain_keys, domain_keys_lifetime_ms(env->conf), &arena, keys, &n);
	if (e == ERR_OK) {
		public_keys_put(reply, keys, n);
	}
	arena_reset(&arena);
	return e;
}

const struct rpc_def identity_public_key = {
	.name = "identity.public_key",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = 0,
	.max_rep = OWN_KEYS_BYTES + 1024,
	.deadline_ms = 10000,
	.cost_us = 500,
	.flags = RPC_IDEMPOTENT,
	.handle = handle,
};
