/*
 * Role: courier. Composes the message that goes to the SMTP server (RFC 5322, RFC 2045-2047): plain
 * text, or multipart/alternative with HTML behind it. Pure: clock and randomness come in as
 * arguments, so the same row gives the same bytes at every try.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_MIME_H
#define PLIMSOLL_ACCOUNTS_COURIER_MIME_H

#include "accounts/outbox.h"
#include "core/base/buf.h"
#include "core/base/slice.h"

/* From the configuration: what all mails share. */
struct mime_sender {
	struct slice from; /* "Name <user@host>" or "user@host" */
	struct slice host; /* right side of Message-IDs: host of the public URL */
};

/*
 * Appends the whole message with CRLF line ends. Overflow shows in out (buf_finish). Text that is
 * not ASCII is encoded; line breaks in header values become spaces, so no header can be injected.
 */
void mime_compose(
    struct buf *out, const struct mime_sender *sender, const struct outbox_mail *mail);

/* The bare address of "Name <user@host>" or "user@host". */
struct slice mime_address(struct slice from);

#endif
