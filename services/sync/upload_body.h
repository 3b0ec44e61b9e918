/*
 * Role: web. Bodies of uploads while they come in. All that are on their way in a process share
 * [sync] upload_memory.
 */
#ifndef PLIMSOLL_SYNC_UPLOAD_BODY_H
#define PLIMSOLL_SYNC_UPLOAD_BODY_H

#include "services/sync/sync_priv.h"

/* A body that is being read, and the memory it is counted with. */
struct sync_body {
	struct sync_state *state;
	struct buf bytes;
	int64_t most, counted;
};

/*
 * Reads the whole body of an OP_STREAM row, at most so many bytes; it dies with the request, or
 * with sync_body_end(). ERR_LIMIT: longer; ERR_TOO_BUSY: too much is on its way; as
 * http_body_read().
 */
NODISCARD enum err sync_body_read(struct op_call *c, int64_t most, struct sync_body **ret);
void sync_body_end(struct sync_body *b);

#endif
