/*
 * One blocking GET to a server, over TLS where its URL says so: for commands that look at a server
 * from outside, as a browser does.
 */
#ifndef PLIMSOLL_CMD_HTTP_PROBE_H
#define PLIMSOLL_CMD_HTTP_PROBE_H

#include "accounts/public_url.h"
#include "core/base/buf.h"

enum {
	PROBE_ANSWER_MAX = 256 * 1024,
	PROBE_TARGET_MAX = 8192
};

struct probe_answer {
	int status;
	struct slice head; /* in the caller's buffer */
};

/*
 * GETs target; authorization may be NULL. ERR_NOT_FOUND: nobody is there; ERR_DENIED: a certificate
 * that is not trusted here; ERR_SYNTAX: what came is no HTTP; the reason is in note.
 */
NODISCARD enum err http_probe(const struct public_url *url, const char *target,
    const char *authorization, struct buf *out, struct probe_answer *ret, struct err_note *note);

/* A header of the answer, or ptr NULL. */
struct slice probe_header(const struct probe_answer *a, const char *name);

#endif
