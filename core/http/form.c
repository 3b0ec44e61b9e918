/*
 * application/x-www-form-urlencoded (WHATWG URL, 5): forms and queries. Names and values without
 * escapes are slices of the input, the others are decoded into the arena.
 */
#include "core/http/http.h"
#include "core/http/target.h"

static bool needs_decoding(struct slice text)
{
	return slice_find(text, '%', 0) < text.len || slice_find(text, '+', 0) < text.len;
}

/* False: not decodable, or the arena is full. */
static bool decode(struct arena *arena, struct slice text, struct slice *ret)
{
	if (!needs_decoding(text)) {
		*ret = text;
		return slice_find(text, '\0', 0) == text.len && http_is_utf8(text);
	}
	char *out = arena_alloc(arena, text.len);
	size_t len;
	if (out == NULL || !http_percent_decode(text, HTTP_PLUS_IS_SPACE, out, &len)) {
		return false;
	}
	*ret = (struct slice){ out, len };
	return true;
}

bool http_form_next(
    struct arena *arena, struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
	for (struct slice pair; slice_split(rest, '&', &pair);) {
		size_t equals = slice_find(pair, '=', 0);
		struct slice name, value;
		if (pair.len > 0 && decode(arena, slice_sub(pair, 0, equals), &name) &&
		    decode(arena, slice_sub(pair, equals + 1, pair.len), &value)) {
			*ret_name = name;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

bool http_form_get(struct arena *arena, struct slice encoded, struct slice name, struct slice *ret)
{
	struct slice found, value;

	for (struct slice rest = encoded; http_form_next(arena, &rest, &found, &value);) {
		if (slice_eq(found, name)) {
			*ret = value;
			return true;
		}
	}
	return false;
}
