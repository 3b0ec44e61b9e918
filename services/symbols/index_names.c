/*
 * The window is a ring of the last stored bytes. An entry of the table says where in the file and
 * where in the ring six bytes stand, and how far their run goes on: runs are apart in the file.
 */
#include "services/symbols/index_names.h"

#include <stdlib.h>
#include <string.h>

enum {
	RING_BYTES = 1 << 20,
	TABLE_BITS = 16,
	MATCH_MIN = 6, /* a piece costs three or four bytes itself */
	ADD_MAX = 4096 /* bytes of one name that others can be made of */
};

struct seen {
	uint32_t place;
	uint32_t len;  /* bytes of the run from here on; 0: an empty entry */
	uint64_t ring; /* of all bytes that ever were in the ring */
};

struct index_names {
	char *ring;
	uint64_t filled;
	struct seen *table;
};

enum err index_names_new(struct index_names **ret)
{
	struct index_names *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		return ERR_MEMORY;
	}
	n->ring = malloc(RING_BYTES);
	n->table = calloc((size_t)1 << TABLE_BITS, sizeof(*n->table));
	if (n->ring == NULL || n->table == NULL) {
		index_names_free(&n);
		return ERR_MEMORY;
	}
	*ret = n;
	return ERR_OK;
}

void index_names_free(struct index_names **n)
{
	if (*n != NULL) {
		free((*n)->ring);
		free((*n)->table);
		free(*n);
		*n = NULL;
	}
}

static struct seen *slot_of(const struct index_names *n, const char *bytes)
{
	uint64_t six = 0;

	memcpy(&six, bytes, MATCH_MIN);
	return &n->table[six * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TABLE_BITS)];
}

/* Bytes that both have in common; the ring's run may go around its end. */
static size_t match_length(const struct index_names *n, const struct seen *s, struct slice text)
{
	size_t max = s->len < text.len ? s->len : text.len, i = 0;

	while (i < max && n->ring[(s->ring + i) % RING_BYTES] == text.ptr[i]) {
		i++;
	}
	return i;
}

size_t index_names_find(const struct index_names *n, struct slice rest, uint32_t *ret_place)
{
	if (rest.len < MATCH_MIN) {
		return 0;
	}
	const struct seen *s = slot_of(n, rest.ptr);
	if (s->len == 0 || n->filled - s->ring > RING_BYTES) {
		return 0;
	}
	size_t len = match_length(n, s, rest);
	if (len < MATCH_MIN) {
		return 0;
	}
	*ret_place = s->place;
	return len;
}

void index_names_add(struct index_names *n, struct slice text, uint32_t place)
{
	text = slice_sub(text, 0, ADD_MAX);
	uint64_t from = n->filled;

	for (size_t i = 0; i < text.len; i++) {
		n->ring[(from + i) % RING_BYTES] = text.ptr[i];
	}
	n->filled += text.len;
	for (size_t i = 0; i + MATCH_MIN <= text.len; i++) {
		*slot_of(n, text.ptr + i) = (struct seen){ .place = place + (uint32_t)i,
			.len = (uint32_t)(text.len - i),
			.ring = from + i };
	}
}
