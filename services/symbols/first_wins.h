/*
 * Which of many ranges that may overlap are kept: the first ones of the file. A range that overlaps
 * one that is kept already is dropped as a whole.
 */
#ifndef PLIMSOLL_SYMBOLS_FIRST_WINS_H
#define PLIMSOLL_SYMBOLS_FIRST_WINS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

struct first_wins {
	uint32_t start, last; /* both inclusive */
	uint32_t order;	      /* position in the file */
	uint32_t data;	      /* the caller's */
};

/*
 * Sorts by start and drops; *n becomes the number of those that are kept. n log n, whatever they
 * look like. ERR_MEMORY.
 */
NODISCARD enum err first_wins_keep(struct first_wins *ranges, size_t *n);

#endif
