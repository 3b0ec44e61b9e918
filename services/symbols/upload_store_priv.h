/*
 * Between upload_store.c, upload_session_store.c and upstream_store.c.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_STORE_PRIV_H
#define PLIMSOLL_SYMBOLS_UPLOAD_STORE_PRIV_H

#include "core/base/buf.h"
#include "core/base/wire.h"
#include "core/store/store.h"
#include "services/symbols/upload_store.h"

/* Sends the message to the store and frees it. */
NODISCARD enum err upload_call(const struct store_caller *c, const struct rpc_def *def,
    struct buf *message, struct slice *ret_reply);

void upload_put_key(struct buf *out, const struct symbol_key *key);
struct symbol_key upload_take_key(struct wire_reader *r);

/* A file's row; the times are the store's to say. */
void upload_put_file(struct buf *out, const struct symbol_file *f);
void upload_take_file(struct wire_reader *r, struct symbol_file *ret);

/* *ret_id: the line's. completed_ms 0: it is still to come, by that session. */
NODISCARD enum err upload_add_line(struct txn *t, const struct upload_line *l, struct slice session,
    int64_t *ret_id, struct err_note *note);

/* The last file of a negotiated upload ends the upload. */
NODISCARD enum err upload_end_if_last(struct txn *t, int64_t upload, struct err_note *note);

#define UPLOAD_STORE_ROW(row_name, req, fn)                                                        \
	{                                                                                          \
		.name = (row_name), .from = ROLE_BIT(ROLE_WEB), .to = ROLE_STORE,                  \
		.max_req = (req), .max_rep = 32, .deadline_ms = 30000, .cost_us = 300,             \
		.flags = RPC_TXN, .handle = (fn)                                                   \
	}

#endif
