/*
 * Whether an activity costs more than it did: the newest record against those before it that may be
 * compared (same kind, model, preset and machine, not void).
 *
 * With three earlier ones and more, the newest is expected inside the interval in which one more
 * value like theirs falls (95 %); it grew if it is above that, and its own interval, where it has
 * one, is above their mean. With fewer, it grew if its interval is above that of the last one.
 */
#ifndef PLIMSOLL_LAB_TREND_H
#define PLIMSOLL_LAB_TREND_H

#include "core/base/buf.h"
#include "lab/record.h"

enum {
	TREND_EARLIER_MAX = 20, /* the last so many count */
};

enum trend_verdict {
	TREND_UNKNOWN, /* nothing to compare with, or nothing says how sure it is */
	TREND_SAME,
	TREND_GREW,
	TREND_SHRANK,
};

struct trend_row {
	const char *activity;	  /* of the newest record */
	struct interval now;	  /* us */
	struct interval expected; /* us; known false: none */
	unsigned n_earlier;
	enum trend_verdict verdict;
};

struct trend {
	const struct record *records; /* borrowed: all of the file */
	size_t n_records;
	const struct record *newest; /* or NULL: there is none that counts */
	size_t n_like;		     /* that may be compared with it, itself included */
	struct trend_row rows[RECORD_COSTS_MAX];
	unsigned n_rows;
	bool grew; /* one of them did */
};

/* Whether a record may be compared with the newest one. */
bool trend_compares(const struct record *newest, const struct record *r);

struct trend trend_judge(const struct record *records, size_t n);

void trend_text(const struct trend *t, struct buf *out);
void trend_json(const struct trend *t, struct buf *out);
void trend_html(const struct trend *t, const char *file, struct buf *out);

#endif
