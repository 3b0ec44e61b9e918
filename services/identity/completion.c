/*
 * Role: store. The transaction function that does what a mailed token stands for. The token is
 * used up in the same transaction; a call that may not have it leaves it as it is.
 */
#include "accounts/account.h"
#include "accounts/mail_address.h"
#include "core/base/check.h"
#include "services/identity/staging.h"

bool complete_takes(enum complete_call call, enum staged_kind kind)
{
	switch (call) {
	case COMPLETE_CREATION:
		return kind == STAGED_NEW;
	case COMPLETE_CONFIRMATION:
		return kind == STAGED_ADD || kind == STAGED_REVERIFY;
	case COMPLETE_RESET:
		return kind == STAGED_RESET;
	case COMPLETE_TRANSITION:
		return kind == STAGED_TRANSITION;
	case COMPLETE_CALLS:
		break;
	}
	return false;
}

static bool is_first(const struct staged *staged)
{
	return slice_eq(staged->address, SLICE(STAGED_FIRST));
}

/* A new account; an address that existed moves to it. */
static enum err create(struct txn *t, const struct staged *staged, const struct complete_req *r,
    struct completion *c, struct err_note *note)
{
	struct slice address = is_first(staged) ? r->address : staged->address;
	struct slice hash = staged->has_password ? staged->password_hash : r->password_hash;
	const struct kdf *kdf = staged->has_password ? &staged->kdf : &r->kdf;
	enum err e = account_create(t, hash, kdf, &c->account_id, note);

	c->password_reset_ms = t->now_ms;
	if (e == ERR_OK) {
		e = account_give_email(t, c->account_id, address, false, note);
	}
	return e == ERR_OK && is_first(staged) ? account_set_admin(t, c->account_id, true, note)
					       : e;
}

/* One more address, or one that is verified again. An account's first password may come with it. */
static enum err confirm(struct txn *t, const struct staged *staged, const struct account *a,
    struct completion *c, struct err_note *note)
{
	enum err e = account_give_email(t, a->id, staged->address, false, note);

	c->password_reset_ms = a->password_reset_ms;
	if (e == ERR_OK && staged->has_password && !a->has_password) {
		e = account_set_password(
		    t, a, staged->password_hash, &staged->kdf, false, &c->password_reset_ms, note);
	}
	return e;
}

/*
 * A password by the mailbox's owner. Whoever set the old one may have had an address of his own in
 * the account, so the others must be verified again; what waited for an answer is forgotten.
 */
static enum err reset(struct txn *t, const struct staged *staged, const struct complete_req *r,
    const struct account *a, struct completion *c, struct err_note *note)
{
	struct slice hash = staged->has_password ? staged->password_hash : r->password_hash;
	const struct kdf *kdf = staged->has_password ? &staged->kdf : &r->kdf;
	enum err e = account_unverify_others(t, a->id, staged->address_key, note);

	if (e == ERR_OK) {
		e = account_give_email(t, a->id, staged->address, false, note);
	}
	if (e == ERR_OK) {
		e = staged_forget(t, a->id, note);
	}
	return e == ERR_OK
		   ? account_set_password(t, a, hash, kdf, true, &c->password_reset_ms, note)
		   : e;
}

/* May an account get an address that it does not have? */
static enum err check_room(
    struct txn *t, const struct staged *staged, struct completion *c, struct err_note *note)
{
	int64_t owner = 0;
	bool full = false;
	enum err e = email_owner(t->db, staged->address_key, &owner, note);

	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	if (e == ERR_OK && owner == staged->account_id) {
		return ERR_OK;
	}
	e = account_is_full(t->db, staged->account_id, &full, note);
	c->outcome = full ? COMPLETE_FULL : c->outcome;
	return e;
}

/* Who makes the first account brings its address along, which proves nothing: so a free one. */
static enum err check_first(
    struct txn *t, const struct complete_req *r, struct completion *c, struct err_note *note)
{
	struct slice key = SLICE_EMPTY;
	int64_t owner = 0;

	if (r->address.len == 0) {
		c->outcome = COMPLETE_NEEDS_ADDRESS;
		return ERR_OK;
	}
	enum err e = email_key(t->arena, r->address, &key);
	if (e == ERR_OK) {
		e = email_owner(t->db, key, &owner, note);
	}
	c->outcome = e == ERR_OK ? COMPLETE_TAKEN : c->outcome;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* What forbids it, as the database is now. */
static enum err check(struct txn *t, const struct staged *staged, const struct complete_req *r,
    struct account *a, struct completion *c, struct err_note *note)
{
	bool is_new = staged->kind == STAGED_NEW;
	enum err e = is_new ? ERR_OK : account_by_id(t->db, t->arena, staged->account_id, a, note);

	if (e != ERR_OK) {
		return e;
	}
	c->account_id = staged->account_id;
	if (a->is_locked) {
		c->outcome = COMPLETE_LOCKED;
	} else if ((is_new || staged->kind == STAGED_RESET) && !staged->has_password &&
		   r->password_hash.len == 0) {
		c->outcome = COMPLETE_NEEDS_PASSWORD;
	} else if (is_new && is_first(staged)) {
		e = check_first(t, r, c, note);
	} else if (staged->kind == STAGED_ADD) {
		e = check_room(t, staged, c, note);
	}
	return e;
}

static enum err complete(
    struct txn *t, const struct complete_req *r, struct completion *c, struct err_note *note)
{
	struct staged staged;
	struct account account = { .id = 0 };
	enum err e = staged_by_token(t->db, t->arena, r->token_hash, t->now_ms, &staged, note);

	if (e == ERR_OK && !complete_takes(r->call, staged.kind)) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		e = check(t, &staged, r, &account, c, note);
	}
	if (e != ERR_OK || c->outcome != COMPLETE_DONE) {
		return e;
	}
	e = staged_take(t, r->token_hash, &staged, note);
	if (e == ERR_OK) {
		e = mail_address_forget(t, staged.address_key, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	switch (staged.kind) {
	case STAGED_NEW:
		return create(t, &staged, r, c, note);
	case STAGED_ADD:
	case STAGED_REVERIFY:
		return confirm(t, &staged, &account, c, note);
	case STAGED_RESET:
	case STAGED_TRANSITION:
		return reset(t, &staged, r, &account, c, note);
	case STAGED_KINDS:
		break;
	}
	return ERR_CORRUPT;
}

static enum err handle_complete(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct complete_req r;
	struct completion c = { .outcome = COMPLETE_DONE };

	(void)info;
	CHECK(complete_req_take(req, &r));
	enum err e = complete(role_state, &r, &c, note);
	if (e == ERR_NOT_FOUND) {
		c.outcome = COMPLETE_UNKNOWN;
		e = ERR_OK;
	}
	if (e == ERR_OK) {
		completion_put(reply, &c);
	}
	return e;
}

const struct rpc_def identity_complete = {
	.name = "identity.complete",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 1024,
	.max_rep = 64,
	.deadline_ms = 10000,
	.cost_us = 150,
	.flags = RPC_TXN, /* the token works once */
	.handle = handle_complete,
};
