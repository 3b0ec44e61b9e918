/*
 * The words of `plimsoll line --grace`.
 */
#ifndef PLIMSOLL_CMD_LAB_GRACE_H
#define PLIMSOLL_CMD_LAB_GRACE_H

#include <stdbool.h>

#include "lab/line.h"

/* A word without a value; false: it is none of grace. */
bool lab_grace_flag(struct line_plan *p, const char *word);

/* A word with one; false: the value is not allowed. *ret_known false: it is none of grace. */
bool lab_grace_set(struct line_plan *p, const char *flag, const char *value, bool *ret_known);

/* Why the plan cannot be; NULL: it can. fleet: several generators are wanted. */
const char *lab_grace_trouble(const struct line_plan *p, bool fleet);

/* Its lines of the usage. */
extern const char lab_grace_usage[];

#endif
