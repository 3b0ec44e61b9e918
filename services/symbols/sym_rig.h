/*
 * For tests of the index: texts of .sym files made by chance, and an index of a text.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_RIG_H
#define PLIMSOLL_SYMBOLS_SYM_RIG_H

#include "core/base/buf.h"
#include "services/symbols/index_build.h"
#include "services/symbols/sym_index.h"
#include "services/symbols/sym_slow.h"

struct sym_recipe {
	uint64_t seed;
	unsigned functions, publics;
	unsigned lines;	  /* of a function, at most */
	unsigned inlines; /* the same */
	bool is_wild;	  /* overlaps, gaps, odd numbers, unsorted */
};

/* Always the same numbers for a seed. */
uint64_t sym_random(uint64_t *state);

/* Appends a whole .sym. */
void sym_text_make(const struct sym_recipe *recipe, struct buf *out);

/* A file in memory with these bytes, the caller's to close. */
int sym_file(struct slice bytes);

/* The index of a text: as a descriptor, and open. Fails the test if it cannot be built. */
int sym_index_file(struct slice text, struct index_built *ret);
struct sym_index *sym_index_of(struct slice text);

/* Fails the test unless both say the same of an offset. */
void sym_compare(struct sym_index *ix, const struct slow_sym *slow, uint64_t offset);

#endif
