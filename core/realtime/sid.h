/*
 * Ids of Engine.IO sessions. An id says which process owns the session, so that any process can
 * tell where a request for it belongs: node, worker, slot and generation of the slot, and 96 random
 * bits that make it unguessable, in base64url.
 */
#ifndef PLIMSOLL_REALTIME_SID_H
#define PLIMSOLL_REALTIME_SID_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"

enum {
	SID_RANDOM_BYTES = 12,
	SID_CHARS = 27, /* of the text */
};

struct sid {
	uint16_t node;
	uint8_t worker; /* instance of the web process */
	uint8_t generation;
	uint32_t slot;
	uint8_t random[SID_RANDOM_BYTES];
};

/* The text, with NUL. */
void sid_text(const struct sid *id, char out[SID_CHARS + 1]);

/* False: not an id of this form. */
bool sid_parse(struct slice text, struct sid *ret);

/* Compares in a time that does not depend on where they differ. */
bool sid_eq(const struct sid *a, const struct sid *b);

#endif
