/*
 * Open addressing at most half full, with FNV-1a: the texts come from files of the person who runs
 * this, so nobody gains by making them collide.
 */
#include "lab/names.h"

#include <stdlib.h>

enum {
	FIRST_ROOM = 1024
};

struct names names_new(uint32_t max, size_t max_bytes)
{
	return (struct names){ .texts = arena_new(max_bytes), .max = max };
}

void names_free(struct names *t)
{
	arena_reset(&t->texts);
	free(t->list);
	free(t->slots);
	t->list = NULL;
	t->slots = NULL;
	t->n = t->room = t->n_slots = 0;
}

static uint32_t hash(struct slice text)
{
	uint32_t h = 2166136261;

	for (size_t i = 0; i < text.len; i++) {
		h = (h ^ (unsigned char)text.ptr[i]) * 16777619;
	}
	return h;
}

/* Where text is, or the free slot where it would be. There is a free one. */
static uint32_t *slot_of(const struct names *t, struct slice text)
{
	uint32_t at = hash(text) & (t->n_slots - 1);

	while (t->slots[at] != 0 && !slice_eq(t->list[t->slots[at] - 1], text)) {
		at = (at + 1) & (t->n_slots - 1);
	}
	return &t->slots[at];
}

static enum err grow(struct names *t)
{
	uint32_t room = t->room == 0 ? FIRST_ROOM : 2 * t->room;
	struct slice *list = realloc(t->list, room * sizeof(*list));

	if (list == NULL) {
		return ERR_MEMORY;
	}
	t->list = list;
	uint32_t *slots = calloc(2 * (size_t)room, sizeof(*slots));
	if (slots == NULL) {
		return ERR_MEMORY;
	}
	free(t->slots);
	t->slots = slots;
	t->room = room;
	t->n_slots = 2 * room;
	for (uint32_t i = 0; i < t->n; i++) {
		*slot_of(t, t->list[i]) = i + 1;
	}
	return ERR_OK;
}

bool names_find(const struct names *t, struct slice text, uint32_t *ret)
{
	const uint32_t *slot = t->n == 0 ? NULL : slot_of(t, text);

	if (slot == NULL || *slot == 0) {
		return false;
	}
	*ret = *slot - 1;
	return true;
}

enum err names_take(struct names *t, struct slice text, uint32_t *ret)
{
	if (names_find(t, text, ret)) {
		return ERR_OK;
	}
	if (t->n == t->max) {
		return ERR_LIMIT;
	}
	enum err e = t->n == t->room ? grow(t) : ERR_OK;
	struct slice copy = SLICE_EMPTY;
	if (e == ERR_OK) {
		e = arena_copy(&t->texts, text, &copy);
	}
	if (e != ERR_OK) {
		return e;
	}
	*slot_of(t, text) = t->n + 1;
	t->list[t->n] = copy;
	*ret = t->n++;
	return ERR_OK;
}
