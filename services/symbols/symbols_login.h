/*
 * People who are signed in at the pages of the service: a cookie holds a token, the database its
 * hash and whose it is. There are few of them and they sign in seldom, so a row each is cheap, and
 * signing out ends the session wherever the cookie has got to.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_LOGIN_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_LOGIN_H

#include "core/base/arena.h"
#include "core/store/sql.h"

enum {
	SYMBOLS_LOGIN_CHARS = 40,   /* of the token: letters and digits */
	SYMBOLS_LOGINS_MAX = 20,    /* of one person; a further one ends the oldest */
	SYMBOLS_LOGIN_S = 7 * 86400 /* how long one lasts */
};

/* Whose token it is. ERR_NOT_FOUND: nobody's, or it is over. */
NODISCARD enum err symbols_login_find(struct sql_db *db, struct arena *arena, struct slice token,
    int64_t now_ms, struct slice *ret_email, struct err_note *note);

/* ---- in a transaction; hash is of accounts' token_hash() ---- */

/* Also removes sessions that are over, of whomever. */
NODISCARD enum err symbols_login_add(struct sql_db *db, struct slice hash, struct slice email,
    int64_t now_ms, struct err_note *note);
NODISCARD enum err symbols_login_remove(
    struct sql_db *db, struct slice hash, struct err_note *note);

#endif
