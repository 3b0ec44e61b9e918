/*
 * See params.h.
 */
#include "services/sync/params.h"

#include "core/base/enc.h"
#include "services/sync/bso_record.h"

enum {
	TOKEN_MAX = 96 /* bytes of a decoded offset: order, number, id */
};

static const char order_letters[] = {
	[SYNC_NEWEST] = 'n', [SYNC_OLDEST] = 'o', [SYNC_INDEX] = 'i'
};

static bool get(struct op_call *c, const char *name, struct slice *ret)
{
	return http_query_get(c->req, slice_str(name), ret);
}

bool sync_ids_take(struct op_call *c, struct sync_ids *ret, bool *ret_is_there)
{
	struct slice text, piece;

	ret->n = 0;
	*ret_is_there = get(c, "ids", &text);
	if (!*ret_is_there || slice_trim(text).len == 0) {
		return true;
	}
	while (slice_split(&text, ',', &piece)) {
		struct slice id = slice_trim(piece);
		if (ret->n == SYNC_IDS_MAX || !sync_id_is_good(id)) {
			return false;
		}
		ret->list[ret->n++] = id;
	}
	return true;
}

/* ---- offsets ---- */

struct slice sync_offset_text(
    struct arena *arena, enum sync_sort sort, const struct sync_place *last)
{
	struct buf *out = arena_buf(arena, 2 * TOKEN_MAX);
	const char *plain = arena_printf(
	    arena, "%c%lld:%.*s", order_letters[sort], (long long)last->at, SLICE_ARG(last->id));

	if (out == NULL || plain == NULL) {
		return SLICE_EMPTY;
	}
	enc_base64url(out, slice_str(plain));
	return buf_slice(out);
}

/* A number that may be negative. */
static bool take_number(struct slice text, int64_t *ret)
{
	bool is_negative = slice_starts(text, SLICE("-"));
	uint64_t n;

	if (slice_to_u64(slice_sub(text, is_negative ? 1 : 0, text.len), INT64_MAX, &n) != ERR_OK) {
		return false;
	}
	*ret = is_negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool take_offset(
    struct op_call *c, struct slice text, enum sync_sort sort, struct sync_place *ret)
{
	char *plain = arena_alloc(c->arena, TOKEN_MAX);
	size_t len = 0;

	if (plain == NULL || dec_base64url(text, plain, TOKEN_MAX, &len) != ERR_OK || len == 0 ||
	    plain[0] != order_letters[sort]) {
		return false;
	}
	struct slice rest = SLICE_OF(plain + 1, len - 1);
	size_t colon = slice_find(rest, ':', 0);
	ret->id = slice_sub(rest, colon + 1, rest.len);
	return take_number(slice_sub(rest, 0, colon), &ret->at) && sync_id_is_good(ret->id);
}

/* Does the offset lie between newer and older, as any that we gave for them does? */
static bool fits_bounds(const struct sync_list_params *p)
{
	return p->sort == SYNC_INDEX || (p->offset.at > p->newer_ms && p->offset.at < p->older_ms);
}

/* ---- lists ---- */

static bool take_sort(struct op_call *c, enum sync_sort *ret)
{
	static const char *const names[] = {
		[SYNC_NEWEST] = "newest", [SYNC_OLDEST] = "oldest", [SYNC_INDEX] = "index"
	};
	struct slice text;

	*ret = SYNC_NEWEST;
	if (!get(c, "sort", &text)) {
		return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(text, slice_str(names[i]))) {
			*ret = (enum sync_sort)i;
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

bool sync_list_params_take(struct op_call *c, struct sync_list_params *ret)
{
	struct sync_list_params *p = ret;
	struct slice text;
	uint64_t n = 0;

	*p = (struct sync_list_params){ .newer_ms = -1, .older_ms = INT64_MAX };
	p->is_full = get(c, "full", &text);
	if (!sync_ids_take(c, &p->ids, &p->has_ids) || !take_sort(c, &p->sort) ||
	    !take_time(c, "newer", &p->newer_ms) || !take_time(c, "older", &p->older_ms)) {
		return false;
	}
	p->has_limit = get(c, "limit", &text);
	if (p->has_limit && slice_to_u64(text, INT64_MAX - 1, &n) != ERR_OK) {
		return false;
	}
	p->limit = p->has_limit ? (int64_t)n : INT64_MAX - 1;
	p->has_offset = get(c, "offset", &text);
	return !p->has_offset || (take_offset(c, text, p->sort, &p->offset) && fits_bounds(p));
}

/* ---- batches ---- */

bool sync_post_params_take(struct op_call *c, struct sync_post_params *ret)
{
	struct slice text;
	uint64_t number = 0;

	*ret = (struct sync_post_params){ .batch = 0 };
	ret->commits = get(c, "commit", &text);
	if (ret->commits && !slice_eq_nocase(text, SLICE("true"))) {
		return false;
	}
	ret->has_batch = get(c, "batch", &text);
	if (!ret->has_batch) {
		return !ret->commits;
	}
	if (text.len > 0 && !slice_eq_nocase(text, SLICE("true"))) {
		if (slice_to_u64(text, INT64_MAX, &number) != ERR_OK || number == 0) {
			return false;
		}
	}
	ret->batch = (int64_t)number;
	return true;
}
