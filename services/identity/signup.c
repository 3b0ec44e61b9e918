/*
 * Role: store. The two transaction functions of signing up, and their messages.
 */
#include "services/identity/signup.h"

#include "accounts/account.h"
#include "accounts/staged.h"
#include "core/base/check.h"
#include "core/base/wire.h"

void stage_user_put(struct buf *out, const struct stage_user_req *r)
{
	wire_put_bytes(out, r->token_hash);
	wire_put_bytes(out, r->password_hash);
	wire_put_bytes(out, slice_str(kdf_name(r->kdf.kind)));
	wire_put_bytes(out, slice_str(r->kdf.salt));
	wire_put_i64(out, r->lifetime_ms);
	wire_put_i64(out, r->min_interval_ms);
	wire_put_bytes(out, r->mail.recipient);
	wire_put_bytes(out, r->mail.kind);
	wire_put_bytes(out, r->mail.subject);
	wire_put_bytes(out, r->mail.link);
	wire_put_bytes(out, r->mail.site);
	wire_put_bytes(out, r->mail.text);
	wire_put_bytes(out, r->mail.html);
}

bool stage_user_take(struct slice message, struct stage_user_req *ret)
{
	struct wire_reader r = wire_reader_new(message);
	struct stage_user_req q = { .token_hash = wire_take_bytes(&r) };

	q.password_hash = wire_take_bytes(&r);
	struct slice kdf = wire_take_bytes(&r);
	struct slice salt = wire_take_bytes(&r);
	q.lifetime_ms = wire_take_i64(&r);
	q.min_interval_ms = wire_take_i64(&r);
	q.mail.recipient = wire_take_bytes(&r);
	q.mail.kind = wire_take_bytes(&r);
	q.mail.subject = wire_take_bytes(&r);
	q.mail.link = wire_take_bytes(&r);
	q.mail.site = wire_take_bytes(&r);
	q.mail.text = wire_take_bytes(&r);
	q.mail.html = wire_take_bytes(&r);
	if (!wire_done(&r) || q.token_hash.len != TOKEN_HASH_HEX || q.lifetime_ms <= 0 ||
	    kdf_from_text(kdf, salt, &q.kdf) != ERR_OK) {
		return false;
	}
	*ret = q;
	return true;
}

bool stage_outcome_take(struct slice message, enum stage_outcome *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t n = wire_take_u8(&r);

	*ret = n == STAGE_DONE ? STAGE_DONE : STAGE_TOO_SOON;
	return wire_done(&r) && n <= STAGE_TOO_SOON;
}

/* What is staged already decides: nothing, the same request once more, or one too soon. */
enum before {
	BEFORE_NOTHING,
	BEFORE_SAME,
	BEFORE_TOO_SOON
};

static enum err look_before(
    struct txn *t, const struct stage_user_req *r, enum before *ret, struct err_note *note)
{
	struct staged staged;
	struct slice key = SLICE_EMPTY;
	enum err e = email_key(t->arena, r->mail.recipient, &key);

	if (e == ERR_OK) {
		e = staged_by_address(t->db, t->arena, key, t->now_ms, &staged, note);
	}
	if (e == ERR_NOT_FOUND) {
		*ret = BEFORE_NOTHING;
		return ERR_OK;
	}
	if (e == ERR_OK) {
		*ret = slice_eq(staged.token_hash, r->token_hash)	    ? BEFORE_SAME
		       : t->now_ms < staged.created_ms + r->min_interval_ms ? BEFORE_TOO_SOON
									    : BEFORE_NOTHING;
	}
	return e;
}

static enum err handle_stage_user(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct stage_user_req r;
	enum before before = BEFORE_NOTHING;

	(void)info;
	CHECK(stage_user_take(req, &r));
	enum err e = look_before(t, &r, &before, note);
	if (e == ERR_OK && before == BEFORE_NOTHING) {
		const struct staged staged = {
			.token_hash = r.token_hash,
			.address = r.mail.recipient,
			.is_new_account = true,
			.has_password = true,
			.password_hash = r.password_hash,
			.kdf = r.kdf,
			.created_ms = t->now_ms,
			.expires_ms = t->now_ms + r.lifetime_ms,
		};
		e = staged_put(t, &staged, note);
		if (e == ERR_OK) {
			e = outbox_put(t, &r.mail, note);
		}
	}
	if (e == ERR_OK) {
		wire_put_u8(reply, before == BEFORE_TOO_SOON ? STAGE_TOO_SOON : STAGE_DONE);
	}
	return e;
}

void creation_put(struct buf *out, const struct creation *r)
{
	wire_put_u8(out, r->is_done ? 1 : 0);
	wire_put_i64(out, r->account_id);
	wire_put_i64(out, r->password_reset_ms);
}

bool creation_take(struct slice message, struct creation *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->is_done = wire_take_u8(&r) != 0;
	ret->account_id = wire_take_i64(&r);
	ret->password_reset_ms = wire_take_i64(&r);
	return wire_done(&r);
}

/* A staged new account becomes one; an address that existed moves to it. */
static enum err create(
    struct txn *t, const struct staged *staged, struct creation *ret, struct err_note *note)
{
	struct creation c = { .is_done = true, .password_reset_ms = t->now_ms };
	enum err e = account_create(t, staged->password_hash, &staged->kdf, &c.account_id, note);

	if (e == ERR_OK) {
		e = account_give_email(t, c.account_id, staged->address, false, note);
	}
	if (e == ERR_OK) {
		*ret = c;
	}
	return e;
}

static enum err handle_complete(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct staged staged;
	struct creation creation = { .is_done = false };

	(void)info;
	CHECK(req.len == TOKEN_HASH_HEX);
	enum err e = staged_by_token(t->db, t->arena, req, t->now_ms, &staged, note);
	/* Another kind of staged change is not for this call: it stays. */
	if (e == ERR_OK && (!staged.is_new_account || !staged.has_password)) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		e = staged_take(t, req, &staged, note);
	}
	if (e == ERR_OK) {
		e = create(t, &staged, &creation, note);
	}
	if (e == ERR_OK || e == ERR_NOT_FOUND) {
		creation_put(reply, &creation);
		return ERR_OK;
	}
	return e;
}

const struct rpc_def identity_stage_user = {
	.name = "identity.stage_user",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 64 * 1024,
	.max_rep = 16,
	.deadline_ms = 10000,
	.cost_us = 150,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_stage_user,
};

const struct rpc_def identity_complete_user_creation = {
	.name = "identity.complete_user_creation",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 128,
	.max_rep = 64,
	.deadline_ms = 10000,
	.cost_us = 150,
	.flags = RPC_TXN, /* the token works once */
	.handle = handle_complete,
};
