/*
 * Slabs are cut into pieces as they are asked for. A piece that is freed waits for the next one of
 * its size; slabs are given back at the end only, since what fills them lives as long.
 */
#include "lab/piece_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLAB_BYTES = 1 << 16
};

struct piece_slab {
	struct piece_slab *next;
	char bytes[];
};

static size_t rounded(size_t bytes)
{
	return (bytes + PIECE_STEP - 1) / PIECE_STEP * PIECE_STEP;
}

/* What is left of the slab before becomes a spare piece, which it is the size of. */
static bool new_slab(struct piece_pool *p)
{
	struct piece_slab *slab = malloc(SLAB_BYTES);
	size_t left = (size_t)(p->end - p->at);

	if (slab == NULL) {
		return false;
	}
	if (left > 0) {
		void **spare = &p->spare[left / PIECE_STEP - 1];
		memcpy(p->at, spare, sizeof(*spare));
		*spare = p->at;
	}
	slab->next = p->slabs;
	p->slabs = slab;
	p->at = slab->bytes;
	p->end = (char *)slab + SLAB_BYTES;
	return true;
}

static void *take(struct piece_pool *p, size_t bytes)
{
	size_t size = rounded(bytes);
	void **spare = &p->spare[size / PIECE_STEP - 1];
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

static void give_back(struct piece_pool *p, void *piece, size_t bytes)
{
	void **spare = &p->spare[rounded(bytes) / PIECE_STEP - 1];

	memcpy(piece, spare, sizeof(*spare));
	*spare = piece;
}

static bool is_small(size_t bytes)
{
	return bytes <= PIECE_SMALL_BYTES;
}

static void release(struct piece_pool *p, void *old, size_t old_bytes)
{
	if (old_bytes > 0 && is_small(old_bytes)) {
		give_back(p, old, old_bytes);
	} else if (old_bytes > 0) {
		free(old);
	}
}

void *piece_pool_resize(struct piece_pool *p, void *old, size_t old_bytes, size_t bytes)
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

void piece_pool_fini(struct piece_pool *p)
{
	while (p->slabs != NULL) {
		struct piece_slab *slab = p->slabs;
		p->slabs = slab->next;
		free(slab);
	}
	*p = (struct piece_pool){ 0 };
}
