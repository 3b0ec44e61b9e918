/*
 * Asking the one other server that the operator has named: web asks, the courier goes out, because
 * it is the only role that dials. Web gives a path and a body; where they go is set in the
 * courier's process from the configuration, so nobody who gets hold of web can send it elsewhere.
 */
#ifndef PLIMSOLL_ACCOUNTS_OUTSIDE_H
#define PLIMSOLL_ACCOUNTS_OUTSIDE_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"
#include "core/service.h"

enum {
	OUTSIDE_MAX_BYTES = 16 * 1024, /* of a question, of an answer */
	OUTSIDE_PATH_MAX = 100
};

struct outside_request {
	struct slice path; /* "/v1/verify" */
	struct slice body; /* JSON, posted */
};

struct outside_reply {
	int64_t status; /* HTTP's; 0: it cannot be reached */
	struct slice body;
};

/* courier.outside: web -> courier. ERR_UNSUPPORTED: no server is named; ERR_TOO_BUSY. */
extern const struct rpc_def accounts_outside;

void outside_put_request(struct buf *out, const struct outside_request *r);
NODISCARD bool outside_take_request(struct slice message, struct outside_request *ret);
void outside_put_reply(struct buf *out, const struct outside_reply *r);
NODISCARD bool outside_take_reply(struct slice message, struct outside_reply *ret);

/* The courier's process learns where: https://host[:port], or http to this machine. Kept. */
void outside_set_server(struct svc_env *env, const char *url);
/* Empty: none. */
const char *outside_server(const struct svc_env *env);

#endif
