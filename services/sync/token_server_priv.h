/*
 * Role: web. What the files of the token server share.
 */
#ifndef PLIMSOLL_SYNC_TOKEN_SERVER_PRIV_H
#define PLIMSOLL_SYNC_TOKEN_SERVER_PRIV_H

#include "services/sync/token_server.h"

enum {
	TOKEN_STATE_BYTES = 16
};

/* What came with a request. */
struct token_asking {
	struct token_owner owner;
	int64_t keys_changed_ms;
	char state[2 * TOKEN_STATE_BYTES + 1]; /* client state in hex; empty: it has none */
	int64_t duration_s;
};

/* ---- token_refuse.c ---- */

/* An answer of sync.md 3.5; texts are constants. */
struct token_refusal {
	int status;
	const char *state, *location, *name, *text;
};

NODISCARD enum err token_refuse(struct op_call *c, const struct token_refusal *r);
/* 401 for what a header says or lacks. */
NODISCARD enum err token_refuse_header(
    struct op_call *c, const char *state, const char *name, const char *text);
NODISCARD enum err token_refuse_verdict(struct op_call *c, enum token_verdict verdict);
/* Adds when to come again. */
void token_add_retry(struct op_call *c);

/* ---- token_settle.c ---- */

/* The user's store, which is made where that is due. Most requests change nothing. */
NODISCARD enum err token_settle_user(struct op_call *c, const struct token_claims *claims,
    enum token_verdict *ret, struct token_user *ret_user);

/* ---- token_answer.c ---- */

/* Answers with a token for the store u at that server. */
NODISCARD enum err token_answer(struct op_call *c, const struct token_asking *a,
    const struct token_user *u, const char *node_url);

#endif
