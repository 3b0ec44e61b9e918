/*
 * What commands of the lab that make load share: finding a model, and ending a run.
 */
#ifndef PLIMSOLL_CMD_LAB_MAIN_H
#define PLIMSOLL_CMD_LAB_MAIN_H

#include "cmd/lab_options.h"

/* The model of that name or path, from the arguments; ERR_* in words. Closed by the caller. */
NODISCARD enum err lab_open_model(
    const char *word, const struct lab_options *o, struct model **ret, struct err_note *note);

/* Behind a run whose figures are printed: page, record, and the exit code. */
int lab_load_code(const char *command, const struct load_result *r, const struct lab_options *o);

#endif
