/*
 * Counts by key, in memory: what is to be written to the database for many requests at once instead
 * of for each. Bounded; what does not fit any more is told to the caller.
 */
#ifndef PLIMSOLL_SYMBOLS_TALLY_H
#define PLIMSOLL_SYMBOLS_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	TALLY_KEY_MAX = 1024
};

struct tally;

/* Room for so many different keys. */
NODISCARD enum err tally_new(unsigned max, struct tally **ret);
void tally_free(struct tally **t);

/* Adds n to the key's count. False: it is new and there is no room, or it is too long. */
bool tally_add(struct tally *t, struct slice key, int64_t n);

unsigned tally_size(const struct tally *t);

/* Takes one key out, into key (with its length): false when there is none. */
bool tally_take(struct tally *t, char key[TALLY_KEY_MAX], size_t *ret_len, int64_t *ret_n);

#endif
