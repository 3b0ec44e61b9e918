/*
 * Records as clients write them (BSO, sync.md 1.3): what a field says is optional and its absence
 * means something. They go to the store, and lie in open batches, as a run of bytes of ours, so
 * that JSON is read once and outside of the only writer.
 */
#ifndef PLIMSOLL_SYNC_BSO_RECORD_H
#define PLIMSOLL_SYNC_BSO_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/wire.h"

enum {
	SYNC_ID_MAX = 64, /* bytes of an id, all of them printable ASCII */
	SYNC_SORTINDEX_MAX = 999999999,
	SYNC_TTL_MAX = 999999999, /* seconds */
	SYNC_RECORD_OVERHEAD = 32 /* bytes of a record beside its texts, at most */
};

struct sync_record {
	struct slice id;
	bool has_payload, has_sortindex, has_ttl;
	struct slice payload; /* UTF-8 */
	int64_t sortindex, ttl_s;
	/* Only of the old protocol (sync.md 2.2). */
	bool has_parentid, has_predecessorid;
	struct slice parentid, predecessorid;
};

/* 1..SYNC_ID_MAX printable ASCII characters. */
bool sync_id_is_good(struct slice id);

/* Letters, digits, '.', '_', '-': 1..SYNC_NAME_MAX of them. */
bool sync_name_is_good(struct slice name);

void sync_record_put(struct buf *out, const struct sync_record *r);
/* The next one; borrowed from the reader. False at the end, and at damage: see r->bad. */
bool sync_record_take(struct wire_reader *r, struct sync_record *ret);

#endif
