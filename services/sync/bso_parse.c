/*
 * See bso_parse.h.
 */
#include "services/sync/bso_parse.h"

#include <string.h>

/* False: there, but no whole number of the range. Null is as good as nothing. */
static bool take_number(
    const struct json *v, int64_t least, int64_t most, bool *ret_has, int64_t *ret)
{
	int64_t n = 0;

	if (json_kind(v) == JSON_KIND_NULL) {
		return true;
	}
	if (!json_get_i64(v, &n) || n < least || n > most) {
		return false;
	}
	*ret_has = true;
	*ret = n;
	return true;
}

static bool take_payload(const struct json *v, struct sync_record *r)
{
	if (json_kind(v) == JSON_KIND_NULL) {
		return true;
	}
	r->has_payload = json_get_string(v, &r->payload);
	return r->has_payload;
}

/* The id of a record that one is next to. */
static bool take_near(const struct json *v, bool *ret_has, struct slice *ret)
{
	*ret_has = json_get_string(v, ret);
	return *ret_has && ret->len <= SYNC_ID_MAX;
}

/* What is wrong with a member, or NULL. */
static const char *take_member(
    struct slice key, const struct json *v, const struct sync_limits *l, struct sync_record *r)
{
	if (slice_eq(key, SLICE("payload"))) {
		return take_payload(v, r) ? NULL : "invalid bso: payload";
	}
	if (slice_eq(key, SLICE("sortindex"))) {
		return take_number(v, -SYNC_SORTINDEX_MAX, SYNC_SORTINDEX_MAX, &r->has_sortindex,
			   &r->sortindex)
			   ? NULL
			   : "invalid bso: sortindex";
	}
	if (slice_eq(key, SLICE("ttl"))) {
		return take_number(v, 0, SYNC_TTL_MAX, &r->has_ttl, &r->ttl_s) ? NULL
									       : "invalid bso: ttl";
	}
	if (l->takes_parents && slice_eq(key, SLICE("parentid"))) {
		return take_near(v, &r->has_parentid, &r->parentid) ? NULL
								    : "invalid bso: parentid";
	}
	if (l->takes_parents && slice_eq(key, SLICE("predecessorid"))) {
		return take_near(v, &r->has_predecessorid, &r->predecessorid)
			   ? NULL
			   : "invalid bso: predecessorid";
	}
	bool is_ignored = slice_eq(key, SLICE("id")) || slice_eq(key, SLICE("modified")) ||
			  slice_eq(key, SLICE("collection"));
	return is_ignored ? NULL : "unknown field";
}

const char *sync_bso_parse(const struct json *object, const struct sync_limits *l,
    struct sync_record *r, struct slice *key)
{
	const struct json *v = NULL;
	const char *wrong = NULL;
	void *cursor = NULL;

	r->payload = SLICE_EMPTY;
	if (!sync_id_is_good(r->id)) {
		*key = SLICE_EMPTY;
		return "invalid bso: id";
	}
	while (wrong == NULL && json_next(object, &cursor, key, &v)) {
		wrong = take_member(*key, v, l, r);
	}
	return wrong;
}

/* IV": "AAAAAAAAAAAAAAAAAAAAAA==" */
static bool has_zero_iv(struct slice payload)
{
	static const char name[] = "IV\":", zeros[] = "\"AAAAAAAAAAAAAAAAAAAAAA==\"";
	struct slice rest = payload;
	const char *at;

	while (rest.len > 0 && (at = memmem(rest.ptr, rest.len, name, strlen(name))) != NULL) {
		rest = slice_sub(payload, (size_t)(at - payload.ptr) + strlen(name), payload.len);
		size_t blanks = 0;
		while (blanks < rest.len && strchr(" \t\n\r\f\v", rest.ptr[blanks]) != NULL &&
		       rest.ptr[blanks] != '\0') {
			blanks++;
		}
		if (slice_starts(slice_sub(rest, blanks, rest.len), slice_str(zeros))) {
			return true;
		}
	}
	return false;
}

bool sync_bso_is_broken_key(struct slice collection, const struct sync_record *r)
{
	return slice_eq(collection, SLICE("crypto")) && has_zero_iv(r->payload);
}
