/*
 * The fields of model { ... } that say how its clients behave.
 */
#ifndef PLIMSOLL_LAB_BEHAVIOUR_DECLARE_H
#define PLIMSOLL_LAB_BEHAVIOUR_DECLARE_H

#include <lua.h>

#include "lab/behaviour.h"

/* What it reads of the table. */
#define BEHAVIOUR_FIELDS                                                                           \
	"connection", "retry", "retries", "pause", "pause_max", "keep", "resume", "patience",      \
	    "hours"

/* Reads them from the table at 1 into b, which has the usual values; script_fail() on wrong ones.
 */
void behaviour_declare(lua_State *L, struct behaviour *b);

#endif
