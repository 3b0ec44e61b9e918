/*
 * Invariants of the accounts' tables. Each is a query that finds a row which breaks it; whole
 * tables are read, so this is for tests (after every fault) and for hand.
 */
#include "accounts/accounts_priv.h"

static const struct {
	enum accounts_stmt stmt;
	const char *broken; /* with the number found behind it */
} invariants[] = {
	{ STMT_AUDIT_NO_EMAIL, "an account without address: account" },
	{ STMT_AUDIT_NO_ACCOUNT, "an address without account: account" },
	{ STMT_AUDIT_EMAIL, "an address with a wrong key, kind or flag: account" },
	{ STMT_AUDIT_ACCOUNT, "an account with an unknown kdf, a bad salt or counter: account" },
	{ STMT_AUDIT_MANY, "an account with too many addresses: account" },
	{ STMT_AUDIT_NO_PASSWORD, "an account with neither password nor provider: account" },
	{ STMT_AUDIT_FAILURE, "counted failures of no account: account" },
	{ STMT_AUDIT_STAGED, "a staged row with a bad token, key, expiry or account: created at" },
	{ STMT_AUDIT_STAGED_KIND, "a staged row whose parts do not fit its kind: created at" },
	{ STMT_AUDIT_STAGED_CLAIM,
	    "a staged row for an address that is not its account's: created at" },
	{ STMT_AUDIT_IDP, "a provider with a bad domain or time: seen at" },
	{ STMT_AUDIT_POST, "a post of no event: made at" },
	{ STMT_AUDIT_PUSH, "a push subscription of nobody, or with a bad number: number" },
	{ STMT_AUDIT_OUTBOX, "a mail with an unknown state, a stale lease or text left: mail" },
	{ STMT_AUDIT_TOKEN_USER, "a user of the storage with a bad name or time: uid" },
	{ STMT_AUDIT_TOKEN_USERS, "a user of the storage with two stores at a time: uid" },
	{ STMT_AUDIT_FIREFOX, "what Firefox needs of an account is wrong: account" },
	{ STMT_AUDIT_FIREFOX_CLIENT, "a browser with a bad id, kind or account: account" },
	{ STMT_AUDIT_MAIL_ADDRESS, "what is known about mail to an address is wrong: mailed at" },
};

static enum err find_broken(
    struct sql_db *db, enum accounts_stmt stmt, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e;
}

enum err accounts_audit(struct sql_db *db, struct err_note *note)
{
	for (size_t i = 0; i < sizeof(invariants) / sizeof(invariants[0]); i++) {
		int64_t id = 0;
		enum err e = find_broken(db, invariants[i].stmt, &id, note);

		if (e == ERR_OK) {
			return err_note_set(
			    note, ERR_CORRUPT, "%s %lld", invariants[i].broken, (long long)id);
		}
		if (e != ERR_END) {
			return e;
		}
	}
	return ERR_OK;
}
