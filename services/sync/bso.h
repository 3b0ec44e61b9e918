/*
 * Role: web. Records as clients get them.
 */
#ifndef PLIMSOLL_SYNC_BSO_H
#define PLIMSOLL_SYNC_BSO_H

#include "core/base/json.h"
#include "core/store/sql.h"
#include "services/sync/storage_call.h"

enum {
	/* Text of the largest record: each byte of a payload may need six. */
	SYNC_BSO_TEXT_MAX = 52 * 1024 * 1024
};

struct sync_bso {
	struct slice id, payload;
	bool has_sortindex;
	int64_t modified_ms, sortindex;
};

/* Of a row of SYNC_BSO_GET: what only the old protocol shows; false where there is none. */
bool sync_bso_parentid(struct sql_query *q, struct slice *ret);
bool sync_bso_predecessorid(struct sql_query *q, struct slice *ret);

/* The record as JSON. */
void sync_bso_write(struct json_writer *w, const struct sync_bso *b);

/* From a row that begins with the columns of SYNC_BSO_GET; valid until the query goes on. */
void sync_bso_read(struct sql_query *q, bool with_payload, struct sync_bso *ret);

/*
 * Looks one up; *ret_q stands on its row and is the caller's to end. ERR_NOT_FOUND also if it has
 * expired.
 */
NODISCARD enum err sync_bso_find(
    struct sync_call *s, int64_t number, struct slice id, struct sql_query **ret_q);

#endif
