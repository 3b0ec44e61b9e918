/*
 * Role: courier. Sending one message over SMTP from a task. The conversations are held by libcurl
 * on threads of their own, as many at most as connections; those are kept and reused between
 * messages, and ended after a minute without one. A connection costs a stack of 256 KiB, of which
 * a fifth is touched, 64 KiB of buffers of libcurl, and with TLS what OpenSSL takes.
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
	int64_t timeout_ms; /* for one message, connecting and trying again included */
	unsigned max_connections;
};

/* Copies the options. curl_global_init() has been called. ERR_SYSTEM/ERR_MEMORY. */
NODISCARD enum err smtp_client_new(
    struct loop *l, const struct smtp_options *o, struct smtp_client **ret);

/*
 * For a courier that must end: nothing is begun any more, and what is on its way is cut, which
 * takes a second at most. Its smtp_send() gives ERR_IO.
 */
void smtp_abandon(struct smtp_client *c);

/* No sending may be under way, or the loop may not run again. Abandons first. */
void smtp_client_free(struct smtp_client **c);

/* How one sending ended. */
struct smtp_outcome {
	bool final;	/* the server refused this recipient or message for good (5xx) */
	int code;	/* last SMTP reply code, 0 if there was none */
	char text[200]; /* the server's last line or the connection's error; one line */
};

/*
 * Sends message (CRLF line ends) to one recipient; waits in the running task. ERR_OK: the server
 * has taken responsibility for it. Other: see *ret_outcome. ERR_CANCELLED/ERR_DEADLINE as
 * task_wait: if the server has begun to hear of it, the message is finished without us.
 */
NODISCARD enum err smtp_send(struct smtp_client *c, struct slice from, struct slice recipient,
    struct slice message, struct smtp_outcome *ret_outcome);

#endif
