/*
 * From a number to a pointer: few of very many users or devices have something the generator must
 * remember, so memory goes by those. Bounded; open addressing.
 */
#ifndef PLIMSOLL_LAB_ID_MAP_H
#define PLIMSOLL_LAB_ID_MAP_H

#include <stdint.h>

#include "core/base/err.h"

struct id_slot {
	uint64_t id;
	void *value; /* NULL: free */
};

/* Zeroed, but for max, is an empty one. Values stay the caller's. */
struct id_map {
	struct id_slot *slots; /* owned */
	unsigned n, room;      /* room: 0 or a power of two */
	unsigned max;
};

/* NULL: not there. */
void *id_map_get(const struct id_map *m, uint64_t id);

/* Puts a value, not NULL, under an id that is not there. ERR_LIMIT, ERR_MEMORY. */
NODISCARD enum err id_map_put(struct id_map *m, uint64_t id, void *value);

/* Takes it out; NULL: it was not there. */
void *id_map_take(struct id_map *m, uint64_t id);

/* fn, or NULL, gets each value that is left. */
void id_map_fini(struct id_map *m, void (*fn)(void *value));

#endif
