/*
 * Role: store. The transaction function of changes by the account's owner, and its messages.
 */
#include "services/identity/account_change.h"

#include "accounts/account.h"
#include "accounts/staged.h"
#include "core/base/check.h"
#include "core/base/wire.h"

void change_req_put(struct buf *out, const struct change_req *r)
{
	wire_put_u8(out, (uint8_t)r->kind);
	wire_put_i64(out, r->account_id);
	wire_put_bytes(out, r->address);
	wire_put_bytes(out, r->old_hash);
	wire_put_bytes(out, r->new_hash);
	wire_put_bytes(out, slice_str(kdf_name(r->kdf.kind)));
	wire_put_bytes(out, slice_str(r->kdf.salt));
	wire_put_u8(out, r->ends_sessions ? 1 : 0);
	wire_put_u8(out, r->may_create ? 1 : 0);
}

bool change_req_take(struct slice message, struct change_req *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t kind = wire_take_u8(&r);
	struct change_req q = { .account_id = wire_take_i64(&r) };

	q.address = wire_take_bytes(&r);
	q.old_hash = wire_take_bytes(&r);
	q.new_hash = wire_take_bytes(&r);
	struct slice kdf = wire_take_bytes(&r);
	struct slice salt = wire_take_bytes(&r);
	q.ends_sessions = wire_take_u8(&r) != 0;
	q.may_create = wire_take_u8(&r) != 0;
	if (!wire_done(&r) || kind >= CHANGE_KINDS || kdf_from_text(kdf, salt, &q.kdf) != ERR_OK) {
		return false;
	}
	q.kind = (enum change_kind)kind;
	*ret = q;
	return true;
}

void changed_put(struct buf *out, const struct changed *c)
{
	wire_put_u8(out, (uint8_t)c->outcome);
	wire_put_u8(out, c->account_gone ? 1 : 0);
	wire_put_i64(out, c->account_id);
	wire_put_i64(out, c->password_reset_ms);
}

bool changed_take(struct slice message, struct changed *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t outcome = wire_take_u8(&r);

	ret->outcome = (enum change_outcome)outcome;
	ret->account_gone = wire_take_u8(&r) != 0;
	ret->account_id = wire_take_i64(&r);
	ret->password_reset_ms = wire_take_i64(&r);
	return wire_done(&r) && outcome < CHANGE_OUTCOMES;
}

/* One change: a is the account as it is now (empty when there is none). */
typedef enum err change_fn(struct txn *t, const struct change_req *r, const struct account *a,
    struct changed *c, struct err_note *note);

static enum err change_password(struct txn *t, const struct change_req *r, const struct account *a,
    struct changed *c, struct err_note *note)
{
	if (slice_eq(a->password_hash, r->new_hash)) {
		return ERR_OK; /* this very request, once more */
	}
	if (!slice_eq(a->password_hash, r->old_hash)) {
		c->outcome = CHANGE_STALE;
		return ERR_OK;
	}
	enum err e = r->ends_sessions ? staged_forget_resets(t, a->id, note) : ERR_OK;
	return e == ERR_OK ? account_set_password(t, a, r->new_hash, &r->kdf, r->ends_sessions,
				 &c->password_reset_ms, note)
			   : e;
}

static enum err remove_email(struct txn *t, const struct change_req *r, const struct account *a,
    struct changed *c, struct err_note *note)
{
	struct slice key;
	enum err e = email_key(t->arena, r->address, &key);

	return e == ERR_OK ? account_remove_email(t, a->id, key, &c->account_gone, note) : e;
}

static enum err cancel(struct txn *t, const struct change_req *r, const struct account *a,
    struct changed *c, struct err_note *note)
{
	(void)r;
	c->account_gone = true;
	return account_delete(t, a->id, note);
}

static enum err set_kind(struct txn *t, const struct change_req *r, const struct account *a,
    struct changed *c, struct err_note *note)
{
	struct slice key;
	int64_t owner = 0;
	enum err e = email_key(t->arena, r->address, &key);

	(void)c;
	if (e == ERR_OK) {
		e = email_owner(t->db, key, &owner, note);
	}
	if (e == ERR_OK && owner != a->id) {
		e = ERR_NOT_FOUND;
	}
	return e == ERR_OK
		   ? account_set_email_kind(t, a->id, key, r->kind == CHANGE_USED_PRIMARY, note)
		   : e;
}

static enum err add_primary(struct txn *t, const struct change_req *r, const struct account *a,
    struct changed *c, struct err_note *note)
{
	struct slice key;
	int64_t owner = 0;
	bool full = false;
	enum err e = email_key(t->arena, r->address, &key);

	if (e == ERR_OK) {
		e = email_owner(t->db, key, &owner, note);
	}
	if (e == ERR_NOT_FOUND || (e == ERR_OK && owner != a->id)) {
		e = account_is_full(t->db, a->id, &full, note);
	}
	if (e == ERR_OK && full) {
		c->outcome = CHANGE_FULL;
		return ERR_OK;
	}
	return e == ERR_OK ? account_give_email(t, a->id, r->address, true, note) : e;
}

/* The provider says whose address it is: its account, or a new one without password. */
static enum err sign_in_primary(struct txn *t, const struct change_req *r,
    const struct account *unused, struct changed *c, struct err_note *note)
{
	static const struct kdf plain = { .kind = KDF_PLAIN };
	struct slice key = SLICE_EMPTY;
	struct account a = { .id = 0 };
	enum err e = email_key(t->arena, r->address, &key);

	(void)unused;
	if (e == ERR_OK) {
		e = account_by_address(t->db, t->arena, key, &a, note);
	}
	if (e == ERR_NOT_FOUND && !r->may_create) {
		c->outcome = CHANGE_CLOSED;
		return ERR_OK;
	}
	if (e == ERR_NOT_FOUND) {
		a.password_reset_ms = t->now_ms;
		e = account_create(t, SLICE_EMPTY, &plain, &a.id, note);
		if (e == ERR_OK) {
			e = account_give_email(t, a.id, r->address, true, note);
		}
	} else if (e == ERR_OK && a.is_locked) {
		c->outcome = CHANGE_LOCKED;
	} else if (e == ERR_OK) {
		/* Verified by the provider, whatever it was before. */
		e = account_give_email(t, a.id, a.address, true, note);
	}
	c->account_id = a.id;
	c->password_reset_ms = a.password_reset_ms;
	return e;
}

static change_fn *const changes[CHANGE_KINDS] = {
	[CHANGE_PASSWORD] = change_password,
	[CHANGE_REMOVE_EMAIL] = remove_email,
	[CHANGE_CANCEL] = cancel,
	[CHANGE_USED_PRIMARY] = set_kind,
	[CHANGE_USED_SECONDARY] = set_kind,
	[CHANGE_ADD_PRIMARY] = add_primary,
	[CHANGE_SIGN_IN_PRIMARY] = sign_in_primary,
};

static enum err handle_change(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct change_req r;
	struct account a = { .id = 0 };
	struct changed c = { .outcome = CHANGE_DONE };
	enum err e = ERR_OK;

	(void)info;
	CHECK(change_req_take(req, &r));
	if (r.kind != CHANGE_SIGN_IN_PRIMARY) {
		e = account_by_id(t->db, t->arena, r.account_id, &a, note);
		c.account_id = a.id;
		c.password_reset_ms = a.password_reset_ms;
	}
	if (e == ERR_OK) {
		e = changes[r.kind](t, &r, &a, &c, note);
	}
	if (e == ERR_NOT_FOUND) {
		c.outcome = CHANGE_NOT_OWNED;
		e = ERR_OK;
	}
	if (e == ERR_OK) {
		changed_put(reply, &c);
	}
	return e;
}

const struct rpc_def identity_change = {
	.name = "identity.change",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 1024,
	.max_rep = 64,
	.deadline_ms = 10000,
	.cost_us = 120,
	.flags = RPC_TXN, /* an address may come back to the account between two tries */
	.handle = handle_change,
};
