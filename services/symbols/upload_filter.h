/*
 * The filters of the upload log (symbols.md 1.6): comparisons of sizes and dates as texts of a
 * query, with commas between. Pure functions.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_FILTER_H
#define PLIMSOLL_SYMBOLS_UPLOAD_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"

enum {
	UPLOAD_FILTERS_MAX = 8 /* comparisons of one value */
};

/* min <= value < end, or (null) value == 0. */
struct upload_range {
	bool is_null;
	int64_t min, end;
};

struct upload_filter {
	struct upload_range ranges[UPLOAD_FILTERS_MAX];
	unsigned n;
};

/* "[<=|>=|<|>|=]NUMBER[gb|g|mb|m|kb|k|b]", by 1024. ERR_SYNTAX, ERR_LIMIT: too many. */
NODISCARD enum err upload_filter_sizes(struct slice text, struct upload_filter *ret);

/*
 * An operator and a date ("2026-05-31", also with a time), today, yesterday, or null (incomplete).
 * "=" and none with a bare date mean that day.
 */
NODISCARD enum err upload_filter_times(
    struct slice text, int64_t now_ms, struct upload_filter *ret);

bool upload_filter_takes(const struct upload_filter *f, int64_t value);

#endif
