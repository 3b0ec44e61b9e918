/*
 * The operations of the service, one row each.
 */
#include "services/sync/sync_priv.h"

/* clang-format off */
const struct op sync_ops[SYNC_OPS] = {
	{ "sync.storage_preflight", HTTP_OPTIONS, "/1.5/{rest*}", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, sync_preflight },
};
/* clang-format on */
