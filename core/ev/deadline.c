/*
 * The heap. Due times lie in the array beside the pointers, so that sifting touches no element.
 */
#include "core/ev/deadline.h"

#include <stdlib.h>

#include "core/base/check.h"

enum err deadline_init(struct deadline_heap *h, unsigned max)
{
	struct deadline_entry *entries = calloc(max == 0 ? 1 : max, sizeof(*entries));

	if (entries == NULL) {
		return ERR_MEMORY;
	}
	*h = (struct deadline_heap){ .entries = entries, .max = max };
	return ERR_OK;
}

void deadline_fini(struct deadline_heap *h)
{
	free(h->entries);
	*h = (struct deadline_heap){ 0 };
}

static void put(struct deadline_heap *h, unsigned i, struct deadline_entry e)
{
	h->entries[i] = e;
	e.node->place = i + 1;
}

/* Moves the hole at i up until e fits, and puts e there. */
static void sift_up(struct deadline_heap *h, unsigned i, struct deadline_entry e)
{
	while (i > 0 && h->entries[(i - 1) / 2].due_us > e.due_us) {
		put(h, i, h->entries[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, e);
}

static void sift_down(struct deadline_heap *h, unsigned i, struct deadline_entry e)
{
	for (;;) {
		unsigned child = 2 * i + 1;
		if (child >= h->n) {
			break;
		}
		if (child + 1 < h->n && h->entries[child + 1].due_us < h->entries[child].due_us) {
			child++;
		}
		if (h->entries[child].due_us >= e.due_us) {
			break;
		}
		put(h, i, h->entries[child]);
		i = child;
	}
	put(h, i, e);
}

void deadline_add(struct deadline_heap *h, struct deadline *node, int64_t due_us)
{
	CHECK(node->place == 0 && h->n < h->max);
	sift_up(h, h->n++, (struct deadline_entry){ due_us, node });
}

void deadline_remove(struct deadline_heap *h, struct deadline *node)
{
	if (node->place == 0) {
		return;
	}
	unsigned hole = node->place - 1;
	node->place = 0;
	struct deadline_entry last = h->entries[--h->n];
	if (hole == h->n) {
		return;
	}
	if (hole > 0 && h->entries[(hole - 1) / 2].due_us > last.due_us) {
		sift_up(h, hole, last);
	} else {
		sift_down(h, hole, last);
	}
}

int64_t deadline_next_us(const struct deadline_heap *h)
{
	return h->n == 0 ? INT64_MAX : h->entries[0].due_us;
}

struct deadline *deadline_pop(struct deadline_heap *h, int64_t now_us)
{
	if (deadline_next_us(h) > now_us || h->n == 0) {
		return NULL;
	}
	struct deadline *node = h->entries[0].node;
	deadline_remove(h, node);
	return node;
}
