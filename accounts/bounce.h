/*
 * Reports that a mail did not arrive, from outside: as a message (RFC 3464) or as a line of a
 * provider's webhook. Pure parsing; what follows from it is in mail_address.h.
 */
#ifndef PLIMSOLL_ACCOUNTS_BOUNCE_H
#define PLIMSOLL_ACCOUNTS_BOUNCE_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum bounce_limits {
	VERP_LEN = 16,		 /* letters of the token in bounce+TOKEN@domain */
	BOUNCE_STATUS_SIZE = 12, /* "5.123.123" and NUL */
	BOUNCE_TOLD_SIZE = 201,	 /* of the words that came with it, one line */
	BOUNCE_ADDRESS_SIZE = 255,
	BOUNCE_MESSAGE_MAX = 1024 * 1024
};

struct bounce {
	char verp[VERP_LEN + 1];	   /* lower case; empty: address says whom it is about */
	char address[BOUNCE_ADDRESS_SIZE]; /* as given; empty: verp says it */
	bool is_permanent;
	char status[BOUNCE_STATUS_SIZE]; /* RFC 3463: "5.1.1" */
	char told[BOUNCE_TOLD_SIZE];	 /* ASCII, nothing below a space */
};

/*
 * Reads a message. return_path is the address that it came to, if the caller knows; else it is
 * looked for in To, Delivered-To, X-Original-To. ERR_NOT_FOUND: no address of ours;
 * ERR_UNSUPPORTED: no report of a failure (an automatic answer, a report of success), with the
 * reason in note.
 */
NODISCARD enum err bounce_parse(
    struct slice message, struct slice return_path, struct bounce *ret, struct err_note *note);

/*
 * The JSON form: {"return_path": "bounce+TOKEN@domain"} or {"address": "a@example.org"}, and
 * "status": "5.1.1", perhaps "diagnostic": words. ERR_SYNTAX with the reason in note.
 */
struct json;
NODISCARD enum err bounce_from_json(
    const struct json *v, struct bounce *ret, struct err_note *note);

/*
 * The answer of a mail server to the mail itself ("550 5.1.1 no such mailbox"): status and whether
 * it is for good, for a bounce about that address.
 */
void bounce_from_reply(struct slice reply, struct bounce *ret);

/*
 * Takes a status in, X.Y.Z with X 4 or 5; anything else counts as 5.0.0. Permanent is class 5
 * except 5.7, which is about us (policy, spam) and not about the mailbox.
 */
void bounce_set_status(struct bounce *b, struct slice status);

#endif
