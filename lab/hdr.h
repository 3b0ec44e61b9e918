/*
 * A histogram of microseconds that keeps three significant digits, as HdrHistogram does: 2,048
 * equal buckets up to 2,047 us, then 1,024 to each further power of two, up to 71 minutes (2^32
 * us); larger values count as that. The counters of a power of two are allocated when it is first
 * hit, so that hundreds of histograms (two per step of each activity) cost what they hold.
 * Histograms merge by adding; percentiles never do.
 */
#ifndef PLIMSOLL_LAB_HDR_H
#define PLIMSOLL_LAB_HDR_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	HDR_PAGE = 1024, /* counters of one power of two */
	HDR_PAGES = 23,	 /* two for 0 to 2,047, then one per power of two up to 2^32 */
	/* Of a serialised one: all counters, each a gap and a count. */
	HDR_TEXT_BYTES = HDR_PAGES * HDR_PAGE * 12,
};

/* Zeroed memory is an empty one. */
struct hdr {
	uint64_t *pages[HDR_PAGES]; /* owned */
	uint64_t count;
	uint64_t lost; /* not recorded for lack of memory */
	double sum_us;
	int64_t max_us; /* exact */
};

void hdr_fini(struct hdr *h);

/* Negative values count as 0. */
void hdr_record(struct hdr *h, int64_t us);

/* Adds the counts of from to to. */
void hdr_merge(struct hdr *to, const struct hdr *from);

/*
 * The value that a share q (0..1) of the records does not exceed: the upper end of its bucket, at
 * most the largest value recorded; 0 when empty.
 */
int64_t hdr_quantile_us(const struct hdr *h, double q);

double hdr_mean_us(const struct hdr *h);

/* How many records are at most us, to within the bucket of us. */
uint64_t hdr_count_up_to(const struct hdr *h, int64_t us);

/*
 * As text for JSON or a pipe: base64url of variable-length numbers, beginning with a version. Other
 * machines merge what hdr_read() makes of it. ERR_SYNTAX: no such text; *h is then empty.
 */
void hdr_write(const struct hdr *h, struct buf *out);
NODISCARD enum err hdr_read(struct hdr *h, struct slice text);

#endif
