/*
 * See language.h.
 */
#include "services/identity/language.h"

enum {
	QUALITY_MAX = 1000, /* thousandths */
	QUALITY_DIGITS = 3
};

static const char *const tags[LANGUAGES] = { [LANGUAGE_EN] = "en", [LANGUAGE_DE] = "de" };

const char *language_tag(enum language l)
{
	return tags[l];
}

bool language_find(struct slice tag, enum language *ret)
{
	struct slice primary = slice_sub(tag, 0, slice_find(tag, '-', 0));

	for (enum language l = LANGUAGE_EN; l < LANGUAGES; l++) {
		if (slice_eq_nocase(primary, slice_str(tags[l]))) {
			*ret = l;
			return true;
		}
	}
	return false;
}

/* "0.8" in thousandths; 0 for what is none. */
static unsigned quality_of(struct slice s)
{
	unsigned value = 0, scale = QUALITY_MAX;

	if (s.len == 0 || s.len > 2 + QUALITY_DIGITS || (s.len > 1 && s.ptr[1] != '.')) {
		return 0;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (i == 1) {
			continue;
		}
		if (s.ptr[i] < '0' || s.ptr[i] > '9') {
			return 0;
		}
		value += (unsigned)(s.ptr[i] - '0') * scale;
		scale /= 10;
	}
	return value <= QUALITY_MAX ? value : 0;
}

/* How much a row of the header, "de-AT;q=0.8", likes its language. */
static unsigned liking_of(struct slice row, struct slice *ret_tag)
{
	struct slice rest = row, parameter;
	unsigned quality = QUALITY_MAX;

	*ret_tag = SLICE_EMPTY;
	if (slice_split(&rest, ';', ret_tag)) {
		*ret_tag = slice_trim(*ret_tag);
	}
	while (slice_split(&rest, ';', &parameter)) {
		parameter = slice_trim(parameter);
		if (slice_starts(parameter, SLICE("q=")) || slice_starts(parameter, SLICE("Q="))) {
			quality = quality_of(slice_sub(parameter, 2, parameter.len));
		}
	}
	return quality;
}

enum language language_accepted(struct slice header)
{
	enum language best = LANGUAGE_EN, one;
	struct slice rest = header, row, tag;
	unsigned most = 0;

	while (slice_split(&rest, ',', &row)) {
		unsigned liking = liking_of(row, &tag);
		if (liking > most && language_find(tag, &one)) {
			best = one;
			most = liking;
		}
	}
	return best;
}
