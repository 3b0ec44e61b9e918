/*
 * Role: courier. Sending one message over SMTP from a task, through libcurl's multi interface on
 * our loop. Connections are kept and reused between messages.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_SMTP_H
#define PLIMSOLL_ACCOUNTS_COURIER_SMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/mail_conf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/ev/loop.h"

struct smtp_client;

struct smtp_options {
	const char *url;       /* smtp://host[:port] or smtps://host[:port] */
	const char *user;      /* empty: no AUTH */
	struct slice password; /* no NUL inside */
	enum mail_tls tls;
	struct slice ca;    /* PEM of the authorities to trust; empty: the system's */
	int64_t timeout_ms; /* for one message, connecting included */
	long max_connections;
};

/* Copies the options. ERR_SYSTEM/ERR_MEMORY. */
NODISCARD enum err smtp_client_new(
    struct loop *l, const struct smtp_options *o, struct smtp_client **ret);

/* No sending may be under way. */
void smtp_client_free(struct smtp_client **c);

/* How one sending ended. */
struct smtp_outcome {
	bool final;	/* the server refused this recipient or message for good (5xx) */
	int code;	/* last SMTP reply code, 0 if there was none */
	char text[200]; /* the server's last line or the connection's error; one line */
};

/*
 * Sends message (CRLF line ends) to one recipient; waits in the running task. ERR_OK: the server
 * has taken responsibility for it. Other: see *ret_outcome; ERR_CANCELLED/ERR_DEADLINE as
 * task_wait.
 */
NODISCARD enum err smtp_send(struct smtp_client *c, struct slice from, struct slice recipient,
    struct slice message, struct smtp_outcome *ret_outcome);

#endif
