/*
 * The WebSocket of http_test_server: sends every message back, in its own order.
 */
#ifndef PLIMSOLL_HARNESS_HTTP_TEST_WS_H
#define PLIMSOLL_HARNESS_HTTP_TEST_WS_H

#include "core/http/http.h"

enum err ws_echo(struct op_call *c);

#endif
