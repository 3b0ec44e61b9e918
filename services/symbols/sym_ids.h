/*
 * Numbers of a .sym, which are neither dense nor sorted, to places in a table that is: for FILE and
 * INLINE_ORIGIN. A number gets its place when it is first met, be it before its record.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_IDS_H
#define PLIMSOLL_SYMBOLS_SYM_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

struct sym_ids {
	uint64_t *ids;	 /* by place */
	uint32_t *names; /* by place: the caller's; 0 at first */
	uint32_t *slots; /* hash table of place + 1; 0: free */
	size_t n, cap, max, n_slots;
};

/* At most max numbers. Allocates nothing yet. */
static inline struct sym_ids sym_ids_new(size_t max)
{
	return (struct sym_ids){ .max = max };
}

void sym_ids_free(struct sym_ids *m);

/* ERR_LIMIT: more numbers than max; ERR_MEMORY. */
NODISCARD enum err sym_ids_place(struct sym_ids *m, uint64_t id, uint32_t *ret_place);

#endif
