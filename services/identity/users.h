/*
 * What an operator does with accounts, `plimsoll user`: on the database itself, whose file only its
 * owner can open, beside a server that runs or for one that does not. Each function is one
 * transaction (struct txn of the caller, which commits).
 */
#ifndef PLIMSOLL_IDENTITY_USERS_H
#define PLIMSOLL_IDENTITY_USERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "accounts/account.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/conf/conf.h"
#include "core/store/store.h"

/*
 * Makes an account with a verified address and a password that is stored hashed (password.h).
 * ERR_EXISTS: somebody has the address; ERR_INVALID: it is none.
 */
NODISCARD enum err user_create(struct txn *t, struct slice address, struct slice password_hash,
    int64_t *ret_id, struct err_note *note);

/*
 * Stages an invitation: whoever opens the link (in the txn's arena) chooses a password and has an
 * account. It is mailed, too, where [mail] smtp is set. ERR_EXISTS, ERR_INVALID as above.
 */
NODISCARD enum err user_invite(struct txn *t, const struct conf *conf, struct slice address,
    const char **ret_link, struct err_note *note);

/*
 * A link (in the txn's arena) by which somebody makes the first account and is its administrator,
 * with an address of their choice; the one before it works no more. ERR_EXISTS: there is an
 * account.
 */
NODISCARD enum err user_first_link(
    struct txn *t, const struct conf *conf, const char **ret_link, struct err_note *note);

/* Makes the account an administrator, or no longer. ERR_NOT_FOUND. */
NODISCARD enum err user_admin(
    struct txn *t, struct slice address, bool is_admin, struct err_note *note);

/* Marks an address as verified. ERR_NOT_FOUND. */
NODISCARD enum err user_verify(struct txn *t, struct slice address, struct err_note *note);
NODISCARD enum err user_lock(
    struct txn *t, struct slice address, bool is_locked, struct err_note *note);
NODISCARD enum err user_delete(struct txn *t, struct slice address, struct err_note *note);

/* ---- users_file.c: accounts as lines of JSON ---- */

/*
 * Writes the account as one line:
 *	{"emails":[{"address":A,"kind":"secondary","verified":true}],"password_hash":H|null,
 *	 "kdf":"plain","salt":"","locked":false,"created_ms":N}
 */
NODISCARD enum err user_write(
    struct sql_db *db, const struct account *a, FILE *out, struct err_note *note);

/*
 * Makes an account from such a line; "emails" may also be strings, and all but emails and
 * password_hash may be left out. Hashes: $2a$, $2b$, $2y$, sha384:$2b$. ERR_INVALID with the reason
 * in note; ERR_EXISTS: somebody has one of the addresses.
 */
NODISCARD enum err user_read(struct txn *t, struct slice line, struct err_note *note);

#endif
