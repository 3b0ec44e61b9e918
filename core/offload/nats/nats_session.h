/*
 * What both roles have in common: settings and files read before the sandbox closes, the rows that
 * travel, the link made after it, and a log line when the connection comes or goes.
 */
#ifndef PLIMSOLL_OFFLOAD_NATS_NATS_SESSION_H
#define PLIMSOLL_OFFLOAD_NATS_NATS_SESSION_H

#include "core/offload/job_rows.h"
#include "core/offload/nats/nats_link.h"
#include "core/role/role.h"

struct nats_session {
	struct nats_settings settings;
	struct nats_files files;
	struct job_rows rows;
	struct nats_link *link; /* NULL: not open */
	char said[200];		/* why there is no connection, as logged last */
	uint64_t dropped;	/* messages, as logged last */
};

NODISCARD enum err nats_session_start(
    struct nats_session *s, struct role_ctx *r, struct err_note *note);
NODISCARD enum err nats_session_open(struct nats_session *s, struct role_ctx *r,
    const struct nats_link_setup *what, struct err_note *note);
void nats_session_close(struct nats_session *s);

/* Publishes if there is a connection. */
NODISCARD enum err nats_session_publish(
    struct nats_session *s, const char *subject, const char *reply, struct slice payload);

/* Now and then: logs messages that were dropped because more came than are looked at. */
void nats_session_watch(struct nats_session *s);

/* Logs a change; the same trouble once. */
void nats_session_log(struct nats_session *s, bool is_connected, const char *why);

#endif
