/*
 * Role: web. Sending a change to the store, and answering what became of it.
 */
#ifndef PLIMSOLL_SYNC_CHANGE_H
#define PLIMSOLL_SYNC_CHANGE_H

#include "services/sync/storage_call.h"
#include "services/sync/write.h"

/* A change of kind to what the request is about; no records yet. */
struct sync_write_req sync_change_new(const struct sync_call *s, enum sync_write_kind kind);

/* Has the store do it; whether it was done is the outcome's. Errors of the call. */
NODISCARD enum err sync_change_send(
    struct op_call *c, const struct sync_write_req *r, struct sync_written *ret);

/*
 * Runs it. *ret_done false: the request is answered (412, 404, quota, batch). Errors of the call:
 * the caller returns them.
 */
NODISCARD enum err sync_change_run(
    struct sync_call *s, const struct sync_write_req *r, struct sync_written *ret, bool *ret_done);

/* Answers 200 with {"modified":T}. */
void sync_change_reply(struct sync_call *s, const struct sync_written *w);

/* Adds X-Weave-Quota-Remaining where there is a quota. */
void sync_add_quota(struct sync_call *s, const struct sync_written *w);

#endif
