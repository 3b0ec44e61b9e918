/*
 * Role: web. Hawk on a request that came in: under which host and port its sender may have seen us,
 * how far clocks may be apart, whether it came before.
 */
#ifndef PLIMSOLL_SYNC_HAWK_CALL_H
#define PLIMSOLL_SYNC_HAWK_CALL_H

#include "core/http/http.h"
#include "services/sync/hawk_mac.h"

struct sync_state;

/* ERR_UNAUTHENTICATED with the reason in c->note: there is no Hawk header, or none that is one. */
NODISCARD enum err hawk_of_call(struct op_call *c, struct hawk *ret);

/*
 * Checks mac, payload hash and nonce of a header with the key of its id. Where several proxies lie
 * between, Host may not say what the client saw; the public URL does, so that is tried as well.
 * ERR_UNAUTHENTICATED with the reason in c->note.
 */
NODISCARD enum err hawk_check_call(
    struct op_call *c, struct sync_state *state, struct slice key, const struct hawk *h);

/* How far the sender's clock is off, in seconds; positive: it is ahead. */
int64_t hawk_skew_s(const struct hawk *h);

#endif
