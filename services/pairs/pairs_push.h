/*
 * How pairs names its members to accounts/push.h.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_PUSH_H
#define PLIMSOLL_PAIRS_PAIRS_PUSH_H

#include <stdint.h>

#include "core/base/slice.h"

enum {
	PAIRS_OWNER_SIZE = 40
};

/* The owner of a member's subscriptions, written into text. */
struct slice pairs_push_owner(int64_t user, char text[PAIRS_OWNER_SIZE]);

#endif
