/*
 * Decisions over the texts of conditional, range and negotiation headers.
 */
#include "core/http/conditional.h"

#include <stddef.h>

#include "core/http/chars.h"

static bool is_weak(struct slice tag)
{
	return slice_starts(tag, SLICE("W/"));
}

static struct slice opaque(struct slice tag)
{
	return is_weak(tag) ? slice_sub(tag, 2, tag.len) : tag;
}

bool http_etag_eq(struct slice a, struct slice b, enum http_etag_compare how)
{
	if (how == HTTP_ETAG_STRONG && (is_weak(a) || is_weak(b))) {
		return false;
	}
	return slice_eq(opaque(a), opaque(b));
}

/* Cuts the next tag off the front of *list; false at the end or at a fault. */
static bool next_tag(struct slice *list, struct slice *ret_tag)
{
	size_t from = 0;

	while (from < list->len &&
	       (list->ptr[from] == ',' || list->ptr[from] == ' ' || list->ptr[from] == '\t')) {
		from++;
	}
	struct slice text = slice_sub(*list, from, list->len);
	size_t quote = is_weak(text) ? 2 : 0;
	if (quote >= text.len || text.ptr[quote] != '"') {
		return false;
	}
	size_t end = slice_find(text, '"', quote + 1);
	if (end == text.len) {
		return false;
	}
	*ret_tag = slice_sub(text, 0, end + 1);
	*list = slice_sub(text, end + 1, text.len);
	return true;
}

bool http_etag_in_list(struct slice list, struct slice etag, enum http_etag_compare how)
{
	if (slice_eq(slice_trim(list), SLICE("*"))) {
		return etag.len > 0;
	}
	for (struct slice tag; next_tag(&list, &tag);) {
		if (etag.len > 0 && http_etag_eq(tag, etag, how)) {
			return true;
		}
	}
	return false;
}

enum http_condition http_condition_check(
    enum http_method method, struct slice if_match, struct slice if_none_match, struct slice etag)
{
	if (if_match.ptr != NULL && !http_etag_in_list(if_match, etag, HTTP_ETAG_STRONG)) {
		return HTTP_CONDITION_FAILED;
	}
	if (if_none_match.ptr != NULL && http_etag_in_list(if_none_match, etag, HTTP_ETAG_WEAK)) {
		bool reads = method == HTTP_GET || method == HTTP_HEAD;
		return reads ? HTTP_CONDITION_NOT_MODIFIED : HTTP_CONDITION_FAILED;
	}
	return HTTP_CONDITION_PASS;
}

/* A position; a number too large for us is as good as the largest. False: no number. */
static bool position(struct slice text, uint64_t *ret)
{
	enum err e = slice_to_u64(text, INT64_MAX, ret);

	if (e == ERR_LIMIT) {
		*ret = INT64_MAX;
	}
	return text.len > 0 && http_chars_are(text, HTTP_CHAR_DIGIT);
}

static enum http_range_result suffix(
    struct slice text, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
	uint64_t len;

	if (!position(text, &len)) {
		return HTTP_RANGE_WHOLE;
	}
	if (len == 0 || size == 0) {
		return HTTP_RANGE_UNSATISFIABLE;
	}
	*ret_len = len < size ? len : size;
	*ret_first = size - *ret_len;
	return HTTP_RANGE_PART;
}

enum http_range_result http_range_parse(
    struct slice range, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
	const struct slice unit = SLICE("bytes=");
	uint64_t first, last = INT64_MAX;

	if (range.ptr == NULL || !slice_eq_nocase(slice_sub(range, 0, unit.len), unit)) {
		return HTTP_RANGE_WHOLE;
	}
	struct slice spec = slice_trim(slice_sub(range, unit.len, range.len));
	size_t dash = slice_find(spec, '-', 0);
	if (dash == spec.len) {
		return HTTP_RANGE_WHOLE;
	}
	struct slice from = slice_sub(spec, 0, dash), to = slice_sub(spec, dash + 1, spec.len);
	if (from.len == 0) {
		return suffix(to, size, ret_first, ret_len);
	}
	if (!position(from, &first) || (to.len > 0 && !position(to, &last)) || last < first) {
		return HTTP_RANGE_WHOLE;
	}
	if (first >= size) {
		return HTTP_RANGE_UNSATISFIABLE;
	}
	*ret_first = first;
	*ret_len = (last < size ? last + 1 : size) - first;
	return HTTP_RANGE_PART;
}

bool http_if_range_holds(struct slice if_range, struct slice etag)
{
	return if_range.ptr == NULL || http_etag_eq(slice_trim(if_range), etag, HTTP_ETAG_STRONG);
}

/* A weight above zero: "1", "0.5". What is no weight counts as zero, so that we send plain bytes.
 */
static bool is_positive_weight(struct slice text)
{
	bool positive = false;

	if (text.len == 0 || text.len > 5 || (text.len > 1 && text.ptr[1] != '.')) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (i != 1 && !http_char_is(text.ptr[i], HTTP_CHAR_DIGIT)) {
			return false;
		}
		positive = positive || (i != 1 && text.ptr[i] != '0');
	}
	return positive;
}

/* One element "gzip;q=0.5": its coding, and whether it is wanted. */
static struct slice read_element(struct slice element, bool *ret_wanted)
{
	size_t semicolon = slice_find(element, ';', 0);
	struct slice weight = slice_trim(slice_sub(element, semicolon + 1, element.len));

	*ret_wanted =
	    semicolon == element.len || (slice_eq_nocase(slice_sub(weight, 0, 2), SLICE("q=")) &&
					    is_positive_weight(slice_sub(weight, 2, weight.len)));
	return slice_trim(slice_sub(element, 0, semicolon));
}

bool http_accepts_coding(struct slice accept_encoding, struct slice coding)
{
	bool any = false, wanted;

	for (struct slice element, rest = accept_encoding; slice_split(&rest, ',', &element);) {
		struct slice name = read_element(element, &wanted);
		if (slice_eq_nocase(name, coding)) {
			return wanted;
		}
		if (slice_eq(name, SLICE("*"))) {
			any = wanted;
		}
	}
	return any;
}
