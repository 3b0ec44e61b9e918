/*
 * Role: web. What the files of GET of a collection share.
 */
#ifndef PLIMSOLL_SYNC_LIST_PRIV_H
#define PLIMSOLL_SYNC_LIST_PRIV_H

#include "core/base/json.h"
#include "services/sync/bso.h"
#include "services/sync/bso_record.h"
#include "services/sync/params.h"
#include "services/sync/storage_call.h"

/* One of ids=, as far as the order needs it. */
struct sync_found {
	struct slice id;
	int64_t modified_ms, sortindex;
	bool has_sortindex;
};

struct sync_list {
	struct sync_call s;
	struct sync_list_params p;
	int64_t collection;	       /* number */
	int64_t older_ms;	       /* bound of the answer */
	struct sync_place place, last; /* behind which to read on; of the last record sent */
	char place_id[SYNC_ID_MAX], last_id[SYNC_ID_MAX];
	int64_t left; /* records that may still be sent */
	int64_t n;    /* sent */
	bool has_more, is_done;
	struct buf *out;
	struct json_writer writer;
	/* With ids=: what was found, in order. */
	struct sync_found *found;
	unsigned n_found, at_found;
};

/* ---- list_rows.c ---- */

/* A place in the list; the id is copied to id. */
void sync_list_set_place(
    struct sync_place *place, char id[SYNC_ID_MAX], int64_t at, struct slice from);
/* The number that a record is ordered by. */
int64_t sync_list_at(
    const struct sync_list *l, int64_t modified_ms, bool has_sortindex, int64_t sortindex);
/* The place behind which the first record comes. */
void sync_list_set_first_place(struct sync_list *l);

/* Appends a record to l->out and counts it. */
void sync_list_put(struct sync_list *l, const struct sync_bso *b);
/* Appends the records of one query, or as many as it takes for until bytes. */
NODISCARD enum err sync_list_read_page(struct sync_list *l, size_t until);
/* How many records there will be, and the last of them; l->has_more: there are more behind it. */
NODISCARD enum err sync_list_survey(
    struct sync_list *l, int64_t *ret_n, struct sync_place *last, char id[SYNC_ID_MAX]);

/* ---- list_ids.c ---- */

/* Looks the ids up: l->found. */
NODISCARD enum err sync_list_find_ids(struct sync_list *l);
/* Appends what was found, until there are so many bytes. */
NODISCARD enum err sync_list_read_found(struct sync_list *l, size_t until);

#endif
