/*
 * Both sides of the message of people_change.h.
 */
#include "services/symbols/people_change.h"

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/service.h"
#include "core/store/store.h"
#include "services/symbols/symbols_login.h"

enum {
	MESSAGE_MAX = 4096,
	DAY_MS = 86400000
};

enum err people_change(
    struct op_call *c, const struct people_change *change, struct people_changed *ret)
{
	const struct svc_env *env = c->env;
	struct buf message = buf_new(MESSAGE_MAX);
	struct slice reply = SLICE_EMPTY;

	wire_put_u8(&message, (uint8_t)change->kind);
	wire_put_bytes(&message, change->hash);
	wire_put_bytes(&message, change->email);
	wire_put_bytes(&message, change->notes);
	wire_put_u32(&message, change->permissions);
	wire_put_i64(&message, change->id);
	wire_put_i64(&message, change->days);
	enum err e = message.failed ? ERR_LIMIT
				    : rpc_call(env->peer[ROLE_STORE], &symbols_people_change,
					  buf_slice(&message), DEADLINE_NONE, c->trace, c->arena,
					  &reply, &c->note);
	buf_free(&message);
	if (e == ERR_OK) {
		struct wire_reader r = wire_reader_new(reply);
		ret->id = wire_take_i64(&r);
		CHECK(slice_to_cstr(wire_take_bytes(&r), ret->key, sizeof(ret->key)) == ERR_OK);
		CHECK(wire_done(&r));
	}
	return e;
}

/* ---- in the store ---- */

static struct people_change take(struct slice message)
{
	struct wire_reader r = wire_reader_new(message);
	struct people_change c = { .kind = (enum people_change_kind)wire_take_u8(&r) };

	c.hash = wire_take_bytes(&r);
	c.email = wire_take_bytes(&r);
	c.notes = wire_take_bytes(&r);
	c.permissions = wire_take_u32(&r);
	c.id = wire_take_i64(&r);
	c.days = wire_take_i64(&r);
	CHECK(wire_done(&r) && c.kind < PEOPLE_CHANGES);
	return c;
}

static enum err add_token(
    struct txn *t, const struct people_change *c, struct people_changed *ret, struct err_note *note)
{
	const struct symbols_token token = { .email = c->email,
		.notes = c->notes,
		.permissions = c->permissions,
		.created_ms = t->now_ms,
		.expires_ms = t->now_ms + c->days * DAY_MS };

	return symbols_token_new(t->db, &token, ret->key, &ret->id, note);
}

/* From the old end on, not from today. */
static enum err extend_token(struct txn *t, const struct people_change *c, struct err_note *note)
{
	struct symbols_token token;
	enum err e = symbols_token_get(t->db, t->arena, c->id, &token, note);

	if (e != ERR_OK) {
		return e;
	}
	int64_t end_ms = token.expires_ms + c->days * DAY_MS;
	int64_t latest_ms = t->now_ms + (int64_t)SYMBOLS_TOKEN_DAYS_MAX * DAY_MS;
	return symbols_token_set_end(t->db, c->id, end_ms < latest_ms ? end_ms : latest_ms, note);
}

static enum err run(
    struct txn *t, const struct people_change *c, struct people_changed *ret, struct err_note *note)
{
	switch (c->kind) {
	case PEOPLE_SIGN_IN:
		return symbols_login_add(t->db, c->hash, c->email, t->now_ms, note);
	case PEOPLE_SIGN_OUT:
		return symbols_login_remove(t->db, c->hash, note);
	case PEOPLE_ADD_TOKEN:
		return add_token(t, c, ret, note);
	case PEOPLE_EXTEND_TOKEN:
		return extend_token(t, c, note);
	case PEOPLE_REVOKE_TOKEN:
		return symbols_token_delete(t->db, c->id, note);
	case PEOPLE_CHANGES:
	default:
		CHECK(false);
		return ERR_INVALID;
	}
}

static enum err handle(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct people_changed changed = { .id = 0 };
	const struct people_change c = take(req);
	enum err e = run(role_state, &c, &changed, note);

	(void)info;
	wire_put_i64(reply, changed.id);
	wire_put_bytes(reply, slice_str(changed.key));
	return e;
}

const struct rpc_def symbols_people_change = { .name = "symbols.people_change",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = MESSAGE_MAX,
	.max_rep = 64,
	.deadline_ms = 30000,
	.cost_us = 300,
	.flags = RPC_TXN,
	.handle = handle };
