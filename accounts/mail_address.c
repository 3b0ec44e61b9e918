/*
 * See mail_address.h.
 */
#include "accounts/mail_address.h"

#include "accounts/account.h"
#include "accounts/accounts_priv.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/wire.h"

enum {
	CLEAN_PER_NOTE = 4
};

#define KEPT_MS (60LL * 24 * 3600 * 1000)

enum err mail_address_find(struct sql_db *db, struct arena *arena, struct slice key,
    struct mail_address *ret, struct err_note *note)
{
	struct mail_address m = { .mailed_ms = 0 };
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_MAIL_ADDRESS_FIND], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	e = sql_step(q);
	if (e == ERR_OK) {
		m = (struct mail_address){ .mailed_ms = sql_col_i64(q, 0),
			.soft = sql_col_i64(q, 1),
			.hard_ms = sql_col_i64(q, 2) };
		e = arena_copy(arena, sql_col_text(q, 3), &m.status);
		if (e == ERR_OK) {
			e = arena_copy(arena, sql_col_text(q, 4), &m.told);
		}
	} else if (e == ERR_END) {
		e = ERR_NOT_FOUND;
	}
	sql_end(q);
	if (e == ERR_OK) {
		*ret = m;
	}
	return e;
}

enum err mail_address_is_held(
    struct txn *t, struct slice address, int64_t hold_ms, bool *ret, struct err_note *note)
{
	struct mail_address m = { .hard_ms = 0 };
	struct slice key;
	enum err e = email_key(t->arena, address, &key);

	if (e == ERR_OK) {
		e = mail_address_find(t->db, t->arena, key, &m, note);
	}
	*ret = e == ERR_OK && m.hard_ms > 0 && t->now_ms < m.hard_ms + hold_ms;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Letters that survive a mail server's change of case. */
static void make_verp(char out[VERP_LEN + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (size_t i = 0; i < VERP_LEN; i++) {
		out[i] = letters[rng_below(sizeof(letters) - 1)];
	}
	out[VERP_LEN] = '\0';
}

static enum err clean(struct txn *t, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_MAIL_ADDRESS_CLEAN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "before_ms", t->now_ms - KEPT_MS);
	sql_bind_i64(q, "most", CLEAN_PER_NOTE);
	return sql_finish(q);
}

enum err mail_address_note(
    struct txn *t, struct slice recipient, char ret_verp[VERP_LEN + 1], struct err_note *note)
{
	char verp[VERP_LEN + 1];
	struct sql_query *q = NULL;
	struct slice key;
	enum err e = email_key(t->arena, recipient, &key);

	if (e == ERR_OK) {
		e = clean(t, note);
	}
	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_MAIL_ADDRESS_PUT], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	make_verp(verp);
	sql_bind_text(q, "address_key", key);
	sql_bind_text(q, "verp", slice_str(verp));
	sql_bind_i64(q, "now_ms", t->now_ms);
	e = sql_step(q);
	if (e == ERR_OK) {
		e = slice_to_cstr(sql_col_text(q, 0), ret_verp, VERP_LEN + 1);
	}
	if (e == ERR_OK) {
		e = sql_step(q);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err mail_address_forget(struct txn *t, struct slice key, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_MAIL_ADDRESS_FORGET], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	return sql_finish(q);
}

/* ---- what comes back ---- */

/* Whose mail it was. ERR_NOT_FOUND. */
static enum err key_of(
    struct txn *t, const struct bounce *b, struct slice *ret, struct err_note *note)
{
	struct sql_query *q;

	if (b->verp[0] == '\0') {
		return email_key(t->arena, slice_str(b->address), ret);
	}
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_MAIL_ADDRESS_BY_VERP], &q, note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "verp", slice_str(b->verp));
	e = sql_step(q);
	if (e == ERR_OK) {
		e = arena_copy(t->arena, sql_col_text(q, 0), ret);
	} else if (e == ERR_END) {
		e = ERR_NOT_FOUND;
	}
	sql_end(q);
	return e;
}

static enum err mark(struct txn *t, const struct bounce *b, struct slice key, struct err_note *note)
{
	enum accounts_stmt stmt = b->is_permanent ? STMT_MAIL_ADDRESS_HARD : STMT_MAIL_ADDRESS_SOFT;
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	sql_bind_text(q, "status", slice_str(b->status));
	sql_bind_text(q, "told", slice_str(b->told));
	if (b->is_permanent) {
		sql_bind_i64(q, "now_ms", t->now_ms);
	}
	return sql_finish(q);
}

enum err mail_address_bounced(
    struct txn *t, const struct bounce *b, enum bounce_effect *ret, struct err_note *note)
{
	struct slice key = SLICE_EMPTY;
	enum err e = key_of(t, b, &key, note);

	if (e == ERR_OK) {
		e = mark(t, b, key, note);
	}
	if (e == ERR_NOT_FOUND || e == ERR_LIMIT || (e == ERR_OK && sql_changes(t->db) == 0)) {
		*ret = BOUNCE_UNKNOWN;
		return ERR_OK;
	}
	*ret = b->is_permanent ? BOUNCE_MARKED : BOUNCE_COUNTED;
	return e;
}

/* ---- the message ---- */

void mail_bounced_put(struct buf *out, const struct bounce *b)
{
	wire_put_bytes(out, slice_str(b->verp));
	wire_put_bytes(out, slice_str(b->address));
	wire_put_bytes(out, slice_str(b->status));
	wire_put_bytes(out, slice_str(b->told));
}

bool mail_bounced_take(struct slice message, struct bounce *ret)
{
	struct wire_reader r = wire_reader_new(message);
	struct bounce b = { .is_permanent = false };
	struct slice verp = wire_take_bytes(&r), address = wire_take_bytes(&r);
	struct slice status = wire_take_bytes(&r), told = wire_take_bytes(&r);

	if (!wire_done(&r) || slice_to_cstr(verp, b.verp, sizeof(b.verp)) != ERR_OK ||
	    slice_to_cstr(address, b.address, sizeof(b.address)) != ERR_OK ||
	    slice_to_cstr(told, b.told, sizeof(b.told)) != ERR_OK) {
		return false;
	}
	bounce_set_status(&b, status);
	*ret = b;
	return true;
}

bool mail_bounced_take_reply(struct slice message, enum bounce_effect *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t n = wire_take_u8(&r);

	*ret = (enum bounce_effect)n;
	return wire_done(&r) && n < BOUNCE_EFFECTS;
}

static enum err handle_bounced(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct bounce b;
	enum bounce_effect effect = BOUNCE_UNKNOWN;

	(void)info;
	CHECK(mail_bounced_take(req, &b));
	enum err e = mail_address_bounced(role_state, &b, &effect, note);
	if (e == ERR_OK) {
		wire_put_u8(reply, (uint8_t)effect);
	}
	return e;
}

const struct rpc_def accounts_mail_bounced = {
	.name = "accounts.mail_bounced",
	.from = ROLE_BIT(ROLE_ADMIN),
	.to = ROLE_STORE,
	.max_req = 1024,
	.max_rep = 16,
	.deadline_ms = 10000,
	.cost_us = 100,
	.flags = RPC_TXN, /* what may pass is counted */
	.handle = handle_bounced,
};
