/*
 * Role: courier. libcurl's multi interface driven by our loop: sockets through uv_poll, its one
 * timer through uv_timer. A transfer is an easy handle that runs while a task waits.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_CURL_LOOP_H
#define PLIMSOLL_ACCOUNTS_COURIER_CURL_LOOP_H

#include <curl/curl.h>

#include "core/base/err.h"
#include "core/ev/loop.h"

struct curl_loop;

NODISCARD enum err curl_loop_new(struct loop *l, long max_connections, struct curl_loop **ret);

/* No transfer may run. */
void curl_loop_free(struct curl_loop **c);

/*
 * Runs the prepared easy handle to its end in the running task. ERR_OK: *ret_code says how it went;
 * ERR_CANCELLED/ERR_DEADLINE: the task's, the transfer is stopped; ERR_MEMORY.
 * The handle's CURLOPT_PRIVATE is used.
 */
NODISCARD enum err curl_loop_perform(struct curl_loop *c, CURL *easy, CURLcode *ret_code);

/*
 * The same, and calls step(arg) in the task when it is woken: a callback of the handle may pause
 * the transfer, wake the task, and leave to step() what has to wait. An error of step() stops the
 * transfer and is returned.
 */
typedef enum err curl_loop_step_fn(void *arg);
NODISCARD enum err curl_loop_stream(
    struct curl_loop *c, CURL *easy, curl_loop_step_fn *step, void *arg, CURLcode *ret_code);

#endif
