/*
 * The operations of http_test_server.
 */
#ifndef PLIMSOLL_HARNESS_HTTP_TEST_OPS_H
#define PLIMSOLL_HARNESS_HTTP_TEST_OPS_H

#include "core/grace/admit.h"
#include "core/http/asset.h"
#include "core/http/http.h"
#include "core/obs/metric.h"

struct test_env {
	struct asset file; /* GET /file */
	struct metrics *metrics;
	int64_t compute_wait_us; /* what POST /set/compute_wait said */
	int64_t cancelled;	 /* handlers that saw ERR_CANCELLED */
};

extern const struct http_site test_site; /* env is to be a struct test_env */

#endif
