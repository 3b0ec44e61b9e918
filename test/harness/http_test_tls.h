/*
 * TLS for http_test_server: keys and signatures in the same process.
 */
#ifndef PLIMSOLL_HARNESS_HTTP_TEST_TLS_H
#define PLIMSOLL_HARNESS_HTTP_TEST_TLS_H

#include "core/http/server.h"

struct test_tls;

/* From files; ends the program with a line when they are no good. */
struct test_tls *test_tls_open(const char *certificate, const char *key);

/* Gives it to the server. handshake_us: time for a handshake. */
void test_tls_use(struct test_tls *t, struct http_server *s, int64_t handshake_us);

/* After the server is gone; t may be NULL. */
void test_tls_close(struct test_tls *t);

#endif
