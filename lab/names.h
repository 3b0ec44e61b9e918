/*
 * Texts that occur many times, each kept once and known by its number: clients and paths of a log.
 */
#ifndef PLIMSOLL_LAB_NAMES_H
#define PLIMSOLL_LAB_NAMES_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"

/* Make it with names_new(); it must not move while slices of it are held. */
struct names {
	struct arena texts;
	struct slice *list; /* owned; by number */
	uint32_t *slots;    /* owned; number + 1, 0: free */
	uint32_t n, room, n_slots, max;
};

/* At most max texts of max_bytes together. */
struct names names_new(uint32_t max, size_t max_bytes);
void names_free(struct names *t);

/* The number of text, which is taken in if it is new. ERR_LIMIT, ERR_MEMORY. */
NODISCARD enum err names_take(struct names *t, struct slice text, uint32_t *ret);

/* False: it is not there. */
bool names_find(const struct names *t, struct slice text, uint32_t *ret);

static inline struct slice names_text(const struct names *t, uint32_t number)
{
	return t->list[number];
}

#endif
