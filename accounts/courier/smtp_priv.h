/*
 * Role: courier. Inside of smtp.h: smtp.c is the loop's, smtp_talk.c runs on threads.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_SMTP_PRIV_H
#define PLIMSOLL_ACCOUNTS_COURIER_SMTP_PRIV_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "accounts/courier/crew.h"
#include "accounts/courier/smtp.h"
#include "core/base/buf.h"

enum {
	SMTP_ADDRESS_BYTES = 330
};

/* Constant while threads run, but for abandoned. */
struct smtp_client {
	struct crew *crew;
	char *url, *user, *password; /* owned; user and password may be NULL */
	struct buf ca;		     /* PEM; empty: the system's authorities */
	enum mail_tls tls;
	int64_t timeout_ms;
	atomic_bool abandoned; /* the process ends: whatever is on its way is cut */
};

/* One message: all that a thread needs, and what it found. Allocated with its text. */
struct smtp_job {
	struct crew_job job; /* first */
	char from[SMTP_ADDRESS_BYTES], recipient[SMTP_ADDRESS_BYTES];
	int64_t deadline_us;
	enum err result; /* as smtp_send() */
	struct smtp_outcome outcome;
	size_t len;
	char message[];
};

/* ---- smtp_talk.c: on a thread ---- */

/* Of struct crew_ops; arg is the client, *state the thread's connection. */
void smtp_talk(void *arg, void **state, struct crew_job *job);
void smtp_hang_up(void *state);

/* ---- smtp_words.c: anywhere ---- */

/*
 * Keeps a line for people in the outcome, with anything that could break a log line or a page made
 * a space.
 */
void smtp_keep_line(struct smtp_outcome *o, struct slice line);

/*
 * The line for people about a failure: what went wrong, and the words of the server (its reply is
 * 400 and up, its line stands in o) or of libcurl (detail; empty: its general ones).
 */
void smtp_explain(struct smtp_outcome *o, CURLcode code, const char *detail, long reply);

#endif
