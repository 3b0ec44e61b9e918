/*
 * What is inside a session cookie once it is opened: text, not yet trusted to be well-formed.
 */
#ifndef PLIMSOLL_ACCOUNTS_SESSION_CONTENT_H
#define PLIMSOLL_ACCOUNTS_SESSION_CONTENT_H

#include "accounts/session.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

/* Appends "NAME={...}" without the times, which stand beside it in the cookie. */
void session_content_put(const struct session *s, const char *name, struct buf *out);

/* The reverse, into a zeroed session. ERR_SYNTAX; ERR_MEMORY. */
NODISCARD enum err session_content_take(struct slice plain, const char *name, struct session *s);

#endif
