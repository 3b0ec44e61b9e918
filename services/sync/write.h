/*
 * sync.write: everything that changes a user's store, as one transaction function. It looks at the
 * user's row under its lock, decides (precondition, batch, quota), takes the next stamp and does
 * it; what it refuses has changed nothing. Web has checked the request's form before.
 */
#ifndef PLIMSOLL_SYNC_WRITE_H
#define PLIMSOLL_SYNC_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

enum {
	SYNC_MESSAGE_MAX = 9 * 1024 * 1024, /* bytes of a request to the store */
	SYNC_BATCHES_MAX = 100,		    /* of one user, open or not yet removed */
	SYNC_SWEPT_AT_ONCE = 8		    /* chunks that a commit removes itself */
};

extern const struct rpc_def sync_write;

enum sync_write_kind {
	SYNC_WRITE_PUT,	   /* records into the collection: PUT, POST */
	SYNC_WRITE_APPEND, /* records into a batch, which is opened if batch is 0 */
	SYNC_WRITE_COMMIT, /* the batch and then records into the collection */
	SYNC_WRITE_DELETE_ITEM,
	SYNC_WRITE_DELETE_IDS, /* those of records, which have nothing but ids */
	SYNC_WRITE_DELETE_COLLECTION,
	SYNC_WRITE_DELETE_ALL,
	SYNC_WRITE_KINDS
};

struct sync_write_req {
	enum sync_write_kind kind;
	int64_t uid;
	struct slice collection;
	struct slice item; /* id whose time the precondition is about; empty: the collection's */
	bool has_since;
	int64_t since_ms; /* X-If-Unmodified-Since */
	int64_t batch;
	int64_t batch_lifetime_ms;
	int64_t quota_bytes;			    /* 0: none */
	int64_t max_total_records, max_total_bytes; /* of a batch */
	struct slice records;			    /* as sync_record_put() makes them */
	/* By the rules of the old protocol: only a payload changes the time of a record. */
	bool is_weave;
};

enum sync_outcome {
	SYNC_DONE,
	SYNC_MODIFIED,	 /* the precondition: changed since */
	SYNC_NOT_THERE,	 /* the item to delete */
	SYNC_OVER_QUOTA, /* nothing more may be stored */
	SYNC_NO_BATCH,	 /* unknown, expired, committed, or of another collection */
	SYNC_TOO_LARGE,	 /* the batch as a whole */
	SYNC_TOO_MANY_COLLECTIONS,
	SYNC_TOO_MANY_BATCHES, /* of this user, open or not yet removed */
	SYNC_OUTCOMES
};

struct sync_written {
	enum sync_outcome outcome;
	int64_t stamp_ms;    /* of the write; 0: nothing was written that has a time */
	int64_t modified_ms; /* time of the resource now */
	int64_t batch;	     /* APPEND: its number */
	int64_t quota_left;  /* bytes */
};

void sync_write_req_put(struct buf *out, const struct sync_write_req *r);
NODISCARD bool sync_write_req_take(struct slice message, struct sync_write_req *ret);
void sync_written_put(struct buf *out, const struct sync_written *w);
NODISCARD bool sync_written_take(struct slice message, struct sync_written *ret);

#endif
