/*
 * For tests: a strict reader of Prometheus pages. A page that breaks the format fails the test:
 * names and label syntax, escapes, one HELP and TYPE before the samples of a family, no series
 * twice.
 */
#ifndef PLIMSOLL_OBS_PAGE_READER_H
#define PLIMSOLL_OBS_PAGE_READER_H

#include "core/base/slice.h"

enum {
	PAGE_SAMPLES_MAX = 1000,
	PAGE_NAME_SIZE = 64,
	PAGE_LABELS_SIZE = 200
};

/* labels holds "name=value;" pairs in the order of the page, values unescaped. */
struct page_sample {
	char name[PAGE_NAME_SIZE], labels[PAGE_LABELS_SIZE];
	double value;
};

struct page {
	struct page_sample samples[PAGE_SAMPLES_MAX];
	unsigned n;
	char families[8192]; /* " name=help text;" of each family, help as written */
	char family[PAGE_NAME_SIZE], kind[PAGE_NAME_SIZE]; /* of the last TYPE line */
	char helped[PAGE_NAME_SIZE];			   /* of the last HELP line */
};

/* Reads a whole page into a zeroed struct. */
void page_read(struct page *page, struct slice text);

/* A series, or NULL. */
const struct page_sample *page_find(const struct page *page, const char *name, const char *labels);

#endif
