/*
 * See sym_upload_text.h.
 */
#include "services/symbols/sym_upload_text.h"

static struct slice skip(struct slice text, struct slice bytes)
{
	while (text.len > 0 && memchr(bytes.ptr, text.ptr[0], bytes.len) != NULL) {
		text = slice_sub(text, 1, text.len);
	}
	return text;
}

struct slice sym_upload_text(struct slice body, struct slice name)
{
	const char *at = body.len == 0 ? NULL : memmem(body.ptr, body.len, name.ptr, name.len);

	if (at == NULL) {
		return SLICE_EMPTY;
	}
	struct slice rest = slice_sub(body, (size_t)(at - body.ptr) + name.len, body.len);
	rest = skip(rest, SLICE("\" \t\r\n"));
	if (!slice_starts(rest, SLICE(":"))) {
		return SLICE_EMPTY;
	}
	rest = skip(slice_sub(rest, 1, rest.len), SLICE(" \t\r\n"));
	if (!slice_starts(rest, SLICE("\""))) {
		return SLICE_EMPTY;
	}
	rest = slice_sub(rest, 1, rest.len);
	size_t end = slice_find(rest, '"', 0);
	return end < rest.len ? slice_sub(rest, 0, end) : SLICE_EMPTY;
}
