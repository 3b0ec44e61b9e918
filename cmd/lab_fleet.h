/*
 * Several generators: --processes, --generators with --listen, and --join.
 */
#ifndef PLIMSOLL_CMD_LAB_FLEET_H
#define PLIMSOLL_CMD_LAB_FLEET_H

#include "cmd/lab_options.h"
#include "lab/fleet.h"

/* As many generators as the options say; errors of fleet_open(), and what is wrong with the token.
 */
NODISCARD enum err lab_fleet_open(
    const struct lab_options *o, struct fleet **ret, struct err_note *note);

/* Joins the leader that o names, until it has no more to do. */
NODISCARD enum err lab_fleet_join(const struct lab_options *o, struct err_note *note);

#endif
