/*
 * See weave_filter.h.
 */
#include "services/sync/weave_filter.h"

enum {
	SORTINDEX_BEYOND = 1000000000
};

static bool get(struct op_call *c, const char *name, struct slice *ret)
{
	return http_query_get(c->req, slice_str(name), ret);
}

static bool take_order(struct op_call *c, struct weave_filter *f)
{
	static const struct {
		const char *name;
		enum sync_stmt order;
	} rows[] = { { "newest", SYNC_WEAVE_NEWEST }, { "oldest", SYNC_WEAVE_OLDEST },
		{ "index", SYNC_WEAVE_INDEX } };
	struct slice text;

	f->order = SYNC_WEAVE_IDS;
	if (!get(c, "sort", &text)) {
		return true;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq(text, slice_str(rows[i].name))) {
			f->order = rows[i].order;
			return true;
		}
	}
	return false;
}

static bool take_time(struct op_call *c, const char *name, int64_t *ms)
{
	struct slice text;

	return !get(c, name, &text) || sync_time_parse(text, ms) == ERR_OK;
}

/* A whole number that may be negative; what is beyond any sortindex is cut to that. */
static bool take_index(struct op_call *c, const char *name, bool *ret_has, int64_t *ret)
{
	struct slice text;
	uint64_t n = 0;

	*ret_has = get(c, name, &text);
	if (!*ret_has) {
		return true;
	}
	bool is_negative = slice_starts(text, SLICE("-"));
	enum err e =
	    slice_to_u64(slice_sub(text, is_negative ? 1 : 0, text.len), SORTINDEX_BEYOND, &n);
	int64_t value = e == ERR_LIMIT ? SORTINDEX_BEYOND : (int64_t)n;
	*ret = is_negative ? -value : value;
	return e == ERR_OK || e == ERR_LIMIT;
}

static bool take_count(struct op_call *c, const char *name, int64_t *ret)
{
	struct slice text;
	uint64_t n = 0;

	if (!get(c, name, &text)) {
		return true;
	}
	if (slice_to_u64(text, INT32_MAX, &n) != ERR_OK) {
		return false;
	}
	*ret = (int64_t)n;
	return true;
}

bool weave_filter_take(struct op_call *c, struct weave_filter *f)
{
	struct slice text;

	*f = (struct weave_filter){ .newer_ms = -1, .older_ms = INT64_MAX, .limit = -1 };
	f->is_full = get(c, "full", &text);
	f->has_parentid = get(c, "parentid", &f->parentid);
	f->has_predecessorid = get(c, "predecessorid", &f->predecessorid);
	bool is_good = sync_ids_take(c, &f->ids, &f->has_ids) && take_order(c, f) &&
		       take_time(c, "newer", &f->newer_ms) && take_time(c, "older", &f->older_ms) &&
		       take_index(c, "index_above", &f->has_above, &f->above) &&
		       take_index(c, "index_below", &f->has_below, &f->below) &&
		       take_count(c, "limit", &f->limit) && take_count(c, "offset", &f->skip);
	f->skip = f->limit < 0 ? 0 : f->skip;
	f->is_any = !f->has_ids && f->newer_ms < 0 && f->older_ms == INT64_MAX && !f->has_above &&
		    !f->has_below && !f->has_parentid && !f->has_predecessorid && f->limit < 0;
	return is_good;
}
