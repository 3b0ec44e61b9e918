/*
 * Role: courier. One fetch of a support document, from a task: libcurl with everything switched off
 * that a stranger's server could use (redirects, other protocols, proxies of the environment), and
 * the address judged where the socket is made, so that a name which DNS answers differently the
 * second time gains nothing.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_FETCH_DOCUMENT_H
#define PLIMSOLL_ACCOUNTS_COURIER_FETCH_DOCUMENT_H

#include "accounts/courier/curl_loop.h"
#include "accounts/well_known.h"

struct fetch {
	const struct well_known_policy *policy;
	const struct well_known_request *request;
	int64_t timeout_ms;

	/* Out; reply.body points into body. */
	struct well_known_reply reply;
	struct buf body;     /* to be freed by the caller in every case */
	bool refused;	     /* an address of it was refused */
	const char *details; /* libcurl's words for the log, static; NULL: none */
};

/* ERR_OK: f->reply says how it ended; ERR_CANCELLED/ERR_DEADLINE as task_wait; ERR_MEMORY. */
NODISCARD enum err fetch_run(struct curl_loop *curl, struct fetch *f);

#endif
