/*
 * Role: store. The transaction function of the accounts server for Firefox.
 */
#include "services/sync/fx_change.h"

#include "accounts/account.h"
#include "core/base/check.h"

typedef enum err change_fn(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note);

static enum err sign_in(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	enum err e = firefox_account_need(t, r->client.account_id, r->new_uid, &c->account, note);

	if (e == ERR_OK) {
		e = firefox_client_add(t, &r->client, note);
	}
	return e == ERR_OK && r->code.hash.len > 0 ? firefox_code_put(t, &r->code, note) : e;
}

static enum err add_client(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	(void)c;
	return firefox_client_add(t, &r->client, note);
}

static enum err end_client(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	(void)c;
	return firefox_client_end(t, r->account_id, r->client.id, note);
}

static enum err seen(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	(void)c;
	return firefox_client_seen(t, r->client.id, note);
}

static enum err set_device(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	(void)c;
	return firefox_client_set_device(t, &r->client, note);
}

static enum err set_keys(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	enum err e =
	    firefox_account_find(t->db, t->arena, r->account.account_id, &c->account, note);

	if (e != ERR_OK) {
		return e;
	}
	if (slice_eq(c->account.wrap_kb, r->account.wrap_kb) &&
	    slice_eq(c->account.recovery, r->account.recovery)) {
		return ERR_OK; /* this very request, once more */
	}
	if (!slice_eq(c->account.key_print, r->expected_print)) {
		c->outcome = FX_STALE;
		return ERR_OK;
	}
	/* Keys that stay keep their time: with it their store. */
	bool is_same = slice_eq(c->account.key_print, r->account.key_print);
	int64_t keys_ms = is_same && c->account.keys_ms != 0 ? c->account.keys_ms : t->now_ms;
	c->account.keys_ms = keys_ms > c->account.keys_ms ? keys_ms : c->account.keys_ms;
	c->account.key_print = r->account.key_print;
	c->account.wrap_kb = r->account.wrap_kb;
	c->account.recovery = r->account.recovery;
	return firefox_set_keys(t, &c->account, note);
}

static enum err put_code(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	(void)c;
	return firefox_code_put(t, &r->code, note);
}

static enum err take_code(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	return firefox_code_take(t, r->code.hash, &c->code, note);
}

static enum err revoke_token(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	(void)c;
	return firefox_revoke(t, r->code.hash, r->code.expires_ms, note);
}

static enum err put_command(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	(void)c;
	return firefox_command_put(t, r->account_id, &r->command, note);
}

static enum err need_name(
    struct txn *t, const struct fx_change *r, struct fx_changed *c, struct err_note *note)
{
	return firefox_account_need(t, r->account_id, r->new_uid, &c->account, note);
}

static change_fn *const changes[FX_CHANGE_KINDS] = {
	[FX_SIGN_IN] = sign_in,
	[FX_ADD_CLIENT] = add_client,
	[FX_END_CLIENT] = end_client,
	[FX_SEEN] = seen,
	[FX_SET_DEVICE] = set_device,
	[FX_SET_KEYS] = set_keys,
	[FX_PUT_CODE] = put_code,
	[FX_TAKE_CODE] = take_code,
	[FX_REVOKE] = revoke_token,
	[FX_PUT_COMMAND] = put_command,
	[FX_NEED_NAME] = need_name,
};

static enum err handle_change(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct fx_change r;
	struct fx_changed c = { .outcome = FX_DONE };

	(void)info;
	CHECK(fx_change_take(req, &r));
	enum err e = changes[r.kind](t, &r, &c, note);
	if (e == ERR_NOT_FOUND) {
		c.outcome = FX_NOT_FOUND;
		e = ERR_OK;
	}
	if (e == ERR_OK) {
		fx_changed_put(reply, &c);
	}
	return e;
}

const struct rpc_def sync_fx_change = {
	.name = "sync.fx_change",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 32 * 1024,
	.max_rep = 16 * 1024,
	.deadline_ms = 10000,
	.cost_us = 120,
	.flags = RPC_TXN, /* a code is taken once: not to be sent again */
	.handle = handle_change,
};
