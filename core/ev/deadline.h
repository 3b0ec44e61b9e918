/*
 * A bounded binary heap of deadlines: the earliest is on top, and any can be taken out by its node.
 * One libuv timer serves all waiting tasks through it; the lab has the patience of its users in
 * one.
 */
#ifndef PLIMSOLL_EV_DEADLINE_H
#define PLIMSOLL_EV_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

/* Lives in the element that waits. */
struct deadline {
	unsigned place; /* 1 + index in the heap, or 0 when not in it */
};

struct deadline_entry {
	int64_t due_us;
	struct deadline *node;
};

struct deadline_heap {
	struct deadline_entry *entries; /* owned */
	unsigned n, max;
};

NODISCARD enum err deadline_init(struct deadline_heap *h, unsigned max);
void deadline_fini(struct deadline_heap *h);

/* Puts node, which is in no heap, in; there are never more than max. */
void deadline_add(struct deadline_heap *h, struct deadline *node, int64_t due_us);

/* Takes node out if it is in. */
void deadline_remove(struct deadline_heap *h, struct deadline *node);

/* Earliest due time, or INT64_MAX. */
int64_t deadline_next_us(const struct deadline_heap *h);

/* Takes the earliest out if it is due at now_us, else NULL. */
struct deadline *deadline_pop(struct deadline_heap *h, int64_t now_us);

#endif
