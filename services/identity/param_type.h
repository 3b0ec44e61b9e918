/*
 * The syntax of single values: predicates without state, one for each rule of persona.md 2.1.
 */
#ifndef PLIMSOLL_IDENTITY_PARAM_TYPE_H
#define PLIMSOLL_IDENTITY_PARAM_TYPE_H

#include <stdbool.h>

#include "accounts/email_syntax.h"
#include "core/base/arena.h"
#include "core/base/slice.h"

/* The form of a host name under which it is compared: ASCII letters in lower case. */
NODISCARD enum err host_key(struct arena *arena, struct slice host, struct slice *ret);

/* http, https or app "://host[:port]" and nothing behind. */
bool is_origin(struct slice s);

/* 48 letters and digits. */
bool is_token(struct slice s);

/* 3 or 6 hex digits, with or without '#'. */
bool is_color(struct slice s);

/* "https:" and something behind, printable ASCII only. */
bool is_https_url(struct slice s);

/* Length in UTF-16 units; SIZE_MAX if s is not UTF-8. */
size_t utf16_length(struct slice s);

#endif
