/*
 * Claims of a certificate or an assertion that are not the protocol's own (persona.md 4.6): what a
 * provider or a page says about the user besides his address.
 */
#ifndef PLIMSOLL_IDENTITY_BUNDLE_CLAIMS_H
#define PLIMSOLL_IDENTITY_BUNDLE_CLAIMS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/slice.h"

/*
 * The object of all members of a payload but the protocol's, and of its principal those that are
 * not there; as JSON text in the arena, empty where there are none. ERR_LIMIT, ERR_MEMORY.
 */
NODISCARD enum err bundle_claims(
    struct arena *arena, const struct json *payload, struct slice *ret);

#endif
