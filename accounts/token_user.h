/*
 * Users of the storage, as the token server knows them (sync.md 3.4): which number, and so which
 * store, belongs to an account of Firefox with its present keys. New keys get a new store; a token
 * that knows older keys or an older password than we have seen is refused.
 */
#ifndef PLIMSOLL_ACCOUNTS_TOKEN_USER_H
#define PLIMSOLL_ACCOUNTS_TOKEN_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/store/sql.h"
#include "core/store/store.h"

enum {
	TOKEN_USER_ROWS = 100, /* stores of one user that are looked at, newest first */
	TOKEN_FXA_UID_MAX = 64,
	TOKEN_STATE_MAX = 32,
	TOKEN_NODE_MAX = 300
};

/* Generation of who has no account any more: no token has a later one. */
#define TOKEN_USER_RETIRED INT64_MAX

/* One store. Texts are in the arena it was read into. */
struct token_user {
	int64_t uid;
	struct slice node;		     /* URL of the server that has it; empty: this one */
	int64_t generation, keys_changed_ms; /* 0: not known */
	struct slice client_state;
	int64_t replaced_ms; /* 0: not replaced */
};

struct token_user_rows {
	struct token_user rows[TOKEN_USER_ROWS];
	unsigned n;
};

/* What a request claims about its user; 0 and empty: nothing. */
struct token_claims {
	struct slice fxa_uid;
	int64_t generation, keys_changed_ms;
	struct slice client_state; /* lower-case hex */
};

enum token_verdict {
	TOKEN_USE,   /* the current row, as it is */
	TOKEN_RAISE, /* the current row, which learns later values */
	TOKEN_NEW,   /* there is none yet */
	TOKEN_ANEW,  /* other keys: a new store on the same node */
	TOKEN_AGAIN, /* the current row was replaced by hand: a new store like it */
	/* refused */
	TOKEN_NO_NEW_USERS,
	TOKEN_BAD_CLIENT_STATE,
	TOKEN_BAD_GENERATION,
	TOKEN_BAD_KEYS_CHANGED,
	TOKEN_NO_NODE,
	TOKEN_VERDICTS
};

static inline bool token_verdict_is_refusal(enum token_verdict v)
{
	return v >= TOKEN_NO_NEW_USERS;
}

/* All stores of a user, the current one first. */
NODISCARD enum err token_user_find(struct sql_db *db, struct arena *arena, struct slice fxa_uid,
    struct token_user_rows *ret, struct err_note *note);

/* By the rules of sync.md 3.4; changes nothing. */
enum token_verdict token_user_judge(
    const struct token_user_rows *rows, const struct token_claims *claims);

/*
 * Judges again inside a transaction, and does what follows. nodes: URLs with their capacities
 * ("https://a=1000,https://b=500") that new users are spread over; empty: this server has them all.
 * ERR_OK with a verdict; *ret_user is set unless it is a refusal.
 */
NODISCARD enum err token_user_settle(struct txn *t, const struct token_claims *claims,
    struct slice nodes, bool may_create, enum token_verdict *ret, struct token_user *ret_user,
    struct err_note *note);

/* What this user's tokens say of an older generation is refused from now on. */
NODISCARD enum err token_user_outdate(
    struct txn *t, struct slice fxa_uid, int64_t generation, struct err_note *note);

/*
 * Takes over a row of another token server, with its uid. A row that is there learns later values,
 * so that a second time does nothing. ERR_EXISTS: the uid is another user's here.
 */
NODISCARD enum err token_user_adopt(struct txn *t, struct slice fxa_uid, const struct token_user *u,
    int64_t created_ms, struct err_note *note);

/* No new user gets a uid up to this one: its store is of somebody who is not known here yet. */
NODISCARD enum err token_user_reserve(struct txn *t, int64_t uid, struct err_note *note);

/* Whose uid that is; text in the arena. ERR_NOT_FOUND: nobody's. */
NODISCARD enum err token_user_of_uid(struct sql_db *db, struct arena *arena, int64_t uid,
    struct slice *ret_fxa_uid, struct err_note *note);

/* Nobody comes in as this user any more; his stores are to be removed (gone.h). */
NODISCARD enum err token_user_retire(struct txn *t, struct slice fxa_uid, struct err_note *note);

#endif
