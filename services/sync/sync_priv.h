/*
 * What the files of services/sync share: the service's state per process, and its tables.
 */
#ifndef PLIMSOLL_SYNC_SYNC_PRIV_H
#define PLIMSOLL_SYNC_SYNC_PRIV_H

#include "core/service.h"

struct sync_state {
	struct svc_env *env;
};

/* The state in this process. */
struct sync_state *sync_state(const struct svc_env *env);

/* ops.c */
enum {
	SYNC_OPS = 1
};
extern const struct op sync_ops[SYNC_OPS];

/* site.c: what is common to all answers. */
void sync_decorate(struct op_call *c);
op_fn sync_preflight;

#endif
