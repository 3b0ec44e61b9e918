/*
 * See weave_change.h. A user of the old protocol is an account of this server with a name beside
 * it. Its store has a number of its own from the token server's, so it never meets the store that
 * the same account has by 1.5: the two are locked with different keys.
 */
#include "services/sync/weave_change.h"

#include <stdio.h>

#include "accounts/token_user.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/wire.h"
#include "services/sync/db.h"
#include "services/sync/weave_changing.h"

enum {
	WHOSE_SIZE = 32
};

/* ---- making a user ---- */

/* A store of its own among all stores. */
static enum err give_uid(struct weave_changing *c, int64_t *ret)
{
	char whose[WHOSE_SIZE];
	struct token_user u = { .uid = 0 };
	enum token_verdict verdict;

	/* Of chance: who has the name after somebody else does not get what was theirs. */
	(void)snprintf(whose, sizeof(whose), "weave:%016llx", (unsigned long long)rng_u64());
	const struct token_claims claims = { .fxa_uid = slice_str(whose),
		.client_state = SLICE_EMPTY };
	enum err e = token_user_settle(c->t, &claims, SLICE_EMPTY, true, &verdict, &u, c->note);
	*ret = u.uid;
	return e;
}

static enum err put_user(struct weave_changing *c, int64_t account_id)
{
	struct sql_query *q = NULL;
	int64_t uid = 0;
	enum err e = give_uid(c, &uid);

	if (e == ERR_OK) {
		e = sync_begin(c->t->db, SYNC_WEAVE_USER_PUT, &q, c->note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "username", c->r->name);
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_i64(q, "uid", uid);
	sql_bind_text(q, "address", c->r->address);
	sql_bind_i64(q, "now_ms", c->t->now_ms);
	return sql_finish(q);
}

/* Has the account a name already? */
static enum err has_name(struct weave_changing *c, int64_t account_id, bool *ret)
{
	struct sql_query *q;
	enum err e = sync_begin(c->t->db, SYNC_WEAVE_USER_OF, &q, c->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	e = sql_step(q);
	*ret = e == ERR_OK;
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* Nobody has shown yet that the address is theirs. */
static enum err create_account(struct weave_changing *c, int64_t *ret_id)
{
	enum err e = account_create(c->t, c->r->hash, &c->r->kdf, ret_id, c->note);

	return e == ERR_OK ? account_give_unverified(c->t, *ret_id, c->r->address, c->note) : e;
}

static enum err create(struct weave_changing *c)
{
	int64_t account_id = c->r->account_id, owner = 0;
	bool is_named = false;
	struct slice key = SLICE_EMPTY;
	enum err e = ERR_OK;

	if (account_id == 0) {
		e = email_key(c->t->arena, c->r->address, &key);
		e = e == ERR_OK ? email_owner(c->t->db, key, &owner, c->note) : e;
		if (e == ERR_OK) {
			c->outcome = WEAVE_TAKEN;
			return ERR_OK;
		}
		e = e == ERR_NOT_FOUND ? create_account(c, &account_id) : e;
	} else {
		e = has_name(c, account_id, &is_named);
	}
	if (e == ERR_OK && is_named) {
		c->outcome = WEAVE_EXISTS;
		return ERR_OK;
	}
	return e == ERR_OK ? put_user(c, account_id) : e;
}

/* ---- passwords ---- */

static enum err set_password(struct weave_changing *c)
{
	int64_t reset_ms = 0;

	return account_set_password(
	    c->t, &c->account, c->r->hash, &c->r->kdf, true, &reset_ms, c->note);
}

static enum err use_code(struct weave_changing *c)
{
	struct staged s;
	enum err e =
	    staged_by_token(c->t->db, c->t->arena, c->r->code_hash, c->t->now_ms, &s, c->note);

	/* A code of something else is not used up. */
	if (e == ERR_NOT_FOUND ||
	    (e == ERR_OK && (s.kind != STAGED_RESET || s.account_id != c->account.id))) {
		c->outcome = WEAVE_NO_CODE;
		return ERR_OK;
	}
	e = e == ERR_OK ? staged_take(c->t, c->r->code_hash, &s, c->note) : e;
	return e == ERR_OK ? set_password(c) : e;
}

/* ---- the function ---- */

static enum err (*const kinds[WEAVE_CHANGE_KINDS])(struct weave_changing *c) = {
	[WEAVE_CREATE] = create,
	[WEAVE_SET_PASSWORD] = set_password,
	[WEAVE_USE_CODE] = use_code,
	[WEAVE_SET_EMAIL] = weave_set_email,
	[WEAVE_DELETE] = weave_delete_user,
	[WEAVE_STAGE_RESET] = weave_stage_reset,
	[WEAVE_CANCEL_RESET] = weave_cancel_reset,
};

static enum err find(struct weave_changing *c)
{
	char name[WEAVE_NAME_MAX + 1];
	enum err e = slice_to_cstr(c->r->name, name, sizeof(name));

	e = e == ERR_OK ? weave_user_find(c->t->db, c->t->arena, name, &c->user, c->note) : e;
	return e == ERR_OK
		   ? account_by_id(c->t->db, c->t->arena, c->user.account_id, &c->account, c->note)
		   : e;
}

static enum err run(struct weave_changing *c)
{
	enum err e = find(c);
	bool is_there = e == ERR_OK;

	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	if (is_there == (c->r->kind == WEAVE_CREATE)) {
		c->outcome = is_there ? WEAVE_EXISTS : WEAVE_UNKNOWN;
		return ERR_OK;
	}
	return kinds[c->r->kind](c);
}

static enum err handle_change(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct weave_change r;
	struct weave_changing c = { .t = role_state, .r = &r, .note = note };

	(void)info;
	CHECK(weave_change_read(req, &r));
	enum err e = run(&c);
	if (e == ERR_OK) {
		wire_put_u8(reply, (uint8_t)c.outcome);
	}
	return e;
}

/* Not to be sent again: a code is used once, and a second mail is one too many. */
const struct rpc_def sync_weave_change = {
	.name = "sync.weave_change",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = WEAVE_CHANGE_MAX,
	.max_rep = 16,
	.deadline_ms = 10000,
	.cost_us = 200,
	.flags = RPC_TXN,
	.handle = handle_change,
};
