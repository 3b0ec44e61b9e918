/*
 * The message of changes on its way.
 */
#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/service.h"
#include "services/sync/fx_change.h"

enum {
	TEXTS_MAX = 32
};

/* The texts of a change in the order they travel in. */
static unsigned texts_of(struct fx_change *r, struct slice *out[TEXTS_MAX])
{
	struct slice *const all[] = { &r->new_uid, &r->client.id, &r->client.secret,
		&r->client.client_id, &r->client.scope, &r->client.agent, &r->client.device_id,
		&r->client.device_name, &r->client.device_type, &r->client.device_info,
		&r->account.uid, &r->account.key_print, &r->account.wrap_kb, &r->account.recovery,
		&r->expected_print, &r->code.hash, &r->code.session_id, &r->code.client_id,
		&r->code.scope, &r->code.challenge, &r->code.keys_jwe, &r->command.device_id,
		&r->command.sender, &r->command.command, &r->command.payload };

	_Static_assert(sizeof(all) / sizeof(all[0]) <= TEXTS_MAX, "room for all");
	memcpy(out, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

void fx_change_put(struct buf *out, const struct fx_change *r)
{
	struct fx_change copy = *r;
	struct slice *texts[TEXTS_MAX];
	unsigned n = texts_of(&copy, texts);

	wire_put_u8(out, (uint8_t)r->kind);
	wire_put_i64(out, r->account_id);
	wire_put_u8(out, r->client.is_session ? 1 : 0);
	wire_put_i64(out, r->client.account_id);
	wire_put_i64(out, r->client.reset_ms);
	wire_put_i64(out, r->account.account_id);
	wire_put_i64(out, r->account.keys_ms);
	wire_put_i64(out, r->code.account_id);
	wire_put_u8(out, r->code.is_offline ? 1 : 0);
	wire_put_i64(out, r->code.expires_ms);
	wire_put_i64(out, r->command.expires_ms);
	for (unsigned i = 0; i < n; i++) {
		wire_put_bytes(out, *texts[i]);
	}
}

bool fx_change_take(struct slice message, struct fx_change *ret)
{
	struct wire_reader r = wire_reader_new(message);
	struct fx_change v = { .kind = FX_CHANGE_KINDS };
	struct slice *texts[TEXTS_MAX];
	unsigned n = texts_of(&v, texts);
	uint8_t kind = wire_take_u8(&r);

	v.account_id = wire_take_i64(&r);
	v.client.is_session = wire_take_u8(&r) != 0;
	v.client.account_id = wire_take_i64(&r);
	v.client.reset_ms = wire_take_i64(&r);
	v.account.account_id = wire_take_i64(&r);
	v.account.keys_ms = wire_take_i64(&r);
	v.code.account_id = wire_take_i64(&r);
	v.code.is_offline = wire_take_u8(&r) != 0;
	v.code.expires_ms = wire_take_i64(&r);
	v.command.expires_ms = wire_take_i64(&r);
	for (unsigned i = 0; i < n; i++) {
		*texts[i] = wire_take_bytes(&r);
	}
	if (!wire_done(&r) || kind >= FX_CHANGE_KINDS) {
		return false;
	}
	v.kind = (enum fx_change_kind)kind;
	*ret = v;
	return true;
}

void fx_changed_put(struct buf *out, const struct fx_changed *r)
{
	wire_put_u8(out, (uint8_t)r->outcome);
	wire_put_i64(out, r->account.account_id);
	wire_put_bytes(out, r->account.uid);
	wire_put_i64(out, r->account.keys_ms);
	wire_put_bytes(out, r->account.key_print);
	wire_put_bytes(out, r->account.wrap_kb);
	wire_put_bytes(out, r->account.recovery);
	wire_put_i64(out, r->code.account_id);
	wire_put_bytes(out, r->code.session_id);
	wire_put_bytes(out, r->code.client_id);
	wire_put_bytes(out, r->code.scope);
	wire_put_bytes(out, r->code.challenge);
	wire_put_bytes(out, r->code.keys_jwe);
	wire_put_u8(out, r->code.is_offline ? 1 : 0);
	wire_put_i64(out, r->code.created_ms);
	wire_put_i64(out, r->code.expires_ms);
}

bool fx_changed_take(struct slice message, struct fx_changed *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t outcome = wire_take_u8(&r);

	ret->outcome = (enum fx_outcome)outcome;
	ret->account.account_id = wire_take_i64(&r);
	ret->account.uid = wire_take_bytes(&r);
	ret->account.keys_ms = wire_take_i64(&r);
	ret->account.key_print = wire_take_bytes(&r);
	ret->account.wrap_kb = wire_take_bytes(&r);
	ret->account.recovery = wire_take_bytes(&r);
	ret->code.account_id = wire_take_i64(&r);
	ret->code.session_id = wire_take_bytes(&r);
	ret->code.client_id = wire_take_bytes(&r);
	ret->code.scope = wire_take_bytes(&r);
	ret->code.challenge = wire_take_bytes(&r);
	ret->code.keys_jwe = wire_take_bytes(&r);
	ret->code.is_offline = wire_take_u8(&r) != 0;
	ret->code.created_ms = wire_take_i64(&r);
	ret->code.expires_ms = wire_take_i64(&r);
	return wire_done(&r) && outcome < FX_OUTCOMES;
}

enum err fx_change(struct op_call *c, const struct fx_change *change, struct fx_changed *ret)
{
	const struct svc_env *env = c->env;
	struct buf message = buf_new(sync_fx_change.max_req);
	struct slice reply = SLICE_EMPTY;

	fx_change_put(&message, change);
	enum err e = message.failed
			 ? ERR_LIMIT
			 : rpc_call(env->peer[ROLE_STORE], &sync_fx_change, buf_slice(&message),
			       c->deadline_us, c->trace, c->arena, &reply, &c->note);
	buf_free(&message);
	if (e == ERR_OK) {
		CHECK(fx_changed_take(reply, ret));
	}
	return e;
}
