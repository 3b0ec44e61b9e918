/*
 * See listing.h.
 */
#include "services/symbols/listing.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/ev/task.h"
#include "services/symbols/symbols_json.h"

enum {
	ERRORS_MAX = 4096,
	ROWS_BETWEEN = 2000, /* after so many, others go first */
	PAUSE_US = 1000
};

/* ---- the query ---- */

static void put_error(struct json_writer *w, struct slice field)
{
	json_put_name(w, field);
	json_begin_array(w);
	json_put_string(w, SLICE("Unable to parse"));
	json_end_array(w);
}

static bool read_filters(struct op_call *c, struct listing *l, struct json_writer *errors)
{
	static const struct slice fields[] = { { "size", 4 }, { "created_at", 10 },
		{ "completed_at", 12 } };
	struct upload_filter *const filters[] = { &l->size, &l->created, &l->completed };
	int64_t now_ms = clock_wall_ms();
	struct slice value = SLICE_EMPTY;
	bool good = true;

	for (size_t i = 0; i < 3; i++) {
		if (!http_query_get(c->req, fields[i], &value) || value.len == 0) {
			continue;
		}
		l->is_filtered = true;
		enum err e = i == 0 ? upload_filter_sizes(value, filters[i])
				    : upload_filter_times(value, now_ms, filters[i]);
		if (e != ERR_OK) {
			put_error(errors, fields[i]);
			good = false;
		}
	}
	return good;
}

/* Without sort the newest come first; with it, the least do unless reverse is said. */
static bool read_order(struct op_call *c, struct listing *l, struct json_writer *errors)
{
	struct slice value = SLICE_EMPTY;
	bool has_sort = http_query_get(c->req, SLICE("sort"), &value) && value.len > 0;

	l->reverse = true;
	if (has_sort) {
		struct slice reverse = SLICE_EMPTY;
		l->by_size = slice_eq(value, SLICE("size"));
		if (!l->by_size && !slice_eq(value, SLICE("created_at"))) {
			put_error(errors, SLICE("sort"));
			return false;
		}
		(void)http_query_get(c->req, SLICE("reverse"), &reverse);
		l->reverse = slice_eq_nocase(reverse, SLICE("true"));
	}
	return true;
}

static void read_page(struct op_call *c, struct listing *l)
{
	struct slice value = SLICE_EMPTY;
	uint64_t page = 1;

	l->page = 1;
	if (http_query_get(c->req, SLICE("page"), &value) &&
	    slice_to_u64(value, LISTING_ROWS_MAX, &page) == ERR_OK && page > 0) {
		l->page = (int64_t)page;
	}
}

enum err listing_begin(struct op_call *c, int64_t per_page, struct listing *ret, bool *ret_good)
{
	struct buf *out = arena_buf(c->arena, ERRORS_MAX);
	struct listing l = { .per_page = per_page };

	l.places = arena_alloc(c->arena, LISTING_ROWS_MAX * sizeof(*l.places));
	if (out == NULL || l.places == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	json_put_name(&w, SLICE("errors"));
	json_begin_object(&w);
	*ret_good = read_filters(c, &l, &w);
	*ret_good = read_order(c, &l, &w) && *ret_good;
	json_end_object(&w);
	json_end_object(&w);
	read_page(c, &l);
	*ret = l;
	if (!*ret_good) {
		http_reply(c->req, 400, SLICE("application/json"), buf_slice(out));
	}
	return ERR_OK;
}

/* ---- rows ---- */

bool listing_takes(const struct listing *l, int64_t size, int64_t created_ms, int64_t completed_ms)
{
	return upload_filter_takes(&l->size, size) &&
	       upload_filter_takes(&l->created, created_ms) &&
	       upload_filter_takes(&l->completed, completed_ms);
}

void listing_add(struct listing *l, int64_t id, int64_t size)
{
	if (l->n < LISTING_ROWS_MAX) {
		l->places[l->n++] = (struct listing_place){ id, size };
	}
}

static bool is_newest_first(const struct listing *l)
{
	return !l->by_size && l->reverse;
}

enum err listing_is_full(struct listing *l, bool *ret)
{
	bool has_page =
	    is_newest_first(l) && !l->is_filtered && (int64_t)l->n > l->page * l->per_page;

	*ret = has_page || l->scanned >= LISTING_ROWS_MAX;
	return !*ret && l->scanned > 0 && l->scanned % ROWS_BETWEEN == 0 ? task_sleep(PAUSE_US)
									 : ERR_OK;
}

static int by_id(const void *a, const void *b)
{
	const struct listing_place *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_size(const void *a, const void *b)
{
	const struct listing_place *x = a, *y = b;

	return x->size != y->size ? (x->size < y->size ? -1 : 1) : by_id(a, b);
}

static int by_size_falling(const void *a, const void *b)
{
	return by_size(b, a);
}

size_t listing_cut(struct listing *l, const struct listing_place **ret)
{
	size_t begin = (size_t)((l->page - 1) * l->per_page);

	if (!is_newest_first(l)) {
		qsort(l->places, l->n, sizeof(l->places[0]),
		    !l->by_size	 ? by_id
		    : l->reverse ? by_size_falling
				 : by_size);
	}
	if (begin >= l->n) {
		*ret = l->places;
		return 0;
	}
	*ret = l->places + begin;
	size_t n = l->n - begin;
	return n < (size_t)l->per_page ? n : (size_t)l->per_page;
}

void listing_put(const struct listing *l, struct json_writer *w)
{
	int64_t n = (int64_t)l->n;
	bool has_next = n > l->page * l->per_page;

	symbols_put_number(w, SLICE("batch_size"), l->per_page);
	json_put_name(w, SLICE("order_by"));
	json_begin_object(w);
	symbols_put_text(w, SLICE("sort"), l->by_size ? SLICE("size") : SLICE("created_at"));
	symbols_put_flag(w, SLICE("reverse"), l->reverse);
	json_end_object(w);
	symbols_put_flag(w, SLICE("has_next"), has_next);
	/* The walk ended with the page: there may be more than were seen. */
	symbols_put_number(w, SLICE("total"),
	    has_next && is_newest_first(l) && !l->is_filtered ? LISTING_NOT_COUNTED : n);
}
