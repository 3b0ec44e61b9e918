/*
 * A binary heap in an array that doubles.
 */
#include "lab/due.h"

#include <stdlib.h>

static enum err grow(struct due_heap *h)
{
	unsigned room = h->room == 0 ? 64 : h->room * 2;

	if (h->n >= h->max) {
		return ERR_LIMIT;
	}
	struct due *more = realloc(h->entries, room * sizeof(*more));
	if (more == NULL) {
		return ERR_MEMORY;
	}
	h->entries = more;
	h->room = room;
	return ERR_OK;
}

enum err due_add(struct due_heap *h, struct due d)
{
	if (h->n == h->room || h->n >= h->max) {
		enum err e = grow(h);
		if (e != ERR_OK) {
			return e;
		}
	}
	unsigned i = h->n++;
	while (i > 0 && h->entries[(i - 1) / 2].at_us > d.at_us) {
		h->entries[i] = h->entries[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	h->entries[i] = d;
	return ERR_OK;
}

int64_t due_next_us(const struct due_heap *h)
{
	return h->n == 0 ? INT64_MAX : h->entries[0].at_us;
}

bool due_pop(struct due_heap *h, int64_t now_us, struct due *ret)
{
	if (due_next_us(h) > now_us || h->n == 0) {
		return false;
	}
	*ret = h->entries[0];
	struct due last = h->entries[--h->n];
	unsigned i = 0;
	for (;;) {
		unsigned child = 2 * i + 1;
		if (child >= h->n) {
			break;
		}
		if (child + 1 < h->n && h->entries[child + 1].at_us < h->entries[child].at_us) {
			child++;
		}
		if (h->entries[child].at_us >= last.at_us) {
			break;
		}
		h->entries[i] = h->entries[child];
		i = child;
	}
	if (h->n > 0) {
		h->entries[i] = last;
	}
	return true;
}

void due_fini(struct due_heap *h)
{
	free(h->entries);
	h->entries = NULL;
	h->n = h->room = 0;
}
