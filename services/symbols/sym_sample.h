/*
 * The sample archive of real Firefox modules, for tests on machines that have it. It is no part of
 * the tree: PLIMSOLL_SAMPLE_DATA names the folder it lies in, else it is looked for beside the
 * tree.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_SAMPLE_H
#define PLIMSOLL_SYMBOLS_SYM_SAMPLE_H

#include <stdbool.h>

#include "core/base/slice.h"

/* Where it is looked for; static storage. */
const char *sym_sample_path(void);

/* Calls fn with the text of each .sym in it. False: it is not here. */
bool sym_sample_each(void (*fn)(void *arg, const char *name, struct slice text), void *arg);

#endif
