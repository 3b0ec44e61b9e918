/*
 * Asking admission about a request: what was measured, its row, its site, who asks.
 */
#ifndef PLIMSOLL_HTTP_ADMISSION_H
#define PLIMSOLL_HTTP_ADMISSION_H

#include "core/http/request.h"

/*
 * Its head has come. While the loop is overloaded whoever is above the level is refused here, so
 * that he neither waits nor makes others wait; else it is let pass. False as below.
 */
bool admission_look(struct http_req *r, int64_t now_us, unsigned *ret_retry_after_s);

/* Its turn has come: may it begin? False: r->refused_why is set, and *ret_retry_after_s. */
bool admission_ask(struct http_req *r, int64_t now_us, unsigned *ret_retry_after_s);

/* Moves the controllers on although nobody asks, and shows how they stand. */
void admission_measure(struct http_server *s, int64_t now_us);

#endif
