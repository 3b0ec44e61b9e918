/*
 * Linear probing, at most three quarters full; taking out closes the gap, so there are no marks of
 * the deleted.
 */
#include "lab/id_map.h"

#include <stdlib.h>

enum {
	ROOM_FIRST = 64
};

static unsigned home(const struct id_map *m, uint64_t id)
{
	return (unsigned)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (m->room - 1);
}

/* Where the id is, or the free slot where it would be. */
static unsigned find(const struct id_map *m, uint64_t id)
{
	unsigned i = home(m, id);

	while (m->slots[i].value != NULL && m->slots[i].id != id) {
		i = (i + 1) & (m->room - 1);
	}
	return i;
}

static enum err grow(struct id_map *m)
{
	struct id_map larger = { .room = m->room == 0 ? ROOM_FIRST : m->room * 2, .max = m->max };

	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (larger.slots == NULL) {
		return ERR_MEMORY;
	}
	for (unsigned i = 0; i < m->room; i++) {
		if (m->slots[i].value != NULL) {
			larger.slots[find(&larger, m->slots[i].id)] = m->slots[i];
		}
	}
	larger.n = m->n;
	free(m->slots);
	*m = larger;
	return ERR_OK;
}

void *id_map_get(const struct id_map *m, uint64_t id)
{
	return m->room == 0 ? NULL : m->slots[find(m, id)].value;
}

enum err id_map_put(struct id_map *m, uint64_t id, void *value)
{
	if (m->n >= m->max) {
		return ERR_LIMIT;
	}
	if (m->n >= m->room / 4 * 3) {
		enum err e = grow(m);
		if (e != ERR_OK) {
			return e;
		}
	}
	m->slots[find(m, id)] = (struct id_slot){ id, value };
	m->n++;
	return ERR_OK;
}

/* Frees slot i; what stands behind it and belongs before moves up. */
static void close_gap(struct id_map *m, unsigned i)
{
	unsigned mask = m->room - 1;

	for (unsigned k = (i + 1) & mask; m->slots[k].value != NULL; k = (k + 1) & mask) {
		if (((k - home(m, m->slots[k].id)) & mask) >= ((k - i) & mask)) {
			m->slots[i] = m->slots[k];
			i = k;
		}
	}
	m->slots[i].value = NULL;
	m->n--;
}

void *id_map_take(struct id_map *m, uint64_t id)
{
	if (m->room == 0) {
		return NULL;
	}
	unsigned i = find(m, id);
	void *value = m->slots[i].value;
	if (value != NULL) {
		close_gap(m, i);
	}
	return value;
}

void id_map_fini(struct id_map *m, void (*fn)(void *value))
{
	for (unsigned i = 0; fn != NULL && i < m->room; i++) {
		if (m->slots[i].value != NULL) {
			fn(m->slots[i].value);
		}
	}
	free(m->slots);
	*m = (struct id_map){ .max = m->max };
}
