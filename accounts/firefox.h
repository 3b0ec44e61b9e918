/*
 * What Firefox needs of an account beside its password (sync.md 6): the name it calls the account
 * by, kB wrapped with the password by the page, the browsers that are signed in, and what OAuth
 * needs between two requests. Reads take a struct sql_db, writes a struct txn, as in account.h.
 * Nothing here opens anybody's data: wrap_kb needs the password, which the server does not have.
 */
#ifndef PLIMSOLL_ACCOUNTS_FIREFOX_H
#define PLIMSOLL_ACCOUNTS_FIREFOX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/store/sql.h"
#include "core/store/store.h"

enum {
	FIREFOX_UID_HEX = 32,	   /* of an account's name, of a device's */
	FIREFOX_CLIENTS_MAX = 100, /* browsers of one account */
	FIREFOX_ID_HEX = 64,	   /* of a client, a code's hash, a token's hash */
	FIREFOX_RECOVERY_MAX = 512,
	FIREFOX_COMMANDS_MAX = 100 /* that wait for one device */
};

/* Texts are in the arena. */
struct firefox_account {
	int64_t account_id;
	struct slice uid;
	int64_t keys_ms; /* when kB was made; 0: there is none yet, and what follows is empty */
	struct slice key_print, wrap_kb;
	struct slice recovery; /* kB, wrapped with the recovery key; empty: none */
};

/* ERR_NOT_FOUND: it never signed in to Firefox. */
NODISCARD enum err firefox_account_find(struct sql_db *db, struct arena *arena, int64_t account_id,
    struct firefox_account *ret, struct err_note *note);
NODISCARD enum err firefox_account_by_uid(struct sql_db *db, struct arena *arena, struct slice uid,
    struct firefox_account *ret, struct err_note *note);

/* Gives an account that has none its name; found again either way. */
NODISCARD enum err firefox_account_need(struct txn *t, int64_t account_id, struct slice new_uid,
    struct firefox_account *ret, struct err_note *note);

NODISCARD enum err firefox_set_keys(
    struct txn *t, const struct firefox_account *a, struct err_note *note);

/* Everything of an account that is deleted; its store is given to nobody any more. */
NODISCARD enum err firefox_forget(struct txn *t, int64_t account_id, struct err_note *note);

/* ---- browsers that are signed in ---- */

struct firefox_client {
	struct slice id; /* Hawk id of a session, hash of a refresh token */
	int64_t account_id;
	bool is_session;     /* else a refresh token */
	struct slice secret; /* a session's Hawk key, sealed, in hex; else empty */
	struct slice client_id, scope;
	struct slice agent;
	int64_t reset_ms; /* it is over when the account's password_reset_ms is another */
	int64_t created_ms, last_ms;
	struct slice device_id, device_name, device_type; /* empty: it has not told */
	struct slice device_info; /* JSON: push subscription and commands; may be empty */
};

NODISCARD enum err firefox_client_find(struct sql_db *db, struct arena *arena, struct slice id,
    struct firefox_client *ret, struct err_note *note);

/* Up to FIREFOX_CLIENTS_MAX of an account into ret. */
NODISCARD enum err firefox_clients_of(struct sql_db *db, struct arena *arena, int64_t account_id,
    struct firefox_client *ret, unsigned *ret_n, struct err_note *note);

/* Adds one; those that a new password has ended go, and where there are too many the oldest. */
NODISCARD enum err firefox_client_add(
    struct txn *t, const struct firefox_client *c, struct err_note *note);
NODISCARD enum err firefox_client_seen(struct txn *t, struct slice id, struct err_note *note);
/* Sets device_*. */
NODISCARD enum err firefox_client_set_device(
    struct txn *t, const struct firefox_client *c, struct err_note *note);
/* ERR_NOT_FOUND: the account has none of that id. */
NODISCARD enum err firefox_client_end(
    struct txn *t, int64_t account_id, struct slice id, struct err_note *note);

/* ---- OAuth ---- */

struct firefox_code {
	struct slice hash; /* FIREFOX_ID_HEX digits */
	int64_t account_id;
	struct slice session_id, client_id, scope, challenge, keys_jwe;
	bool is_offline; /* a refresh token is wanted */
	int64_t created_ms, expires_ms;
};

NODISCARD enum err firefox_code_put(
    struct txn *t, const struct firefox_code *c, struct err_note *note);
/* ERR_NOT_FOUND: none. One that has expired is found. */
NODISCARD enum err firefox_code_find(struct sql_db *db, struct arena *arena, struct slice hash,
    struct firefox_code *ret, struct err_note *note);
/* Reads and deletes. ERR_NOT_FOUND: none, or used before. */
NODISCARD enum err firefox_code_take(
    struct txn *t, struct slice hash, struct firefox_code *ret, struct err_note *note);

/* Access tokens that were destroyed before their time. */
NODISCARD enum err firefox_revoke(
    struct txn *t, struct slice token_hash, int64_t expires_ms, struct err_note *note);
NODISCARD enum err firefox_is_revoked(
    struct sql_db *db, struct slice token_hash, bool *ret, struct err_note *note);

/* ---- what devices ask each other ---- */

struct firefox_command {
	int64_t number; /* rising */
	struct slice device_id, sender, command, payload;
	int64_t expires_ms;
};

NODISCARD enum err firefox_command_put(
    struct txn *t, int64_t account_id, const struct firefox_command *c, struct err_note *note);
/* Those for a device after a number, at most most of them. */
NODISCARD enum err firefox_commands_after(struct sql_db *db, struct arena *arena,
    int64_t account_id, struct slice device_id, int64_t after, unsigned most,
    struct firefox_command *ret, unsigned *ret_n, struct err_note *note);

#endif
