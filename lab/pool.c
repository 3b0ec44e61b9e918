/*
 * Slabs are cut into pieces as they are asked for. A piece that is freed waits for the next one of
 * its size; slabs are given back at the end only, since what fills them lives as long.
 */
#include "lab/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLAB_BYTES = 1 << 16
};

struct pool_slab {
	struct pool_slab *next;
	char bytes[];
};

static size_t rounded(size_t bytes)
{
	return (bytes + POOL_STEP - 1) / POOL_STEP * POOL_STEP;
}

/* What is left of the slab before becomes a spare piece, which it is the size of. */
static bool new_slab(struct pool *p)
{
	struct pool_slab *slab = malloc(SLAB_BYTES);
	size_t left = (size_t)(p->end - p->at);

	if (slab == NULL) {
		return false;
	}
	if (left > 0) {
		void **spare = &p->spare[left / POOL_STEP - 1];
		memcpy(p->at, spare, sizeof(*spare));
		*spare = p->at;
	}
	slab->next = p->slabs;
	p->slabs = slab;
	p->at = slab->bytes;
	p->end = (char *)slab + SLAB_BYTES;
	return true;
}

static void *take(struct pool *p, size_t bytes)
{
	size_t size = rounded(bytes);
	void **spare = &p->spare[size / POOL_STEP - 1];
	void *piece = *spare;

	if (piece != NULL) {
		memcpy(spare, piece, sizeof(*spare));
		return piece;
	}
	if ((size_t)(p->end - p->at) < size && !new_slab(p)) {
		return NULL;
	}
	piece = p->at;
	p->at += size;
	return piece;
}

static void give_back(struct pool *p, void *piece, size_t bytes)
{
	void **spare = &p->spare[rounded(bytes) / POOL_STEP - 1];

	memcpy(piece, spare, sizeof(*spare));
	*spare = piece;
}

static bool is_small(size_t bytes)
{
	return bytes <= POOL_SMALL_BYTES;
}

static void release(struct pool *p, void *old, size_t old_bytes)
{
	if (old_bytes > 0 && is_small(old_bytes)) {
		give_back(p, old, old_bytes);
	} else if (old_bytes > 0) {
		free(old);
	}
}

void *pool_resize(struct pool *p, void *old, size_t old_bytes, size_t bytes)
{
	if (bytes == 0) {
		release(p, old, old_bytes);
		return NULL;
	}
	if (old_bytes > 0 && !is_small(old_bytes) && !is_small(bytes)) {
		return realloc(old, bytes);
	}
	if (old_bytes > 0 && rounded(old_bytes) == rounded(bytes)) {
		return old;
	}
	void *piece = is_small(bytes) ? take(p, bytes) : malloc(bytes);
	if (piece != NULL && old_bytes > 0) {
		memcpy(piece, old, old_bytes < bytes ? old_bytes : bytes);
		release(p, old, old_bytes);
	}
	return piece;
}

void pool_fini(struct pool *p)
{
	while (p->slabs != NULL) {
		struct pool_slab *slab = p->slabs;
		p->slabs = slab->next;
		free(slab);
	}
	*p = (struct pool){ 0 };
}
