/*
 * From what unpacking has found to the row of a stored file.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOL_ROW_H
#define PLIMSOLL_SYMBOLS_SYMBOL_ROW_H

#include "services/symbols/file_calls.h"
#include "services/symbols/symbol_file.h"

/*
 * *ret: that content under that key, a regular file of no upload; texts are borrowed or in the
 * arena. ERR_MEMORY.
 */
NODISCARD enum err symbol_row_make(struct arena *arena, const struct symbol_key *key,
    const struct file_unpacked *f, struct slice blob, struct symbol_file *ret);

#endif
