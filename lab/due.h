/*
 * What is to happen when: a heap of moments in microseconds, bounded.
 */
#ifndef PLIMSOLL_LAB_DUE_H
#define PLIMSOLL_LAB_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

struct due {
	int64_t at_us;
	void *who; /* the owner's business */
};

/* Zeroed, but for max, is an empty one. */
struct due_heap {
	struct due *entries; /* owned; grows as needed */
	unsigned n, room, max;
};

/* ERR_LIMIT at the maximum, ERR_MEMORY. */
NODISCARD enum err due_add(struct due_heap *h, struct due d);

/* INT64_MAX when empty. */
int64_t due_next_us(const struct due_heap *h);

/* Takes the earliest if it is due at now_us. */
bool due_pop(struct due_heap *h, int64_t now_us, struct due *ret);

void due_fini(struct due_heap *h);

#endif
