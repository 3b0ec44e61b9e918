/*
 * `plimsoll check`: whether the NATS server of the configuration lets us in, and who is there.
 */
#ifndef PLIMSOLL_OFFLOAD_NATS_NATS_CHECK_H
#define PLIMSOLL_OFFLOAD_NATS_NATS_CHECK_H

#include "core/role/role.h"

/*
 * Reads the exported configuration from standard input, connects, listens for a moment, and prints
 * a line for people. The exit code: EXIT_FAILED without a connection.
 */
int nats_check(const struct app *app);

#endif
