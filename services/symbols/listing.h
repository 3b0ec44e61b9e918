/*
 * A page of a log (uploads, files of uploads): rows are judged from the newest on, those that a
 * filter takes are put in order, and the page is cut out. Only a row's number and what it is
 * ordered by are kept meanwhile, so a page costs the same memory whatever it shows.
 */
#ifndef PLIMSOLL_SYMBOLS_LISTING_H
#define PLIMSOLL_SYMBOLS_LISTING_H

#include "core/base/json.h"
#include "core/http/http.h"
#include "services/symbols/upload_filter.h"

enum {
	LISTING_ROWS_MAX = 20000,     /* the newest, that a page looks at */
	LISTING_BATCH = 200,	      /* rows of one statement */
	LISTING_NOT_COUNTED = 1000000 /* as total: there are more, nobody has counted them */
};

struct listing_place {
	int64_t id, size;
};

struct listing {
	int64_t page, per_page; /* from 1 on */
	bool by_size, reverse;	/* descending */
	bool is_filtered;	/* so the total is of interest */
	struct upload_filter size, created, completed;
	struct listing_place *places; /* in the request's arena */
	size_t n;
	int64_t scanned;
};

/*
 * Reads size, created_at, completed_at, sort, reverse and page of the query. *ret_good false: 400
 * has been answered, with the fields that could not be read.
 */
NODISCARD enum err listing_begin(
    struct op_call *c, int64_t per_page, struct listing *ret, bool *ret_good);

/* Do the filters of the query take such a row? */
bool listing_takes(const struct listing *l, int64_t size, int64_t created_ms, int64_t completed_ms);

/* A row that all filters take. */
void listing_add(struct listing *l, int64_t id, int64_t size);

/* Is nothing more needed? Asked between batches; may wait a moment to let others go first. */
NODISCARD enum err listing_is_full(struct listing *l, bool *ret);

/* Puts the rows in order: *ret are those of the page. */
size_t listing_cut(struct listing *l, const struct listing_place **ret);

/* batch_size, order_by, has_next and total: members of an open object. */
void listing_put(const struct listing *l, struct json_writer *w);

#endif
