/*
 * Accounts and their addresses in the database. Functions with a struct sql_db read (in web, on the
 * read-only connection); functions with a struct txn write (in the store, inside its transaction).
 * An account has at least one address: one that loses its last is deleted with it.
 */
#ifndef PLIMSOLL_ACCOUNTS_ACCOUNT_H
#define PLIMSOLL_ACCOUNTS_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/kdf.h"
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/store/sql.h"
#include "core/store/store.h"

enum {
	ACCOUNT_EMAILS_MAX = 100,
	EMAIL_MAX_BYTES = 254
};

/* Text is in the caller's arena. */
struct account {
	int64_t id;
	bool has_password;
	struct slice password_hash;
	struct kdf kdf;
	int64_t created_ms, password_reset_ms;
	int64_t failed_logins, failed_last_ms; /* from everywhere, since the last good one */
	bool is_locked;			       /* by the operator */
	/* Of the address that was looked up; empty when it was found by id. */
	struct slice address; /* as its owner wrote it */
	bool is_primary;      /* last used as */
	bool is_verified;
};

/*
 * The form of an address under which it is compared: ASCII letters in lower case. ERR_LIMIT: longer
 * than EMAIL_MAX_BYTES.
 */
NODISCARD enum err email_key(struct arena *arena, struct slice address, struct slice *ret);

/* ERR_NOT_FOUND: no account has the address. key is of email_key(). */
NODISCARD enum err account_by_address(struct sql_db *db, struct arena *arena, struct slice key,
    struct account *ret, struct err_note *note);
NODISCARD enum err account_by_id(
    struct sql_db *db, struct arena *arena, int64_t id, struct account *ret, struct err_note *note);

/* The account with the next number. ERR_NOT_FOUND: none is left. */
NODISCARD enum err account_after(
    struct sql_db *db, struct arena *arena, int64_t id, struct account *ret, struct err_note *note);

struct email_row {
	struct slice address;
	bool is_primary, is_verified;
};

/* Calls fn for each address of an account; the row lives until fn returns. */
NODISCARD enum err account_each_email_row(struct sql_db *db, int64_t id,
    void (*fn)(void *arg, const struct email_row *row), void *arg, struct err_note *note);

/* What a session is checked against at each request. ERR_NOT_FOUND: the account is gone. */
NODISCARD enum err account_reset_time(struct sql_db *db, int64_t id, int64_t *ret_reset_ms,
    bool *ret_has_password, struct err_note *note);

/* Calls fn for each address as written, in order of their keys, at most ACCOUNT_EMAILS_MAX. */
NODISCARD enum err account_each_email(struct sql_db *db, int64_t id,
    void (*fn)(void *arg, struct slice address), void *arg, struct err_note *note);

/* The owner of an address. ERR_NOT_FOUND. */
NODISCARD enum err email_owner(
    struct sql_db *db, struct slice key, int64_t *ret_id, struct err_note *note);

/* Has an account as many addresses as it may have? */
NODISCARD enum err account_is_full(struct sql_db *db, int64_t id, bool *ret, struct err_note *note);

/* A new account without addresses; give it one in the same transaction. Empty hash: no password. */
NODISCARD enum err account_create(struct txn *t, struct slice password_hash, const struct kdf *kdf,
    int64_t *ret_id, struct err_note *note);

/*
 * Gives an address to an account, verified, last used as secondary or primary. Another account that
 * had it loses it, and is deleted if it was its last.
 */
NODISCARD enum err account_give_email(
    struct txn *t, int64_t id, struct slice address, bool is_primary, struct err_note *note);

/* Gives an address that nobody has, unverified. ERR_EXISTS: somebody has it. */
NODISCARD enum err account_give_unverified(
    struct txn *t, int64_t id, struct slice address, struct err_note *note);

/*
 * Takes an address away; the account goes with its last one (*ret_gone). ERR_NOT_FOUND: the account
 * does not have it.
 */
NODISCARD enum err account_remove_email(
    struct txn *t, int64_t id, struct slice key, bool *ret_gone, struct err_note *note);

/* Remembers as what an address was used last. */
NODISCARD enum err account_set_email_kind(
    struct txn *t, int64_t id, struct slice key, bool is_primary, struct err_note *note);

/* After a reset by one address the other secondary ones must be verified again. */
NODISCARD enum err account_unverify_others(
    struct txn *t, int64_t id, struct slice key, struct err_note *note);

/*
 * Sets a password and forgets counted failures. ends_sessions: those that are there are over;
 * *ret_reset_ms is what a session must know to be valid.
 */
NODISCARD enum err account_set_password(struct txn *t, const struct account *a, struct slice hash,
    const struct kdf *kdf, bool ends_sessions, int64_t *ret_reset_ms, struct err_note *note);

/* The operator's lock: nobody logs in, sessions end. Unlocking forgets counted failures, too. */
NODISCARD enum err account_lock(
    struct txn *t, const struct account *a, bool is_locked, struct err_note *note);

/* Does the account look after this server? ERR_NOT_FOUND: it is gone. */
NODISCARD enum err account_is_admin(
    struct sql_db *db, int64_t id, bool *ret, struct err_note *note);
NODISCARD enum err account_set_admin(
    struct txn *t, int64_t id, bool is_admin, struct err_note *note);

/* Deletes an account, its addresses and what is staged for it. */
NODISCARD enum err account_delete(struct txn *t, int64_t id, struct err_note *note);

#endif
