/*
 * A copy of the data for staging. Numbers of accounts, the day of a sign-up and who has a password
 * stay, because tests need a population of the real shape; addresses become user-N@example.invalid,
 * N by order of accounts, so the same backup gives the same names each time. What waits for a mail
 * or holds one goes.
 */
#include "accounts/accounts_priv.h"
#include "accounts/password.h"
#include "core/base/clock.h"
#include "core/base/rng.h"

enum {
	DAY_MS = 24 * 3600 * 1000,
	RANDOM_BYTES = 32
};

struct hidden {
	char password_hash[PASSWORD_HASH_SIZE];
	int64_t now_ms;
};

/* Without a password given, the hash is one of bytes that nobody knows. */
static enum err make_hash(struct hidden *h, const char *password, struct err_note *note)
{
	char secret[RANDOM_BYTES];
	struct slice credential = slice_str(password);

	if (password == NULL) {
		rng_bytes(secret, sizeof(secret));
		for (size_t i = 0; i < sizeof(secret); i++) {
			secret[i] = (char)('!' + (unsigned char)secret[i] % 90);
		}
		credential = SLICE_OF(secret, sizeof(secret));
	}
	enum err e = password_hash(credential, BCRYPT_COST_MIN, h->password_hash);
	return e == ERR_OK ? e : err_note_set(note, e, "the password: %s", err_text(e));
}

static enum err run(
    struct sql_db *db, enum accounts_stmt stmt, const struct hidden *h, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	if (stmt == STMT_HIDE_ADDRESSES || stmt == STMT_HIDE_ACCOUNTS) {
		sql_bind_i64(q, "day_ms", DAY_MS);
	}
	if (stmt == STMT_HIDE_ACCOUNTS) {
		sql_bind_text(q, "password_hash", slice_str(h->password_hash));
		sql_bind_i64(q, "now_ms", h->now_ms);
	}
	return sql_finish(q);
}

enum err accounts_anonymise(struct sql_db *db, const char *password, struct err_note *note)
{
	static const enum accounts_stmt steps[] = { STMT_HIDE_NUMBERS, STMT_HIDE_ADDRESSES,
		STMT_HIDE_ACCOUNTS, STMT_HIDE_FAILURES, STMT_HIDE_STAGED, STMT_HIDE_MAIL_ADDRESSES,
		STMT_HIDE_OUTBOX, STMT_HIDE_POSTS, STMT_HIDE_PUSH, STMT_HIDE_IDP,
		STMT_HIDE_FIREFOX_ACCOUNTS, STMT_HIDE_FIREFOX_CLIENTS, STMT_HIDE_FIREFOX_CODES,
		STMT_HIDE_FIREFOX_REVOKED, STMT_HIDE_FIREFOX_COMMANDS, STMT_HIDE_TOKEN_USERS };
	struct hidden h = { .now_ms = clock_wall_ms() };
	enum err e = make_hash(&h, password, note);

	if (e == ERR_OK) {
		e = sql_run(db, "BEGIN", note);
	}
	for (size_t i = 0; e == ERR_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
		e = run(db, steps[i], &h, note);
	}
	/* The copy is thrown away when this fails: nothing to take back. */
	return e == ERR_OK ? sql_run(db, "COMMIT", note) : e;
}
