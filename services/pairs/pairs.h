/*
 * Pairs: a realtime backend for two people, over REST and Socket.IO (doc/PAIRS.md). With [pairs]
 * conformance = yes its sockets are those that the public suites of the protocols want to test.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_H
#define PLIMSOLL_PAIRS_PAIRS_H

#include "core/service.h"

extern const struct service pairs_service;

#endif
