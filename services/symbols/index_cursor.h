/*
 * Reading an index: bytes from a place on, each block checked before it is used. Private to the
 * readers of the index.
 */
#ifndef PLIMSOLL_SYMBOLS_INDEX_CURSOR_H
#define PLIMSOLL_SYMBOLS_INDEX_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "services/symbols/sym_index.h"

struct sym_index {
	const unsigned char *map;
	size_t map_bytes;
	struct index_header header; /* a copy that has been checked */
	uint64_t *checked;	    /* a bit for each block whose sum was right */
	bool damaged;
	void *owner;
};

/* Stands in the file; once bad it yields zeros. */
struct index_cursor {
	struct sym_index *ix;
	uint32_t at, end; /* may read up to end */
	uint32_t sure;	  /* up to here blocks are checked */
	bool bad;
};

/* Between two places of the part that has sums; bad at once if they are none. */
struct index_cursor index_cursor_new(struct sym_index *ix, uint32_t from, uint32_t to);

/* Marks the cursor bad and the index damaged. */
void index_cursor_fail(struct index_cursor *c);

/* More bytes that are checked; false: there are none, the cursor is bad. */
bool index_cursor_more(struct index_cursor *c);

static inline unsigned index_cursor_byte(struct index_cursor *c)
{
	if (c->at == c->sure && !index_cursor_more(c)) {
		return 0;
	}
	return c->ix->map[c->at++];
}

/* A varint that is at most max. */
uint64_t index_cursor_varint(struct index_cursor *c, uint64_t max);

static inline uint32_t index_cursor_u32(struct index_cursor *c)
{
	return (uint32_t)index_cursor_varint(c, UINT32_MAX);
}

/* Copies bytes; false: the cursor is bad. */
bool index_cursor_copy(struct index_cursor *c, void *out, uint32_t len);

/* Passes over bytes without looking at them. */
void index_cursor_skip(struct index_cursor *c, uint64_t len);

/* A number that stands at a place; false: damaged. */
bool index_word(struct sym_index *ix, uint64_t place, uint32_t *ret);

/* Row i of a table whose rows have size bytes; false: damaged. */
bool index_row(struct sym_index *ix, uint32_t table, uint32_t i, void *out, uint32_t size);

#endif
