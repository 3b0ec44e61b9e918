/*
 * Role: web. Hawk on a request that came in: under which host and port its sender may have seen us,
 * how far clocks may be apart, whether it came before.
 */
#ifndef PLIMSOLL_SYNC_HAWK_CALL_H
#define PLIMSOLL_SYNC_HAWK_CALL_H

#include "core/http/http.h"
#include "services/sync/hawk_mac.h"

struct sync_state;

/*
 * Why a request was refused, for the log and for who asks with WWW-Authenticate: what an operator
 * has to mend. Nothing of it helps to guess a secret.
 */
enum hawk_cause {
	HAWK_CAUSE_NONE,
	HAWK_CAUSE_HEADER,   /* no Authorization, or of no form */
	HAWK_CAUSE_SECRET,   /* the token is signed with another secret */
	HAWK_CAUSE_EXPIRED,  /* the token's time is over */
	HAWK_CAUSE_CLOCK,    /* the clocks are too far apart */
	HAWK_CAUSE_PROXY,    /* signed for another scheme or port of the same host */
	HAWK_CAUSE_NODE_URL, /* signed for another address, or the token is another server's */
	HAWK_CAUSE_BODY,     /* another body was signed */
	HAWK_CAUSE_REPLAY,   /* it came before */
	HAWK_CAUSE_USER	     /* the token is of another user */
};

/* "secret", "node_url" and so on. */
const char *hawk_cause_name(enum hawk_cause cause);

/* ERR_UNAUTHENTICATED with the reason in c->note: there is no Hawk header, or none that is one. */
NODISCARD enum err hawk_of_call(struct op_call *c, struct hawk *ret);

/*
 * Checks mac, payload hash and nonce of a header with the key of its id. Where several proxies lie
 * between, Host may not say what the client saw; the public URL does, so that is tried as well.
 * ERR_UNAUTHENTICATED with the reason in c->note and *ret_cause; ret_cause NULL: nobody wants to
 * know which of the usual mistakes it was, which takes more signatures to find out.
 */
NODISCARD enum err hawk_check_call(struct op_call *c, struct sync_state *state, struct slice key,
    const struct hawk *h, enum hawk_cause *ret_cause);

/* How far the sender's clock is off, in seconds; positive: it is ahead. */
int64_t hawk_skew_s(const struct hawk *h);

#endif
