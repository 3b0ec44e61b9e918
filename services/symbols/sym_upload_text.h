/*
 * What sym_upload says of a file in its last request, which is like JSON but is none: names stand
 * there without quotes. Pure functions.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_UPLOAD_TEXT_H
#define PLIMSOLL_SYMBOLS_SYM_UPLOAD_TEXT_H

#include "core/base/slice.h"

/* The text of `name: "text"`, with or without quotes around the name; empty: there is none. */
struct slice sym_upload_text(struct slice body, struct slice name);

#endif
