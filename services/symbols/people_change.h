/*
 * What the pages change in the database: who is signed in, and tokens. A message from web to the
 * store, each a transaction.
 */
#ifndef PLIMSOLL_SYMBOLS_PEOPLE_CHANGE_H
#define PLIMSOLL_SYMBOLS_PEOPLE_CHANGE_H

#include "core/http/http.h"
#include "core/rpc/rpc.h"
#include "services/symbols/symbols_token.h"

enum people_change_kind {
	PEOPLE_SIGN_IN,
	PEOPLE_SIGN_OUT,
	PEOPLE_ADD_TOKEN,
	PEOPLE_EXTEND_TOKEN,
	PEOPLE_REVOKE_TOKEN,
	PEOPLE_CHANGES
};

struct people_change {
	enum people_change_kind kind;
	struct slice hash;    /* signing in and out: of the session's token */
	struct slice email;   /* signing in, a new token */
	struct slice notes;   /* a new token */
	uint32_t permissions; /* likewise */
	int64_t id;	      /* of the token to be extended or revoked */
	int64_t days;	      /* a token is for, or longer by */
};

struct people_changed {
	int64_t id;			  /* of a new token */
	char key[SYMBOLS_KEY_DIGITS + 1]; /* likewise; told here and never again */
};

/* symbols.people_change: web -> store */
extern const struct rpc_def symbols_people_change;

/* From a request's task. ERR_NOT_FOUND: there is no such token. */
NODISCARD enum err people_change(
    struct op_call *c, const struct people_change *change, struct people_changed *ret);

#endif
