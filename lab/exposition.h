/*
 * Prometheus' text format (0.0.4), read line by line: figures of a target that is watched over its
 * metrics endpoint. The text comes from outside: what is no sample is passed over, never an error.
 */
#ifndef PLIMSOLL_LAB_EXPOSITION_H
#define PLIMSOLL_LAB_EXPOSITION_H

#include <stdbool.h>

#include "core/base/slice.h"

struct exposition_sample {
	struct slice name, labels; /* labels: between the braces, as they stand */
	double value;		   /* finite */
};

/* The next sample of *rest, which moves behind it; comments, NaN and nonsense are passed over.
 * False: the end. Slices point into the text. */
bool exposition_next(struct slice *rest, struct exposition_sample *ret);

/* The value of a label, escapes as they stand; false: it has none of that name. */
bool exposition_label(const struct exposition_sample *s, const char *name, struct slice *ret);

#endif
