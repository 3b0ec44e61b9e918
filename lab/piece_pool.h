/*
 * Memory for very many small things whose owner remembers their sizes, as Lua does: pieces of the
 * same size stand side by side without a head, where malloc() adds 8 to 23 bytes to each. A million
 * users are some ten million pieces.
 */
#ifndef PLIMSOLL_LAB_PIECE_POOL_H
#define PLIMSOLL_LAB_PIECE_POOL_H

#include <stddef.h>

enum {
	PIECE_STEP = 8,
	PIECE_SMALL_BYTES = 512, /* larger ones are malloc()'s */
};

struct piece_slab;

/* Zeroed is empty. */
struct piece_pool {
	void *spare[PIECE_SMALL_BYTES / PIECE_STEP]; /* of each size, linked by their first word */
	char *at, *end;				     /* what is left of the newest slab */
	struct piece_slab *slabs;		     /* owned */
};

/*
 * As realloc(), for a piece that has old_bytes (0: there is none); bytes 0 frees it and returns
 * NULL, else NULL means that there is no memory, and old is as it was.
 */
void *piece_pool_resize(struct piece_pool *p, void *old, size_t old_bytes, size_t bytes);

/* Gives back all small pieces; larger ones must be freed. */
void piece_pool_fini(struct piece_pool *p);

#endif
