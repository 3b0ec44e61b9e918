/*
 * Role: web. Who sends a request to the storage: its Hawk header and the token in it (sync.md 3.3,
 * 3.6). There is no other way in.
 */
#ifndef PLIMSOLL_SYNC_AUTH_H
#define PLIMSOLL_SYNC_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/http/http.h"
#include "services/sync/hawk_call.h"

enum {
	SYNC_FXA_ID_SIZE = 72 /* longest id that a token carries, and a NUL */
};

struct sync_user {
	int64_t uid;			/* of the token; the caller compares it with the path */
	char fxa_uid[SYNC_FXA_ID_SIZE]; /* empty where the token has none */
	char fxa_kid[SYNC_FXA_ID_SIZE];
	int64_t expires_ms; /* calendar time of the token's end */
	/* It ended not longer than two hours ago: good for GET info/collections only. */
	bool is_expired;
	bool is_read_only; /* may change nothing */
};

/*
 * Checks everything about the request's Authorization but the uid in the path. Does not wait.
 * ERR_UNAUTHENTICATED with the reason for the log in c->note and *ret_cause; any other error is a
 * fault of ours.
 */
NODISCARD enum err sync_authenticate(
    struct op_call *c, struct sync_user *ret, enum hawk_cause *ret_cause);

#endif
