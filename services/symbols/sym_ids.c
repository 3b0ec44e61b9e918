/*
 * Open addressing; at most half of the slots are taken.
 */
#include "services/symbols/sym_ids.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
	FIRST_CAP = 256
};

void sym_ids_free(struct sym_ids *m)
{
	free(m->ids);
	free(m->names);
	free(m->slots);
	*m = sym_ids_new(m->max);
}

static size_t slot_of(const struct sym_ids *m, uint64_t id)
{
	size_t slot = (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (m->n_slots - 1);

	while (m->slots[slot] != 0 && m->ids[m->slots[slot] - 1] != id) {
		slot = (slot + 1) & (m->n_slots - 1);
	}
	return slot;
}

static bool resize(void **array, size_t bytes)
{
	void *grown = realloc(*array, bytes);

	if (grown != NULL) {
		*array = grown;
	}
	return grown != NULL;
}

static enum err grow(struct sym_ids *m)
{
	size_t cap = m->cap == 0 ? (size_t)FIRST_CAP : 2 * m->cap;
	void *ids = m->ids, *names = m->names;
	bool grew = resize(&ids, cap * sizeof(*m->ids));

	m->ids = ids;
	grew = resize(&names, cap * sizeof(*m->names)) && grew;
	m->names = names;
	uint32_t *slots = calloc(2 * cap, sizeof(*slots));
	if (!grew || slots == NULL) {
		free(slots);
		return ERR_MEMORY;
	}
	free(m->slots);
	m->slots = slots;
	m->n_slots = 2 * cap;
	m->cap = cap;
	for (size_t i = 0; i < m->n; i++) {
		m->slots[slot_of(m, m->ids[i])] = (uint32_t)i + 1;
	}
	return ERR_OK;
}

enum err sym_ids_place(struct sym_ids *m, uint64_t id, uint32_t *ret_place)
{
	size_t slot = m->n_slots == 0 ? 0 : slot_of(m, id);

	if (m->n_slots != 0 && m->slots[slot] != 0) {
		*ret_place = m->slots[slot] - 1;
		return ERR_OK;
	}
	if (m->n == m->max) {
		return ERR_LIMIT;
	}
	if (m->n == m->cap) {
		enum err e = grow(m);
		if (e != ERR_OK) {
			return e;
		}
		slot = slot_of(m, id);
	}
	m->ids[m->n] = id;
	m->names[m->n] = 0;
	m->slots[slot] = (uint32_t)m->n + 1;
	*ret_place = (uint32_t)m->n++;
	return ERR_OK;
}
