/*
 * What the two versions of the remote verifier share: how an answer looks.
 */
#ifndef PLIMSOLL_IDENTITY_VERIFY_H
#define PLIMSOLL_IDENTITY_VERIFY_H

#include "core/http/http.h"
#include "services/identity/bundle.h"

/* Is a Content-Type of that media type, whatever parameters stand behind it? */
bool verify_has_type(struct slice value, struct slice type);

/* {"status":"failure","reason":...} */
NODISCARD enum err verify_fail(struct op_call *c, int status, const char *reason);

/* {"status":"okay",...} for a result that is good. */
NODISCARD enum err verify_okay(
    struct op_call *c, struct slice audience, const struct bundle_result *r);

#endif
