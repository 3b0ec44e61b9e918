/*
 * A ticket for a sign-up that was refused for load: from when to when its holder goes first, signed
 * by web's symmetric key and good for one address only, so nothing has to be remembered.
 */
#ifndef PLIMSOLL_PAIRS_SIGNUP_TICKET_H
#define PLIMSOLL_PAIRS_SIGNUP_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/keys.h"
#include "core/base/buf.h"
#include "core/base/slice.h"

enum {
	SIGNUP_TICKET_MAX = 80, /* characters */
	/* How long a slot is: browsers run what a hidden page wants once a minute only. */
	SIGNUP_SLOT_MS = 90 * 1000
};

/* Appends the ticket of an address for a slot that begins at from_ms (calendar). */
void signup_ticket_put(
    const struct symmetric_keys *keys, struct slice address_key, int64_t from_ms, struct buf *out);

enum signup_ticket {
	SIGNUP_TICKET_BAD, /* not of ours, or of another address */
	SIGNUP_TICKET_EARLY,
	SIGNUP_TICKET_GOOD,
	SIGNUP_TICKET_LATE,
};
enum signup_ticket signup_ticket_check(
    const struct symmetric_keys *keys, struct slice text, struct slice address_key, int64_t now_ms);

#endif
