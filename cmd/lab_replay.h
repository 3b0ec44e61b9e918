/*
 * plimsoll replay: its own flags, and the command.
 */
#ifndef PLIMSOLL_CMD_LAB_REPLAY_H
#define PLIMSOLL_CMD_LAB_REPLAY_H

#include <stdio.h>

#include "lab/replay.h"

struct lab_options;

/* Sets what a flag of replay says; false: it is none of them, or the value is not allowed. */
bool lab_replay_set(
    struct replay_plan *plan, enum access_format *format, const char *flag, const char *value);

void lab_replay_usage(FILE *out);

/* The exit code. */
int lab_replay(struct lab_options *o);

#endif
