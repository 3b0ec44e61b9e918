/*
 * See symbols_time.h. The calendar by arithmetic: days of the 400 years that repeat, counted from
 * the first of March, so that the leap day is the last of its year.
 */
#include "services/symbols/symbols_time.h"

#include <stdio.h>

enum {
	DAY_MS = 86400000,
	ERA_DAYS = 146097,  /* 400 years */
	EPOCH_DAYS = 719468 /* from 0000-03-01 to 1970-01-01 */
};

const char *symbols_time_text(int64_t ms, char out[SYMBOLS_TIME_SIZE])
{
	int64_t in_day = ms < 0 ? 0 : ms % DAY_MS, day = (ms < 0 ? 0 : ms / DAY_MS) + EPOCH_DAYS;
	int64_t era = day / ERA_DAYS, of_era = day % ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* 0: March */
	int64_t of_month = of_year - (153 * month + 2) / 5 + 1;

	month = month < 10 ? month + 3 : month - 9;
	year += era * 400 + (month <= 2 ? 1 : 0);
	(void)snprintf(out, SYMBOLS_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    (int)(year % 10000), (int)(month % 100), (int)(of_month % 100),
	    (int)(in_day / 3600000 % 100), (int)(in_day / 60000 % 60), (int)(in_day / 1000 % 60),
	    (int)(in_day % 1000));
	return out;
}

enum err symbols_time_day(struct slice text, int64_t *ret_day)
{
	uint64_t year, month, day;

	if (text.len < 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
	    slice_to_u64(slice_sub(text, 0, 4), 9999, &year) != ERR_OK ||
	    slice_to_u64(slice_sub(text, 5, 7), 12, &month) != ERR_OK ||
	    slice_to_u64(slice_sub(text, 8, 10), 31, &day) != ERR_OK || month == 0 || day == 0 ||
	    year < 1970) {
		return ERR_SYNTAX;
	}
	uint64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
	uint64_t of_year = (153 * m + 2) / 5 + day - 1, of_era = y % 400;

	of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
	*ret_day = (int64_t)(y / 400 * ERA_DAYS + of_era) - EPOCH_DAYS;
	return ERR_OK;
}
