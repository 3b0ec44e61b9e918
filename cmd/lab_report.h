/*
 * plimsoll report: runs compared with each other. And the record that a run leaves.
 */
#ifndef PLIMSOLL_CMD_LAB_REPORT_H
#define PLIMSOLL_CMD_LAB_REPORT_H

#include <stdbool.h>

#include "core/base/slice.h"

/* The words behind "report". An exit code. */
int lab_report_main(int argc, char **argv);

/* Appends the record of a result (its JSON) to a file; commit NULL: that of the work tree, if any.
 * False after saying what went wrong. */
bool lab_record(const char *command, const char *path, const char *commit, struct slice result);

/* Writes the page of a result of line (its JSON). False after saying what went wrong. */
bool lab_save_line(const char *command, const char *path, struct slice result);

#endif
