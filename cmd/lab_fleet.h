/*
 * plimsoll load with several generators: --processes, --generators with --listen, and --join.
 */
#ifndef PLIMSOLL_CMD_LAB_FLEET_H
#define PLIMSOLL_CMD_LAB_FLEET_H

#include "cmd/lab_options.h"

/* Runs the plan of o by as many generators as it says; m was read from text. */
NODISCARD enum err lab_fleet_run(const struct lab_options *o, struct model *m, struct slice text,
    struct load_result **ret, struct err_note *note);

/* Joins the leader that o names, and does one job. */
NODISCARD enum err lab_fleet_join(const struct lab_options *o, struct err_note *note);

#endif
