/*
 * The syntax of e-mail addresses and host names (persona.md 2.1): what all services take for one.
 */
#ifndef PLIMSOLL_ACCOUNTS_EMAIL_SYNTAX_H
#define PLIMSOLL_ACCOUNTS_EMAIL_SYNTAX_H

#include <stdbool.h>

#include "core/base/slice.h"

/* Dot-separated local part, and a domain of at least two labels or a bracketed IPv4 address. */
bool email_is_valid(struct slice s);

/* RFC 1123 host name or IPv4 address. */
bool hostname_is_valid(struct slice s);

#endif
