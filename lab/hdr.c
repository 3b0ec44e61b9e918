/*
 * Bucket arithmetic: a value below 2,048 is its own bucket; a larger one with its top bit at
 * position e falls to the page of e, at the place of the ten bits below the top bit. So a bucket is
 * at most 1/1,024 of its values wide.
 */
#include "lab/hdr.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/enc.h"

enum {
	SUB_BITS = 10, /* of HDR_PAGE */
	TOP_BIT = 31,  /* of the largest value kept */
	VERSION = 1,
	NUMBER_BYTES = 10, /* of a 64-bit number in groups of 7 bits */
};

static unsigned bucket_of(uint64_t us)
{
	uint64_t most = (UINT64_C(1) << (TOP_BIT + 1)) - 1;

	us = us > most ? most : us;
	if (us < 2 * HDR_PAGE) {
		return (unsigned)us;
	}
	unsigned shift = (unsigned)(63 - __builtin_clzll(us)) - SUB_BITS;
	return (shift + 1) * HDR_PAGE + (unsigned)(us >> shift) - HDR_PAGE;
}

/* The largest value of a bucket. */
static int64_t bucket_limit(unsigned i)
{
	if (i < 2 * HDR_PAGE) {
		return (int64_t)i;
	}
	unsigned shift = i / HDR_PAGE - 1;
	return (((int64_t)HDR_PAGE + i % HDR_PAGE + 1) << shift) - 1;
}

void hdr_fini(struct hdr *h)
{
	for (unsigned i = 0; i < HDR_PAGES; i++) {
		free(h->pages[i]);
	}
	*h = (struct hdr){ 0 };
}

static void add(struct hdr *h, unsigned bucket, uint64_t n)
{
	uint64_t **page = &h->pages[bucket / HDR_PAGE];

	if (*page == NULL) {
		*page = calloc(HDR_PAGE, sizeof(**page));
	}
	if (*page == NULL) {
		h->lost += n;
		return;
	}
	(*page)[bucket % HDR_PAGE] += n;
	h->count += n;
}

void hdr_record(struct hdr *h, int64_t us)
{
	us = us < 0 ? 0 : us;
	add(h, bucket_of((uint64_t)us), 1);
	h->sum_us += (double)us;
	h->max_us = us > h->max_us ? us : h->max_us;
}

static uint64_t count_of(const struct hdr *h, unsigned bucket)
{
	const uint64_t *page = h->pages[bucket / HDR_PAGE];

	return page == NULL ? 0 : page[bucket % HDR_PAGE];
}

/* The next bucket at or after from that is not empty, or the number of buckets. */
static unsigned next_bucket(const struct hdr *h, unsigned from)
{
	while (from < HDR_PAGES * HDR_PAGE) {
		if (h->pages[from / HDR_PAGE] == NULL) {
			from = (from / HDR_PAGE + 1) * HDR_PAGE;
		} else if (count_of(h, from) == 0) {
			from++;
		} else {
			break;
		}
	}
	return from;
}

void hdr_merge(struct hdr *to, const struct hdr *from)
{
	for (unsigned i = next_bucket(from, 0); i < HDR_PAGES * HDR_PAGE;
	     i = next_bucket(from, i + 1)) {
		add(to, i, count_of(from, i));
	}
	to->lost += from->lost;
	to->sum_us += from->sum_us;
	to->max_us = from->max_us > to->max_us ? from->max_us : to->max_us;
}

int64_t hdr_quantile_us(const struct hdr *h, double q)
{
	double want = q * (double)h->count;
	uint64_t seen = 0;

	for (unsigned i = next_bucket(h, 0); i < HDR_PAGES * HDR_PAGE; i = next_bucket(h, i + 1)) {
		seen += count_of(h, i);
		if ((double)seen >= want) {
			int64_t limit = bucket_limit(i);
			return limit < h->max_us ? limit : h->max_us;
		}
	}
	return h->max_us;
}

double hdr_mean_us(const struct hdr *h)
{
	return h->count == 0 ? 0 : h->sum_us / (double)h->count;
}

uint64_t hdr_count_up_to(const struct hdr *h, int64_t us)
{
	unsigned last = bucket_of(us < 0 ? 0 : (uint64_t)us);
	uint64_t seen = 0;

	for (unsigned i = next_bucket(h, 0); i <= last && i < HDR_PAGES * HDR_PAGE;
	     i = next_bucket(h, i + 1)) {
		seen += count_of(h, i);
	}
	return seen;
}

/* ---- as text ---- */

static void put_number(struct buf *out, uint64_t n)
{
	while (n >= 0x80) {
		buf_append_char(out, (char)(n & 0x7f));
		n >>= 7;
	}
	buf_append_char(out, (char)(n | 0x80)); /* the last group is marked */
}

static enum err take_number(struct slice *bytes, uint64_t *ret)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < NUMBER_BYTES && i < bytes->len; i++) {
		uint64_t group = (unsigned char)bytes->ptr[i];
		n |= (group & 0x7f) << (7 * i);
		if ((group & 0x80) != 0) {
			*bytes = slice_sub(*bytes, i + 1, bytes->len);
			*ret = n;
			return ERR_OK;
		}
	}
	return ERR_SYNTAX;
}

void hdr_write(const struct hdr *h, struct buf *out)
{
	struct buf bytes = buf_new(HDR_TEXT_BYTES);
	struct slice all = SLICE_EMPTY;
	unsigned before = 0;

	put_number(&bytes, VERSION);
	put_number(&bytes, (uint64_t)h->sum_us);
	put_number(&bytes, (uint64_t)h->max_us);
	put_number(&bytes, h->lost);
	for (unsigned i = next_bucket(h, 0); i < HDR_PAGES * HDR_PAGE; i = next_bucket(h, i + 1)) {
		put_number(&bytes, i - before);
		put_number(&bytes, count_of(h, i));
		before = i;
	}
	if (buf_finish(&bytes, &all) == ERR_OK) {
		enc_base64url(out, all);
	} else {
		out->failed = true;
	}
	buf_free(&bytes);
}

static enum err read_counts(struct hdr *h, struct slice bytes)
{
	uint64_t bucket = 0, gap = 0, n = 0;

	while (bytes.len > 0) {
		if (take_number(&bytes, &gap) != ERR_OK || take_number(&bytes, &n) != ERR_OK ||
		    gap >= HDR_PAGES * HDR_PAGE || bucket + gap >= HDR_PAGES * HDR_PAGE ||
		    n > INT64_MAX) {
			return ERR_SYNTAX;
		}
		bucket += gap;
		add(h, (unsigned)bucket, n);
	}
	return ERR_OK;
}

enum err hdr_read(struct hdr *h, struct slice text)
{
	uint64_t version = 0, sum = 0, max = 0, lost = 0;
	size_t len = 0;
	char *decoded = malloc(text.len + 1);

	*h = (struct hdr){ 0 };
	if (decoded == NULL) {
		return ERR_MEMORY;
	}
	enum err e = dec_base64url(text, decoded, text.len + 1, &len);
	struct slice bytes = { decoded, len };
	if (e == ERR_OK &&
	    (take_number(&bytes, &version) != ERR_OK || version != VERSION ||
		take_number(&bytes, &sum) != ERR_OK || take_number(&bytes, &max) != ERR_OK ||
		max > INT64_MAX || take_number(&bytes, &lost) != ERR_OK)) {
		e = ERR_SYNTAX;
	}
	if (e == ERR_OK) {
		e = read_counts(h, bytes);
	}
	if (e == ERR_OK) {
		h->sum_us = (double)sum;
		h->max_us = (int64_t)max;
		h->lost += lost;
	} else {
		hdr_fini(h);
	}
	free(decoded);
	return e;
}
