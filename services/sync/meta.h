/*
 * What is known about a user's store as a whole lies in one row: the last stamp, and for each
 * collection its number, time, count and bytes. So GET info/collections is one point read, every
 * precondition is decided by it, and a write touches no table of totals. Records point to a
 * collection by its number, which is given once and never again: a collection is deleted by
 * forgetting its number, and its records are swept up later (purge.c).
 */
#ifndef PLIMSOLL_SYNC_META_H
#define PLIMSOLL_SYNC_META_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/store/sql.h"

enum {
	SYNC_NAME_MAX = 32,	   /* bytes of a collection's name */
	SYNC_COLLECTIONS_MAX = 128 /* of one user; browsers use fifteen */
};

struct sync_collection {
	int64_t number;	      /* of its records' rows; from 1 */
	int64_t modified_ms;  /* of the last write */
	int64_t count, bytes; /* rows and bytes of their payloads, with what has expired since */
	uint8_t name_len;
	char name[SYNC_NAME_MAX];
};

struct sync_meta {
	int64_t uid;
	bool is_there;	    /* it has a row */
	int64_t last_ms;    /* stamp issued last; never falls */
	int64_t storage_ms; /* of the storage as clients see it; 0: nothing was ever written */
	int64_t next_number;
	int64_t expiry_ms; /* no record expires before; 0: none will */
	unsigned n;
	struct sync_collection list[SYNC_COLLECTIONS_MAX];
};

/* An empty store of nobody, in the arena; NULL beyond its memory. */
struct sync_meta *sync_meta_new(struct arena *arena, int64_t uid);

/*
 * Fills m from the row of m->uid; without a row it stays empty. lock: for a transaction that will
 * change it. ERR_CORRUPT with the uid in note.
 */
NODISCARD enum err sync_meta_load(
    struct sql_db *db, struct sync_meta *m, bool lock, struct err_note *note);

/* Writes the row. */
NODISCARD enum err sync_meta_save(
    struct sql_db *db, const struct sync_meta *m, struct err_note *note);

/* The collection of that name, or NULL. */
struct sync_collection *sync_meta_find(struct sync_meta *m, struct slice name);
/* The same by its number. */
struct sync_collection *sync_meta_by_number(struct sync_meta *m, int64_t number);

/* Adds one that is not there; name has 1..SYNC_NAME_MAX bytes. NULL: there are too many. */
struct sync_collection *sync_meta_add(struct sync_meta *m, struct slice name);

/* Takes c, which is one of m's, off the list. Other pointers into the list are void then. */
void sync_meta_remove(struct sync_meta *m, struct sync_collection *c);

static inline struct slice sync_collection_name(const struct sync_collection *c)
{
	return SLICE_OF(c->name, c->name_len);
}

/* Sum of the collections' bytes. */
int64_t sync_meta_bytes(const struct sync_meta *m);

/* The packed list as it stands in the row; for tests. */
void sync_meta_pack(struct buf *out, const struct sync_meta *m);
NODISCARD bool sync_meta_unpack(struct slice packed, struct sync_meta *m);

#endif
