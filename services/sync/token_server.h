/*
 * Role: web. The token server (sync.md 3): who proves to be a user of Firefox gets a token for his
 * store.
 */
#ifndef PLIMSOLL_SYNC_TOKEN_SERVER_H
#define PLIMSOLL_SYNC_TOKEN_SERVER_H

#include <stdbool.h>

#include "accounts/token_user.h"
#include "core/http/http.h"
#include "core/rpc/rpc.h"

/* Who asks, as the proof says that came with the request. */
struct token_owner {
	struct slice fxa_uid;
	int64_t generation;	 /* 0: it does not say */
	int64_t keys_changed_ms; /* only of an assertion: others have X-KeyID */
};

/* How a proof was judged. */
enum token_proof {
	TOKEN_PROVED,
	TOKEN_NOT_PROVED,   /* the reason is in c->note */
	TOKEN_NOBODY_TO_ASK /* whoever has to say cannot be reached */
};

/* token_proof.c: an access token of OAuth, of ours or of who is configured to be asked. */
NODISCARD enum err token_prove_oauth(
    struct op_call *c, struct slice token, struct token_owner *ret_owner, enum token_proof *ret);
/* The same of a backed assertion of BrowserID. */
NODISCARD enum err token_prove_assertion(
    struct op_call *c, struct slice bundle, struct token_owner *ret_owner, enum token_proof *ret);

/* Does a path belong to it? And its answer to a failure. */
bool token_server_owns_path(struct slice path);
void token_server_error(struct op_call *c, enum err e);

/* sync.token_user: web -> store: settles who has which store. */
extern const struct rpc_def sync_token_user;

/* sync.token_event: web -> store: what happened to a user elsewhere. */
extern const struct rpc_def sync_token_event;

op_fn token_server_get, token_events_post;

#endif
