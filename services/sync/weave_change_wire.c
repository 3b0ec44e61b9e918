/*
 * The messages of sync.weave_change.
 */
#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/service.h"
#include "services/sync/weave_change.h"

static void put_request(
    struct buf *out, const struct weave_change *r, const struct staged_limits *limits)
{
	wire_put_u8(out, (uint8_t)r->kind);
	wire_put_bytes(out, r->name);
	wire_put_bytes(out, r->address);
	wire_put_i64(out, r->account_id);
	wire_put_bytes(out, r->hash);
	wire_put_bytes(out, slice_str(kdf_name(r->kdf.kind)));
	wire_put_bytes(out, slice_str(r->kdf.salt));
	wire_put_bytes(out, r->code_hash);
	wire_put_bytes(out, r->link);
	staged_limits_put(out, limits);
}

bool weave_change_read(struct slice message, struct weave_change *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t kind = wire_take_u8(&r);
	struct weave_change v = { .name = wire_take_bytes(&r) };

	v.address = wire_take_bytes(&r);
	v.account_id = wire_take_i64(&r);
	v.hash = wire_take_bytes(&r);
	struct slice kdf = wire_take_bytes(&r);
	struct slice salt = wire_take_bytes(&r);
	v.code_hash = wire_take_bytes(&r);
	v.link = wire_take_bytes(&r);
	bool has_limits = staged_limits_take(&r, &v.limits);
	if (!wire_done(&r) || !has_limits || kind >= WEAVE_CHANGE_KINDS ||
	    kdf_from_text(kdf, salt, &v.kdf) != ERR_OK) {
		return false;
	}
	v.kind = (enum weave_change_kind)kind;
	*ret = v;
	return true;
}

enum err weave_change(struct op_call *c, const struct weave_change *change, enum weave_outcome *ret)
{
	const struct svc_env *env = c->env;
	struct buf message = buf_new(WEAVE_CHANGE_MAX);
	struct slice reply = SLICE_EMPTY, bytes = SLICE_EMPTY;

	const struct staged_limits limits = staged_limits_of(env->conf);
	put_request(&message, change, &limits);
	enum err e = buf_finish(&message, &bytes);
	if (e == ERR_OK) {
		e = rpc_call(env->peer[ROLE_STORE], &sync_weave_change, bytes, c->deadline_us,
		    c->trace, c->arena, &reply, &c->note);
	}
	buf_free(&message);
	if (e == ERR_OK) {
		CHECK(reply.len == 1 && (unsigned char)reply.ptr[0] < WEAVE_CHANGE_OUTCOMES);
		*ret = (enum weave_outcome)reply.ptr[0];
	}
	return e;
}
