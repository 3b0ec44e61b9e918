/*
 * What commands of the lab that make load share: finding a model, and ending a run.
 */
#ifndef PLIMSOLL_CMD_LAB_MAIN_H
#define PLIMSOLL_CMD_LAB_MAIN_H

#include "cmd/lab_options.h"

/* The model of that name or path, from the arguments; ERR_* in words. Closed by the caller. */
NODISCARD enum err lab_open_model(
    const char *word, const struct lab_options *o, struct model **ret, struct err_note *note);

enum lab_report {
	LAB_REPORT_TEXT,
	LAB_REPORT_JSON,
	LAB_REPORT_PAGE,
};
typedef void lab_report_fn(const void *arg, enum lab_report kind, struct buf *out);

/* Gives a run as the options say: printed, as a page, as a record, by write(arg). The exit code. */
int lab_give_run(const char *command, const struct lab_options *o, lab_report_fn *write,
    const void *arg, const struct load_result *r);

#endif
