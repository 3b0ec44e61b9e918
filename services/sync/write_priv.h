/*
 * What the files of sync.write share: a write under way.
 */
#ifndef PLIMSOLL_SYNC_WRITE_PRIV_H
#define PLIMSOLL_SYNC_WRITE_PRIV_H

#include "core/store/store.h"
#include "services/sync/meta.h"
#include "services/sync/write.h"

struct sync_write {
	struct txn *t;
	const struct sync_write_req *r;
	struct sync_meta *m;
	struct sync_collection *c; /* NULL: not there */
	struct err_note *note;
	struct sync_written w; /* the answer */
};

/* Takes the stamp of this write; the row has to be saved. */
void sync_write_stamp(struct sync_write *w);

/* Says why it is not done; always ERR_OK. */
NODISCARD enum err sync_write_refuse(struct sync_write *w, enum sync_outcome outcome);
/* The time of the collection is the write's, and the storage's with it; saves the row. */
NODISCARD enum err sync_write_finish(struct sync_write *w);

/* write_delete.c: the kinds of that name. */
NODISCARD enum err sync_write_delete_item(struct sync_write *w);
NODISCARD enum err sync_write_delete_ids(struct sync_write *w);
NODISCARD enum err sync_write_delete_collection(struct sync_write *w);
NODISCARD enum err sync_write_delete_all(struct sync_write *w);

/* How many records a run holds, and the bytes of their payloads. */
void sync_records_sum(struct slice records, int64_t *ret_n, int64_t *ret_bytes);

/*
 * apply.c: puts records into w->c at w's stamp. is_batch: what comes from a batch is new to
 * everybody else, so it gets the stamp in any case.
 */
NODISCARD enum err sync_apply(struct sync_write *w, struct slice records, bool is_batch);
/* Deletes one; *ret_found is set if it was there for clients. */
NODISCARD enum err sync_apply_delete(struct sync_write *w, struct slice id, bool *ret_found);
/* The time of a record, 0 if there is none. */
NODISCARD enum err sync_item_time(struct sync_write *w, struct slice id, int64_t *ret_ms);

/* batch.c: w->w.outcome says whether it was done. */
struct sync_batch {
	int64_t number, chunks, records, bytes;
};
/* ERR_NOT_FOUND: no such batch is open. */
NODISCARD enum err sync_batch_find(struct sync_write *w, struct sync_batch *ret);
/* Bytes in batches of the user, and how many these are. */
NODISCARD enum err sync_batch_sums(struct sync_write *w, int64_t *ret_n, int64_t *ret_bytes);
NODISCARD enum err sync_batch_open(struct sync_write *w, struct sync_batch *ret);
/* Adds w's records, n with so many bytes of payload, as a chunk. */
NODISCARD enum err sync_batch_append(
    struct sync_write *w, struct sync_batch *b, int64_t n, int64_t bytes);
/* Applies all chunks and closes it. */
NODISCARD enum err sync_batch_commit(struct sync_write *w, const struct sync_batch *b);
/* Closes those of w's collection, or of the whole store. */
NODISCARD enum err sync_batch_drop(struct sync_write *w, bool all);

#endif
