/*
 * Who has which store: the call that settles it, and the look that mostly makes it needless.
 */
#include "core/base/check.h"
#include "core/base/wire.h"
#include "services/sync/fx.h"
#include "services/sync/token_server_priv.h"

static void put_claims(
    struct buf *out, const struct token_claims *claims, struct slice nodes, bool may_create)
{
	wire_put_bytes(out, claims->fxa_uid);
	wire_put_i64(out, claims->generation);
	wire_put_i64(out, claims->keys_changed_ms);
	wire_put_bytes(out, claims->client_state);
	wire_put_bytes(out, nodes);
	wire_put_u8(out, may_create ? 1 : 0);
}

/* Role: store. */
static enum err handle_token_user(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct token_claims claims = { .fxa_uid = wire_take_bytes(&r) };
	enum token_verdict verdict = TOKEN_VERDICTS;
	struct token_user u = { .uid = 0, .node = SLICE_EMPTY };

	(void)info;
	claims.generation = wire_take_i64(&r);
	claims.keys_changed_ms = wire_take_i64(&r);
	claims.client_state = wire_take_bytes(&r);
	struct slice nodes = wire_take_bytes(&r);
	bool may_create = wire_take_u8(&r) != 0;
	CHECK(wire_done(&r));
	enum err e = token_user_settle(t, &claims, nodes, may_create, &verdict, &u, note);
	if (e == ERR_OK) {
		wire_put_u8(reply, (uint8_t)verdict);
		wire_put_i64(reply, u.uid);
		wire_put_bytes(reply, u.node);
	}
	return e;
}

const struct rpc_def sync_token_user = {
	.name = "sync.token_user",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 8192,
	.max_rep = 1024,
	.deadline_ms = 10000,
	.cost_us = 120,
	.flags = RPC_TXN | RPC_IDEMPOTENT, /* who has a store keeps it */
	.handle = handle_token_user,
};

/* Most requests change nothing: these are answered from what web reads. */
enum err token_settle_user(struct op_call *c, const struct token_claims *claims,
    enum token_verdict *ret, struct token_user *ret_user)
{
	const struct svc_env *env = c->env;
	struct token_user_rows *rows = arena_alloc(c->arena, sizeof(*rows));
	struct buf *message = fx_buf(c, sync_token_user.max_req);
	struct slice reply = SLICE_EMPTY;
	enum err e = rows == NULL || message == NULL
			 ? ERR_MEMORY
			 : token_user_find(env->db, c->arena, claims->fxa_uid, rows, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	*ret = token_user_judge(rows, claims);
	if (*ret == TOKEN_USE || token_verdict_is_refusal(*ret)) {
		*ret_user = rows->rows[0];
		return ERR_OK;
	}
	put_claims(message, claims, slice_str(conf_str(env->conf, "sync", "nodes")),
	    conf_bool(env->conf, "sync", "new_users"));
	if (message->failed) {
		return ERR_LIMIT;
	}
	e = rpc_call(env->peer[ROLE_STORE], &sync_token_user, buf_slice(message), c->deadline_us,
	    c->trace, c->arena, &reply, &c->note);
	if (e == ERR_OK) {
		struct wire_reader r = wire_reader_new(reply);
		*ret = (enum token_verdict)wire_take_u8(&r);
		ret_user->uid = wire_take_i64(&r);
		ret_user->node = wire_take_bytes(&r);
		CHECK(wire_done(&r) && *ret < TOKEN_VERDICTS);
	}
	return e;
}
