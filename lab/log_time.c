/*
 * Read by hand: strptime() knows neither fractions nor offsets with a colon, and months in the
 * locale's language.
 */
#include "lab/log_time.h"

static const int64_t second_us = 1000000;

struct reader {
	struct slice text;
	size_t at;
	bool good;
};

/* Exactly that many digits. */
static int64_t digits(struct reader *r, size_t n)
{
	uint64_t value = 0;

	if (slice_to_u64(slice_sub(r->text, r->at, r->at + n), UINT64_MAX, &value) != ERR_OK ||
	    r->text.len - r->at < n) {
		r->good = false;
		return 0;
	}
	r->at += n;
	return (int64_t)value;
}

static bool next_is(struct reader *r, const char *any)
{
	if (r->at < r->text.len && strchr(any, r->text.ptr[r->at]) != NULL &&
	    r->text.ptr[r->at] != '\0') {
		r->at++;
		return true;
	}
	return false;
}

static void expect(struct reader *r, const char *any)
{
	r->good = next_is(r, any) && r->good;
}

/* Days from 1970-01-01 (Howard Hinnant's days_from_civil). */
static int64_t days(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = year / 400, in_era = year - era * 400;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static int64_t month_named(struct reader *r)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int64_t m = 0; m < 12; m++) {
		if (slice_eq(slice_sub(r->text, r->at, r->at + 3), SLICE_OF(names + 3 * m, 3))) {
			r->at += 3;
			return m + 1;
		}
	}
	r->good = false;
	return 1;
}

/* ".123" of a second in microseconds; finer digits are dropped. */
static int64_t fraction(struct reader *r, bool *ret_is_there)
{
	int64_t us = 0, unit = second_us / 10;
	size_t from = r->at + 1;

	*ret_is_there = next_is(r, ".,");
	while (*ret_is_there && r->at < r->text.len && r->text.ptr[r->at] >= '0' &&
	       r->text.ptr[r->at] <= '9') {
		us += unit * (r->text.ptr[r->at++] - '0');
		unit /= 10;
	}
	if (*ret_is_there && r->at == from) {
		r->good = false;
	}
	return us;
}

/* "Z", "-0700", "+02:00" or nothing, in microseconds. */
static int64_t offset(struct reader *r)
{
	if (r->at == r->text.len || next_is(r, "Zz")) {
		return 0;
	}
	bool minus = r->text.ptr[r->at] == '-';
	expect(r, "+-");
	int64_t hours = digits(r, 2);
	(void)next_is(r, ":");
	int64_t us = (hours * 60 + digits(r, 2)) * 60 * second_us;
	return minus ? -us : us;
}

static enum err read_clock(
    struct reader *r, int64_t year, int64_t month, int64_t day, struct log_time *ret)
{
	bool finer = false;
	int64_t hour = digits(r, 2);
	expect(r, ":");
	int64_t minute = digits(r, 2);
	expect(r, ":");
	int64_t second = digits(r, 2);
	int64_t us = fraction(r, &finer);
	(void)next_is(r, " ");
	int64_t east_us = r->good ? offset(r) : 0;

	if (!r->good || r->at != r->text.len || month < 1 || month > 12 || day < 1 || day > 31 ||
	    hour > 23 || minute > 59 || second > 60 || year < 1970) {
		return ERR_SYNTAX;
	}
	*ret = (struct log_time){
		((days(year, month, day) * 24 + hour) * 60 + minute) * 60 * second_us +
		    second * second_us + us - east_us,
		!finer,
	};
	return ret->us < 0 ? ERR_SYNTAX : ERR_OK;
}

/* A number of some unit since 1970; a point is before parts of a second only. */
static enum err read_number(struct reader *r, struct log_time *ret)
{
	static const int64_t units[] = { 1000000, 1000, 1 };
	uint64_t whole = 0;
	bool finer = false;
	size_t point = slice_find(r->text, '.', 0);

	if (slice_to_u64(slice_sub(r->text, 0, point), INT64_MAX, &whole) != ERR_OK) {
		return ERR_SYNTAX;
	}
	r->at = point;
	int64_t us = fraction(r, &finer);
	if (!r->good || r->at != r->text.len) {
		return ERR_SYNTAX;
	}
	if (whole >= UINT64_C(100000000000000000)) { /* nanoseconds, since 1973 */
		*ret = (struct log_time){ (int64_t)(whole / 1000), false };
		return ERR_OK;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (whole < UINT64_C(100000000000) * (uint64_t)(second_us / units[i])) {
			*ret = (struct log_time){
				(int64_t)whole * units[i] + (i == 0 ? us : 0),
				i == 0 && !finer,
			};
			return ERR_OK;
		}
	}
	return ERR_SYNTAX;
}

enum err log_time_parse(struct slice text, struct log_time *ret)
{
	struct reader r = { text, 0, true };

	if (text.len > 3 && text.ptr[2] == '/') {
		int64_t day = digits(&r, 2);
		expect(&r, "/");
		int64_t month = month_named(&r);
		expect(&r, "/");
		int64_t year = digits(&r, 4);
		expect(&r, ":");
		return read_clock(&r, year, month, day, ret);
	}
	if (text.len > 4 && text.ptr[4] == '-') {
		int64_t year = digits(&r, 4);
		expect(&r, "-");
		int64_t month = digits(&r, 2);
		expect(&r, "-");
		int64_t day = digits(&r, 2);
		expect(&r, "Tt ");
		return read_clock(&r, year, month, day, ret);
	}
	return read_number(&r, ret);
}
