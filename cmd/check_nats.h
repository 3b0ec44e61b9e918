/*
 * The part of `plimsoll check` about NATS.
 */
#ifndef PLIMSOLL_CMD_CHECK_NATS_H
#define PLIMSOLL_CMD_CHECK_NATS_H

#include "core/conf/conf.h"

/*
 * With [nats] url: tries to connect and prints what comes of it. EXIT_OK, also when there is no
 * connection (the server works without it); EXIT_CONFIG where a file cannot be used.
 */
int check_nats(const struct conf *conf);

#endif
