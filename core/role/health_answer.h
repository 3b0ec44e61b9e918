/*
 * What the health listener says to a request: so small a part of HTTP that a thread of its own can
 * do it without the server that may be stuck.
 *
 *	GET /live   /__lbheartbeat__	200, or 503 with the role whose loop stands
 *	GET /ready  /__heartbeat__	200 "ok", or 503 with what is wrong
 *
 * each with X-Load: 0.00 to 1.20. A line "load" without HTTP is answered with a weight in percent,
 * as HAProxy's agent-check wants it: "80%".
 */
#ifndef PLIMSOLL_ROLE_HEALTH_ANSWER_H
#define PLIMSOLL_ROLE_HEALTH_ANSWER_H

#include "core/base/buf.h"
#include "core/obs/load_number.h"
#include "core/role/health_look.h"

enum {
	HEALTH_REQUEST_MAX = 2048, /* bytes of a head; nobody who asks this needs more */
	HEALTH_ANSWER_MAX = 512,
};

struct health_state {
	bool alive, ready;
	enum health_trouble trouble;
	enum role_id silent_role; /* while not alive */
	double load;
};

/*
 * True: out has the whole answer, after which the connection ends. False: the request goes on;
 * never at HEALTH_REQUEST_MAX bytes.
 */
NODISCARD bool health_answer(struct slice request, const struct health_state *s, struct buf *out);

#endif
