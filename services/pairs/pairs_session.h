/*
 * Role: web. What both doors of the service need, REST and live sessions: who holds a token, and
 * having the store make a change. In a task.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_SESSION_H
#define PLIMSOLL_PAIRS_PAIRS_SESSION_H

#include "core/base/arena.h"
#include "core/service.h"
#include "services/pairs/pairs_change.h"
#include "services/pairs/pairs_user.h"

enum {
	PAIRS_TOKEN_HASH_HEX = 64
};

struct pairs_session {
	struct pairs_user user;
	int64_t partner; /* 0: none */
	int64_t head;	 /* of the couple's stream */
	char token_hash[PAIRS_TOKEN_HASH_HEX + 1];
};

/*
 * The session whose token has that hash; in the store's process, too. ERR_UNAUTHENTICATED: none
 * has, or it is over. Text is in the arena.
 */
NODISCARD enum err pairs_session_by_hash(struct sql_db *db, struct arena *arena, struct slice hash,
    int64_t now_ms, struct pairs_session *ret, struct err_note *note);

/* The same by the token itself, in web. */
NODISCARD enum err pairs_session_find(struct svc_env *env, struct arena *arena, struct slice token,
    int64_t now_ms, struct pairs_session *ret, struct err_note *note);

/*
 * Has the store make a change; sent once more if its outcome is unknown and it has a client_id.
 * What was done to a couple is told to its live sessions. Texts of ret are in the arena.
 */
NODISCARD enum err pairs_make_change(struct svc_env *env, struct arena *arena, int64_t deadline_us,
    uint64_t trace, struct pairs_change_req *r, struct pairs_changed *ret, struct err_note *note);

#endif
