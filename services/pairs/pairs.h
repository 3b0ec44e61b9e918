/*
 * Pairs: a realtime backend for two people. So far it speaks the protocols (doc/PROTOCOLS.md); with
 * [pairs] conformance = yes it is the server that their public suites want to test.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_H
#define PLIMSOLL_PAIRS_PAIRS_H

#include "core/service.h"

extern const struct service pairs_service;

#endif
