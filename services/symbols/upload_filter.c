/*
 * See upload_filter.h.
 */
#include "services/symbols/upload_filter.h"

#include "services/symbols/symbols_time.h"

enum {
	DAY_MS = 86400000,
	SECOND_MS = 1000
};

enum comparison {
	OPERATOR_EQ,
	OPERATOR_LT,
	OPERATOR_LE,
	OPERATOR_GT,
	OPERATOR_GE
};

static enum comparison cut_operator(struct slice *text)
{
	static const struct {
		struct slice text;
		enum comparison op;
	} operators[] = {
		{ { "<=", 2 }, OPERATOR_LE },
		{ { ">=", 2 }, OPERATOR_GE },
		{ { "<", 1 }, OPERATOR_LT },
		{ { ">", 1 }, OPERATOR_GT },
		{ { "=", 1 }, OPERATOR_EQ },
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (slice_starts(*text, operators[i].text)) {
			*text = slice_trim(slice_sub(*text, operators[i].text.len, text->len));
			return operators[i].op;
		}
	}
	return OPERATOR_EQ;
}

/* value is a run of len units: a number (1), a second, a day. */
static struct upload_range range_of(enum comparison op, int64_t value, int64_t len)
{
	switch (op) {
	case OPERATOR_LT:
		return (struct upload_range){ .min = INT64_MIN, .end = value };
	case OPERATOR_LE:
		return (struct upload_range){ .min = INT64_MIN, .end = value + len };
	case OPERATOR_GT:
		return (struct upload_range){ .min = value + len, .end = INT64_MAX };
	case OPERATOR_GE:
		return (struct upload_range){ .min = value, .end = INT64_MAX };
	case OPERATOR_EQ:
	default:
		return (struct upload_range){ .min = value, .end = value + len };
	}
}

static enum err add(struct upload_filter *f, struct upload_range range)
{
	if (f->n == UPLOAD_FILTERS_MAX) {
		return ERR_LIMIT;
	}
	f->ranges[f->n++] = range;
	return ERR_OK;
}

/* ---- sizes ---- */

static enum err read_size(struct slice text, int64_t *ret)
{
	static const struct {
		struct slice unit;
		unsigned shift;
	} units[] = {
		{ { "gb", 2 }, 30 },
		{ { "g", 1 }, 30 },
		{ { "mb", 2 }, 20 },
		{ { "m", 1 }, 20 },
		{ { "kb", 2 }, 10 },
		{ { "k", 1 }, 10 },
		{ { "b", 1 }, 0 },
	};
	uint64_t n = 0;
	unsigned shift = 0;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = units[i].unit.len;
		if (text.len > len &&
		    slice_eq_nocase(slice_sub(text, text.len - len, text.len), units[i].unit)) {
			text = slice_trim(slice_sub(text, 0, text.len - len));
			shift = units[i].shift;
			break;
		}
	}
	if (slice_to_u64(text, INT64_C(1) << 32, &n) != ERR_OK) {
		return ERR_SYNTAX;
	}
	*ret = (int64_t)(n << shift);
	return ERR_OK;
}

enum err upload_filter_sizes(struct slice text, struct upload_filter *ret)
{
	enum err e = ERR_OK;

	ret->n = 0;
	for (struct slice piece; e == ERR_OK && slice_split(&text, ',', &piece);) {
		struct slice rest = slice_trim(piece);
		enum comparison op = cut_operator(&rest);
		int64_t size = 0;
		e = read_size(rest, &size);
		e = e == ERR_OK ? add(ret, range_of(op, size, 1)) : e;
	}
	return e;
}

/* ---- times ---- */

static bool read_pair(struct slice text, uint64_t max, uint64_t *ret)
{
	return text.len == 2 && slice_to_u64(text, max, ret) == ERR_OK;
}

/* "2026-05-31", or with "T12:00:00" and what may follow; *ret_len: of the run that it names. */
static enum err read_time(struct slice text, int64_t now_ms, int64_t *ret_ms, int64_t *ret_len)
{
	int64_t day = now_ms / DAY_MS;
	uint64_t hour = 0, minute = 0, second = 0;

	*ret_len = DAY_MS;
	if (slice_eq_nocase(text, SLICE("today"))) {
		*ret_ms = day * DAY_MS;
		return ERR_OK;
	}
	if (slice_eq_nocase(text, SLICE("yesterday"))) {
		*ret_ms = (day - 1) * DAY_MS;
		return ERR_OK;
	}
	if (symbols_time_day(text, &day) != ERR_OK) {
		return ERR_SYNTAX;
	}
	*ret_ms = day * DAY_MS;
	if (text.len == 10) {
		return ERR_OK;
	}
	if (text.len < 19 || !read_pair(slice_sub(text, 11, 13), 23, &hour) ||
	    !read_pair(slice_sub(text, 14, 16), 59, &minute) ||
	    !read_pair(slice_sub(text, 17, 19), 59, &second)) {
		return ERR_SYNTAX;
	}
	*ret_ms += (int64_t)((hour * 60 + minute) * 60 + second) * SECOND_MS;
	*ret_len = SECOND_MS;
	return ERR_OK;
}

enum err upload_filter_times(struct slice text, int64_t now_ms, struct upload_filter *ret)
{
	enum err e = ERR_OK;

	ret->n = 0;
	for (struct slice piece; e == ERR_OK && slice_split(&text, ',', &piece);) {
		struct slice rest = slice_trim(piece);
		enum comparison op = cut_operator(&rest);
		int64_t ms = 0, len = 0;
		if (slice_eq_nocase(rest, SLICE("null")) ||
		    slice_eq_nocase(rest, SLICE("incomplete"))) {
			e = add(ret, (struct upload_range){ .is_null = true });
			continue;
		}
		e = read_time(rest, now_ms, &ms, &len);
		e = e == ERR_OK ? add(ret, range_of(op, ms, len)) : e;
	}
	return e;
}

bool upload_filter_takes(const struct upload_filter *f, int64_t value)
{
	for (unsigned i = 0; i < f->n; i++) {
		const struct upload_range *r = &f->ranges[i];
		bool takes = r->is_null ? value == 0 : value >= r->min && value < r->end;
		if (!takes) {
			return false;
		}
	}
	return true;
}
