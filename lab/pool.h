/*
 * Memory for very many small things whose owner remembers their sizes, as Lua does: pieces of the
 * same size stand side by side without a head, where malloc() adds 8 to 23 bytes to each. A million
 * users are some ten million pieces.
 */
#ifndef PLIMSOLL_LAB_POOL_H
#define PLIMSOLL_LAB_POOL_H

#include <stddef.h>

enum {
	POOL_STEP = 8,
	POOL_SMALL_BYTES = 512, /* larger ones are malloc()'s */
};

struct pool_slab;

/* Zeroed is empty. */
struct pool {
	void *spare[POOL_SMALL_BYTES / POOL_STEP]; /* of each size, linked by their first word */
	char *at, *end;				   /* what is left of the newest slab */
	struct pool_slab *slabs;		   /* owned */
};

/*
 * As realloc(), for a piece that has old_bytes (0: there is none); bytes 0 frees it and returns
 * NULL, else NULL means that there is no memory, and old is as it was.
 */
void *pool_resize(struct pool *p, void *old, size_t old_bytes, size_t bytes);

/* Gives back all small pieces; larger ones must be freed. */
void pool_fini(struct pool *p);

#endif
