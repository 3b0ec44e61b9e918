/*
 * Asking admission about a request whose turn has come: what was measured, its row, its site.
 */
#ifndef PLIMSOLL_HTTP_ADMISSION_H
#define PLIMSOLL_HTTP_ADMISSION_H

#include "core/http/request.h"

/* May it begin? False: r->refused_why is set, and *ret_retry_after_s. */
bool admission_ask(struct http_req *r, int64_t now_us, unsigned *ret_retry_after_s);

#endif
