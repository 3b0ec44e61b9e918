/*
 * Role: store. The transaction function that stages a change and sends its mail.
 */
#include "services/identity/staging.h"

#include "accounts/account.h"
#include "core/base/check.h"

/* Why a kind of change cannot be staged, as the database is now. */
typedef enum err precondition(
    struct txn *t, const struct stage_req *r, enum stage_outcome *ret, struct err_note *note);

static enum err find_account(struct txn *t, const struct stage_req *r, struct account *a,
    enum stage_outcome *ret, struct err_note *note)
{
	enum err e = account_by_id(t->db, t->arena, r->account_id, a, note);

	if (e == ERR_NOT_FOUND) {
		*ret = STAGE_NOT_OWNED;
		return ERR_OK;
	}
	return e;
}

/* The account by the address, which must be its own. */
static enum err find_owner(struct txn *t, const struct stage_req *r, struct account *a,
    enum stage_outcome *ret, struct err_note *note)
{
	struct slice key = SLICE_EMPTY;
	enum err e = email_key(t->arena, r->mail.recipient, &key);

	if (e == ERR_OK) {
		e = account_by_address(t->db, t->arena, key, a, note);
	}
	if (e == ERR_NOT_FOUND || (e == ERR_OK && a->id != r->account_id)) {
		*ret = STAGE_NOT_OWNED;
		return ERR_OK;
	}
	return e;
}

static enum err check_new(
    struct txn *t, const struct stage_req *r, enum stage_outcome *ret, struct err_note *note)
{
	(void)t;
	(void)r;
	(void)ret;
	(void)note;
	return ERR_OK; /* an address that somebody has may be staged: whoever answers gets it */
}

static enum err check_unverified(
    struct txn *t, const struct stage_req *r, enum stage_outcome *ret, struct err_note *note)
{
	int64_t owner = 0;
	struct slice key = SLICE_EMPTY;
	enum err e = email_key(t->arena, r->mail.recipient, &key);

	if (e == ERR_OK) {
		e = email_owner(t->db, key, &owner, note);
	}
	if (e == ERR_OK) {
		*ret = STAGE_TAKEN;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err check_add(
    struct txn *t, const struct stage_req *r, enum stage_outcome *ret, struct err_note *note)
{
	struct account a = { .id = 0 };
	bool full = false;

	if (r->creates_unverified) {
		return check_unverified(t, r, ret, note);
	}
	enum err e = find_account(t, r, &a, ret, note);
	if (e != ERR_OK || *ret != STAGE_DONE) {
		return e;
	}
	e = account_is_full(t->db, a.id, &full, note);
	*ret = full					      ? STAGE_FULL
	       : a.has_password && r->password_hash.len > 0   ? STAGE_HAS_PASSWORD
	       : !a.has_password && r->password_hash.len == 0 ? STAGE_NEEDS_PASSWORD
							      : STAGE_DONE;
	return e;
}

static enum err check_reset(
    struct txn *t, const struct stage_req *r, enum stage_outcome *ret, struct err_note *note)
{
	struct account a = { .id = 0 };

	return find_owner(t, r, &a, ret, note);
}

static enum err check_reverify(
    struct txn *t, const struct stage_req *r, enum stage_outcome *ret, struct err_note *note)
{
	struct account a = { .id = 0 };
	enum err e = find_owner(t, r, &a, ret, note);

	if (e == ERR_OK && *ret == STAGE_DONE && a.is_verified) {
		*ret = STAGE_IS_VERIFIED;
	}
	return e;
}

static enum err check_transition(
    struct txn *t, const struct stage_req *r, enum stage_outcome *ret, struct err_note *note)
{
	struct account a = { .id = 0 };
	enum err e = find_owner(t, r, &a, ret, note);

	if (e == ERR_OK && *ret == STAGE_DONE && a.has_password) {
		*ret = STAGE_HAS_PASSWORD;
	}
	return e;
}

static precondition *const preconditions[STAGED_KINDS] = {
	[STAGED_NEW] = check_new,
	[STAGED_ADD] = check_add,
	[STAGED_RESET] = check_reset,
	[STAGED_REVERIFY] = check_reverify,
	[STAGED_TRANSITION] = check_transition,
};

/* The account of an address that will be verified later. */
static enum err create_unverified(
    struct txn *t, struct stage_req *r, int64_t *ret_id, struct err_note *note)
{
	enum err e = account_create(t, r->password_hash, &r->kdf, ret_id, note);

	r->password_hash = SLICE_EMPTY;
	r->kdf = (struct kdf){ .kind = KDF_PLAIN };
	return e == ERR_OK ? account_give_unverified(t, *ret_id, r->mail.recipient, note) : e;
}

static enum err put(struct txn *t, struct stage_req *r, int64_t mails, struct err_note *note)
{
	enum err e = ERR_OK;

	if (r->creates_unverified) {
		e = create_unverified(t, r, &r->account_id, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	const struct staged staged = {
		.token_hash = r->token_hash,
		.address = r->mail.recipient,
		.kind = r->kind,
		.account_id = r->account_id,
		.has_password = r->password_hash.len > 0,
		.password_hash = r->password_hash,
		.kdf = r->kdf,
		.created_ms = t->now_ms,
		.expires_ms = t->now_ms + r->lifetime_ms,
		.mails = mails,
		.test_token = r->test_token,
	};
	e = staged_put(t, &staged, note);
	int64_t mail_id = 0;
	/* An invitation that is handed over by hand has no mail. */
	return e == ERR_OK && r->mail.subject.len > 0 ? outbox_put(t, &r->mail, &mail_id, note) : e;
}

/* What the limits say of the mail. */
static const enum stage_outcome limited[] = {
	[STAGED_MAY_MAIL] = STAGE_DONE,
	[STAGED_SAME] = STAGE_DONE,
	[STAGED_TOO_SOON] = STAGE_TOO_SOON,
	[STAGED_BOUNCED] = STAGE_BOUNCED,
};

static enum err handle_stage(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct stage_req r;
	enum staged_limit limit;
	enum stage_outcome outcome = STAGE_DONE;
	int64_t mails = 0;

	(void)info;
	CHECK(stage_req_take(req, &r));
	enum err e = staged_limits_ask(
	    t, &r.limits, r.mail.recipient, r.account_id, r.token_hash, &limit, &mails, note);
	if (e == ERR_OK) {
		outcome = limited[limit];
	}
	if (e == ERR_OK && limit == STAGED_MAY_MAIL) {
		e = preconditions[r.kind](t, &r, &outcome, note);
		if (e == ERR_OK && outcome == STAGE_DONE) {
			e = put(t, &r, mails + 1, note);
		}
	}
	if (e == ERR_OK) {
		buf_append_char(reply, (char)outcome);
	}
	return e;
}

const struct rpc_def identity_stage = {
	.name = "identity.stage",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 64 * 1024,
	.max_rep = 16,
	.deadline_ms = 10000,
	.cost_us = 150,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_stage,
};
