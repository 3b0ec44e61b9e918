/*
 * Numbers with their units for people, and the places on an axis that people read easily: 1, 2 or 5
 * times a power of ten, whole seconds, minutes and hours, first days of months.
 */
#ifndef PLIMSOLL_LAB_QUANTITY_H
#define PLIMSOLL_LAB_QUANTITY_H

#include <stdbool.h>

#include "core/base/buf.h"

enum quantity {
	QUANTITY_NUMBER,  /* 20k, 1.5M */
	QUANTITY_MS,	  /* milliseconds: 0.5 ms, 20 ms, 1.5 s */
	QUANTITY_SECONDS, /* 30 s, 2 min, 1 h */
	QUANTITY_SHARE,	  /* 0.35: 35 % */
	QUANTITY_BYTES,	  /* 20 kB, 1.5 MB: thousands */
	QUANTITY_RANK,	/* 1 / (1 - q): 50 %, 99 %, 99.9 %: the nines are as far from each other */
	QUANTITY_MONTH, /* 12 * year + month from 0: Nov 2026 */
};

enum {
	TICKS_MAX = 24
};

struct axis {
	enum quantity quantity;
	bool log;	 /* from > 0 then; not of months */
	double from, to; /* from < to */
};

/* Four digits at most, no exponent where none is needed. What is no number: "-". */
void quantity_put(enum quantity q, double value, struct buf *out);

/*
 * The axis that holds low to high, its ends where ticks stand. from_zero: begins at 0 (not with
 * log). Where low and high are equal, or none (not finite), it is widened to something.
 */
struct axis axis_fit(enum quantity q, bool log, bool from_zero, double low, double high);

/* At most so many (2 to TICKS_MAX) values from and to included, evenly spaced; how many. */
unsigned axis_ticks(const struct axis *a, unsigned most, double *ret);

/* Where a value stands, 0 (from) to 1 (to); NaN: not on a log axis (not above 0), or no number. */
double axis_place(const struct axis *a, double value);

#endif
