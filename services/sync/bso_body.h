/*
 * Role: web. Bodies of PUT and POST: JSON, or a line of JSON for each record, to the records that
 * go to the store (sync.md 1.3, 1.7). Good records are put into one run; faulty ones are named with
 * the reason and do not stop the others.
 */
#ifndef PLIMSOLL_SYNC_BSO_BODY_H
#define PLIMSOLL_SYNC_BSO_BODY_H

#include "core/base/buf.h"
#include "services/sync/bso_record.h"
#include "services/sync/sync_priv.h"

struct sync_upload {
	struct buf records; /* of sync_record_put() */
	struct buf success; /* JSON: an array of ids */
	struct buf failed;  /* JSON: an object of ids and reasons */
	int64_t n;	    /* good records */
};

void sync_upload_free(struct sync_upload *u);

/*
 * Reads the body of a POST to the collection. ERR_INVALID: nothing of it can be taken (not JSON, no
 * array, an element without id, an id twice). *ret is to be freed in any case.
 */
NODISCARD enum err sync_upload_read(struct slice body, bool lines, struct slice collection,
    const struct sync_limits *limits, struct sync_upload *ret, struct err_note *note);

/*
 * Reads the body of a PUT of id. ERR_LIMIT: the payload is too long. *ret is to be freed in any
 * case.
 */
NODISCARD enum err sync_item_read(struct slice body, struct slice collection, struct slice id,
    const struct sync_limits *limits, struct sync_upload *ret, struct err_note *note);

#endif
