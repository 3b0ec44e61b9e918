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
	bool good; /* clears the counter of failures, else adds to it */
	/* Both empty, or: replace the hash if it still is old_hash. */
	struct slice old_hash, new_hash;
};
void login_put_result(struct buf *out, const struct login_result *r);
NODISCARD bool login_take_result(struct slice message, struct login_result *ret);

/*
 * Is an account locked at now_ms? After [accounts] max_failed_logins failures in a row one try per
 * [accounts] lockout is let through: guessing is hopeless, and nobody is locked out for good.
 */
bool login_is_locked(const struct account *a, const struct conf *conf, int64_t now_ms);

#endif
