/*
 * Lockout, and the transaction function that records how a login went.
 */
#include "accounts/login.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "accounts/accounts_priv.h"
#include "core/base/check.h"
#include "core/base/wire.h"

enum {
	KEPT_MS = 24 * 3600 * 1000, /* the longest lockout */
	CLEAN_PER_FAILURE = 16
};

void login_client(struct slice address, char out[LOGIN_CLIENT_SIZE])
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (slice_to_cstr(address, text, sizeof(text)) == ERR_OK &&
	    inet_pton(AF_INET6, text, &a) == 1 && memcmp(a.s6_addr, mapped, sizeof(mapped)) != 0) {
		memset(a.s6_addr + 8, 0, 8);
		(void)inet_ntop(AF_INET6, &a, out, LOGIN_CLIENT_SIZE);
		return;
	}
	(void)snprintf(out, LOGIN_CLIENT_SIZE, "%.*s",
	    SLICE_ARG(slice_sub(address, 0, LOGIN_CLIENT_SIZE - 1)));
}

enum err login_failures_of(struct sql_db *db, int64_t account_id, const char *client,
    struct login_failures *ret, struct err_note *note)
{
	struct sql_query *q;
	struct login_failures f = { .n = 0 };
	enum err e = sql_begin(db, &accounts_stmts[STMT_LOGIN_FAILURES], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_text(q, "client", slice_str(client));
	e = sql_step(q);
	if (e == ERR_OK) {
		f.n = sql_col_i64(q, 0);
		f.last_ms = sql_col_i64(q, 1);
	}
	sql_end(q);
	if (e == ERR_OK || e == ERR_END) {
		*ret = f;
		return ERR_OK;
	}
	return e;
}

bool login_is_locked(const struct account *a, const struct login_failures *here, bool is_known,
    const struct conf *conf, int64_t now_ms)
{
	int64_t most = conf_int(conf, "accounts", "max_failed_logins");
	int64_t lockout = conf_ms(conf, "accounts", "lockout");
	bool is_everywhere = a->failed_logins >= most * LOGIN_FROM_EVERYWHERE &&
			     now_ms < a->failed_last_ms + lockout;

	return (here->n >= most && now_ms < here->last_ms + lockout) ||
	       (is_everywhere && !is_known);
}

void login_put_result(struct buf *out, const struct login_result *r)
{
	wire_put_i64(out, r->account_id);
	wire_put_bytes(out, r->client);
	wire_put_u8(out, r->good ? 1 : 0);
	wire_put_bytes(out, r->old_hash);
	wire_put_bytes(out, r->new_hash);
	wire_put_bytes(out, slice_str(kdf_name(r->kdf.kind)));
	wire_put_bytes(out, slice_str(r->kdf.salt));
}

bool login_take_result(struct slice message, struct login_result *ret)
{
	struct wire_reader r = wire_reader_new(message);
	struct login_result v = { .account_id = wire_take_i64(&r) };

	v.client = wire_take_bytes(&r);
	v.good = wire_take_u8(&r) != 0;
	v.old_hash = wire_take_bytes(&r);
	v.new_hash = wire_take_bytes(&r);
	struct slice kdf = wire_take_bytes(&r);
	struct slice salt = wire_take_bytes(&r);
	if (!wire_done(&r) || kdf_from_text(kdf, salt, &v.kdf) != ERR_OK) {
		return false;
	}
	*ret = v;
	return true;
}

static enum err count(struct txn *t, const struct login_result *r, struct err_note *note)
{
	struct sql_query *q;
	enum accounts_stmt stmt = r->good ? STMT_LOGIN_GOOD : STMT_LOGIN_FAILED;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r->account_id);
	if (!r->good) {
		sql_bind_i64(q, "now_ms", t->now_ms);
	}
	return sql_finish(q);
}

static enum err count_here(struct txn *t, const struct login_result *r, struct err_note *note)
{
	struct sql_query *q;
	enum accounts_stmt stmt = r->good ? STMT_LOGIN_GOOD_HERE : STMT_LOGIN_FAILED_HERE;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", r->account_id);
	sql_bind_text(q, "client", r->client);
	if (!r->good) {
		sql_bind_i64(q, "now_ms", t->now_ms);
	}
	return sql_finish(q);
}

/* Counters that nobody looks at any more, a few at a time. */
static enum err clean(struct txn *t, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_LOGIN_CLEAN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "before_ms", t->now_ms - KEPT_MS);
	sql_bind_i64(q, "most", CLEAN_PER_FAILURE);
	return sql_finish(q);
}

static enum err rehash(struct txn *t, const struct login_result *r, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_REHASH], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r->account_id);
	sql_bind_text(q, "old_hash", r->old_hash);
	sql_bind_text(q, "new_hash", r->new_hash);
	sql_bind_text(q, "kdf", slice_str(kdf_name(r->kdf.kind)));
	sql_bind_text(q, "kdf_salt", slice_str(r->kdf.salt));
	return sql_finish(q);
}

static enum err handle_login_result(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct login_result r;
	struct account account;

	(void)info;
	(void)reply;
	CHECK(login_take_result(req, &r));
	/* The account may be gone since the password was looked at. */
	enum err e = account_by_id(t->db, t->arena, r.account_id, &account, note);
	if (e == ERR_OK) {
		e = count(t, &r, note);
	}
	if (e == ERR_OK) {
		e = count_here(t, &r, note);
	}
	if (e == ERR_OK && r.new_hash.len > 0) {
		e = rehash(t, &r, note);
	}
	if (e == ERR_OK && !r.good) {
		e = clean(t, note);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

const struct rpc_def accounts_login_result = {
	.name = "accounts.login_result",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 512,
	.max_rep = 0,
	.deadline_ms = 10000,
	.cost_us = 60,
	/* A failure counted twice after a crash does no harm; one not counted would. */
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_login_result,
};
