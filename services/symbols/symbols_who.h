/*
 * Role: web. Who asks, for pages and API: the owner of an Auth-Token, who may what the token says;
 * or somebody who has signed in by e-mail, who may what live tokens of that address say together,
 * and everything as an administrator of this server (`plimsoll user admin`).
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_WHO_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_WHO_H

#include "core/http/http.h"
#include "services/symbols/symbols_token.h"

#define SYMBOLS_COOKIE "plimsoll_symbols"

enum {
	SYMBOLS_CSRF_CHARS = 32,
	/* Every permission, the pair of uploads that no token may have included. */
	SYMBOLS_ALL = (1 << SYMBOLS_PERMISSIONS) - 1
};

struct symbols_who {
	struct slice email;
	uint32_t permissions; /* enum symbols_permission */
	bool is_admin;	      /* of this server, by session only: also tokens of others */
	bool by_session;
	char csrf[SYMBOLS_CSRF_CHARS + 1]; /* by session: what changes must bring along */
};

/* ERR_OK with *ret_refusal NULL: known; else the text of a 403. */
NODISCARD enum err symbols_who(
    struct op_call *c, struct symbols_who *ret, const char **ret_refusal);

enum symbols_wish {
	SYMBOLS_LOOK,
	SYMBOLS_CHANGE /* a session must bring the CSRF token in the header X-CSRF-Token */
};

/*
 * The same for a handler: any_of is one of the permissions that are needed, 0: whoever is known.
 * *ret_good false: 403 has been answered, or an error.
 */
NODISCARD enum err symbols_who_may(struct op_call *c, uint32_t any_of, enum symbols_wish wish,
    struct symbols_who *ret, bool *ret_good);

/* Does the request's Origin, if it tells one, say that a page of ours has sent it? */
bool symbols_is_own_page(struct op_call *c);

#endif
