/*
 * Finds what of a name stands in names before it. A window of the bytes that were stored as they
 * are, and a table of where six bytes in a row were seen last: no more memory for a larger file.
 */
#ifndef PLIMSOLL_SYMBOLS_INDEX_NAMES_H
#define PLIMSOLL_SYMBOLS_INDEX_NAMES_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

struct index_names;

NODISCARD enum err index_names_new(struct index_names **ret);
void index_names_free(struct index_names **n);

/* A piece of the rest of a name that is stored already: *ret_place in the file. 0: there is none.
 */
size_t index_names_find(const struct index_names *n, struct slice rest, uint32_t *ret_place);

/* text now stands at place in the file, as it is. */
void index_names_add(struct index_names *n, struct slice text, uint32_t place);

#endif
