/*
 * The page of a line, drawn from its result (doc/LINE.md): latency, goodput and use over load, what
 * each activity costs, what was tried.
 */
#ifndef PLIMSOLL_LAB_LINE_PAGE_H
#define PLIMSOLL_LAB_LINE_PAGE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"

/* ERR_SYNTAX: it is no result of plimsoll line. What is null in it is left out. */
NODISCARD enum err line_page(const struct json *result, struct buf *out, struct err_note *note);

#endif
