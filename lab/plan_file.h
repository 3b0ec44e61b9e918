/*
 * What a plan is made from, read: a file written by hand, a result of plimsoll line, a file of
 * machines. Several inputs add up: figures of a later one replace those of an earlier.
 */
#ifndef PLIMSOLL_LAB_PLAN_FILE_H
#define PLIMSOLL_LAB_PLAN_FILE_H

#include "core/base/json.h"
#include "lab/plan.h"

/* Errors name file and line; *in is changed up to there. */
NODISCARD enum err plan_read_file(const char *path, struct plan_input *in, struct err_note *note);
NODISCARD enum err plan_read_shapes(
    const char *path, struct plan_shapes *ret, struct err_note *note);

/* ERR_SYNTAX: it is no result of plimsoll line; ERR_INVALID: it has no demands. */
NODISCARD enum err plan_read_line(
    const struct json *result, struct plan_input *in, struct err_note *note);

#endif
