/*
 * Comparing the audience that a site says it is with the one an assertion was made for
 * (persona.md 4.5): only the parts that the site gave are compared.
 */
#ifndef PLIMSOLL_IDENTITY_AUDIENCE_H
#define PLIMSOLL_IDENTITY_AUDIENCE_H

#include <stdbool.h>

#include "core/base/slice.h"

/*
 * want: of the site, a full origin (http, https, app), host:port or a bare host. got: of the
 * assertion, a full origin. NULL: they agree; else "scheme mismatch", "port mismatch", "domain
 * mismatch", "domain missing" or "malformed domain".
 */
const char *audience_mismatch(struct slice want, struct slice got);

/* Does an audience go on behind host and port, with more than a slash? */
bool audience_has_path(struct slice audience);

#endif
