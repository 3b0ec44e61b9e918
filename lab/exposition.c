/*
 * One pass without copies. Quotes matter only in that braces and commas inside them do not end
 * anything.
 */
#include "lab/exposition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	VALUE_BYTES = 64
};

/* Where the braces that open at `from` close; text.len: nowhere. */
static size_t closing(struct slice text, size_t from)
{
	bool quoted = false;

	for (size_t i = from; i < text.len; i++) {
		char c = text.ptr[i];
		if (quoted && c == '\\') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (c == '}' && !quoted) {
			return i;
		}
	}
	return text.len;
}

/* The number at the begin of text; a time stamp may follow. */
static bool read_value(struct slice text, double *ret)
{
	char copy[VALUE_BYTES], *end = NULL;

	text = slice_trim(text);
	text = slice_sub(text, 0, slice_find(text, ' ', 0));
	if (text.len == 0 || slice_to_cstr(text, copy, sizeof(copy)) != ERR_OK) {
		return false;
	}
	*ret = strtod(copy, &end);
	return *end == '\0' && isfinite(*ret);
}

static bool read_line(struct slice line, struct exposition_sample *ret)
{
	struct exposition_sample s = { .labels = SLICE_EMPTY };
	size_t brace = slice_find(line, '{', 0), space = slice_find(line, ' ', 0);
	struct slice value;

	if (line.len == 0 || line.ptr[0] == '#') {
		return false;
	}
	if (brace < space) {
		size_t end = closing(line, brace + 1);
		if (end == line.len) {
			return false;
		}
		s.name = slice_sub(line, 0, brace);
		s.labels = slice_sub(line, brace + 1, end);
		value = slice_sub(line, end + 1, line.len);
	} else {
		s.name = slice_sub(line, 0, space);
		value = slice_sub(line, space, line.len);
	}
	s.name = slice_trim(s.name);
	if (s.name.len == 0 || !read_value(value, &s.value)) {
		return false;
	}
	*ret = s;
	return true;
}

bool exposition_next(struct slice *rest, struct exposition_sample *ret)
{
	struct slice line;

	while (slice_split(rest, '\n', &line)) {
		if (read_line(line, ret)) {
			return true;
		}
	}
	return false;
}

bool exposition_label(const struct exposition_sample *s, const char *name, struct slice *ret)
{
	struct slice rest = s->labels, wanted = slice_str(name);

	while (rest.len > 0) {
		size_t equals = slice_find(rest, '=', 0);
		if (equals + 1 >= rest.len || rest.ptr[equals + 1] != '"') {
			return false;
		}
		struct slice key = slice_trim(slice_sub(rest, 0, equals));
		size_t end = equals + 2;
		while (end < rest.len && rest.ptr[end] != '"') {
			end += rest.ptr[end] == '\\' ? 2 : 1;
		}
		if (end >= rest.len) {
			return false;
		}
		if (slice_eq(key, wanted)) {
			*ret = slice_sub(rest, equals + 2, end);
			return true;
		}
		rest = slice_sub(rest, end + 1, rest.len);
		size_t comma = slice_find(rest, ',', 0);
		rest = slice_sub(rest, comma + 1, rest.len);
	}
	return false;
}
