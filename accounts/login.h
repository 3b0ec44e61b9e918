/*
 * What a login changes in the database: the counter of failures, and a hash made anew when the
 * configured cost has changed. Sent only when something must change (persona.md 10.1).
 */
#ifndef PLIMSOLL_ACCOUNTS_LOGIN_H
#define PLIMSOLL_ACCOUNTS_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/account.h"
#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/conf/conf.h"
#include "core/rpc/rpc.h"

/* ---- accounts.login_result: web -> store; reply empty ---- */

extern const struct rpc_def accounts_login_result;

struct login_result {
	int64_t account_id;
	struct slice client; /* of login_client() */
	bool good;	     /* clears the counters of failures, else adds to them */
	/* Both empty, or: replace the hash, and its kdf, if it still is old_hash. */
	struct slice old_hash, new_hash;
	struct kdf kdf;
};
void login_put_result(struct buf *out, const struct login_result *r);
NODISCARD bool login_take_result(struct slice message, struct login_result *ret);

/* ---- lockout ---- */

enum {
	LOGIN_CLIENT_SIZE = 48,
	LOGIN_FROM_EVERYWHERE = 10 /* times the failures allowed from one client */
};

/*
 * The client that failures are counted for: an IPv4 address, or the /64 network of an IPv6 one,
 * which is what one subscriber has.
 */
void login_client(struct slice address, char out[LOGIN_CLIENT_SIZE]);

/* Failures of one client at one account. */
struct login_failures {
	int64_t n, last_ms;
};

/* Zeros if there were none. */
NODISCARD enum err login_failures_of(struct sql_db *db, int64_t account_id, const char *client,
    struct login_failures *ret, struct err_note *note);

/*
 * Is the account closed to a client at now_ms? After [accounts] max_failed_logins failures in a row
 * of this client, or ten times as many from everywhere, one try per [accounts] lockout is let
 * through. A browser that was logged in to the account before (is_known) does not suffer from the
 * others: so guessing is hopeless from one place and from many, and nobody can lock the owner out.
 */
bool login_is_locked(const struct account *a, const struct login_failures *here, bool is_known,
    const struct conf *conf, int64_t now_ms);

#endif
