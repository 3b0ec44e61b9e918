/*
 * The decision about an embedded file: form, conditions, range (in the order of RFC 9110 13.2.2).
 */
#include "core/http/asset_choice.h"

#include "core/http/conditional.h"

struct slice asset_tag(const struct asset *a, bool gzip, char out[ASSET_TAG_BYTES])
{
	const struct slice end = gzip ? SLICE("-gz\"") : SLICE("\"");
	size_t len = strlen(a->hash);

	out[0] = '"';
	memcpy(out + 1, a->hash, len);
	memcpy(out + 1 + len, end.ptr, end.len);
	return (struct slice){ out, 1 + len + end.len };
}

static bool wants_gzip(const struct asset *a, const struct asset_wish *w)
{
	return a->gzip.len > 0 && http_accepts_coding(w->accept_encoding, SLICE("gzip"));
}

/* The answer of one form whose conditions have to be looked at. */
static struct asset_choice choose_whole(
    const struct asset *a, const struct asset_wish *w, bool gzip)
{
	struct asset_choice choice = { .status = 200, .gzip = gzip };
	char tag_bytes[ASSET_TAG_BYTES];
	struct slice tag = asset_tag(a, gzip, tag_bytes);

	switch (http_condition_check(w->method, w->if_match, w->if_none_match, tag)) {
	case HTTP_CONDITION_FAILED:
		choice.status = 412;
		return choice;
	case HTTP_CONDITION_NOT_MODIFIED:
		choice.status = 304;
		return choice;
	case HTTP_CONDITION_PASS:
		break;
	}
	choice.body = gzip ? a->gzip : a->bytes;
	return choice;
}

struct asset_choice asset_choose(const struct asset *a, const struct asset_wish *w)
{
	char tag_bytes[ASSET_TAG_BYTES];
	uint64_t first = 0, len = 0;
	enum http_range_result range = HTTP_RANGE_WHOLE;

	/* Range means something with GET only (RFC 9110 14.2). */
	if (w->method == HTTP_GET && w->range.ptr != NULL &&
	    http_if_range_holds(w->if_range, asset_tag(a, false, tag_bytes))) {
		range = http_range_parse(w->range, a->bytes.len, &first, &len);
	}
	if (range == HTTP_RANGE_WHOLE) {
		return choose_whole(a, w, wants_gzip(a, w));
	}
	struct asset_choice choice = choose_whole(a, w, false);
	if (choice.status != 200) {
		return choice;
	}
	if (range == HTTP_RANGE_UNSATISFIABLE) {
		choice.status = 416;
		choice.body = SLICE_EMPTY;
		return choice;
	}
	choice.status = 206;
	choice.first = first;
	choice.body = slice_sub(a->bytes, (size_t)first, (size_t)(first + len));
	return choice;
}
