/*
 * Symbolication for people: offsets of one module as text, without a server.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLICATE_PRINT_H
#define PLIMSOLL_SYMBOLS_SYMBOLICATE_PRINT_H

#include <stdio.h>

#include "core/base/err.h"
#include "services/symbols/sym_index.h"

/* The index of a .sym, plain or gzip, built in memory; fd stays open. Errors as index_build(). */
NODISCARD enum err symbolicate_open(int fd, struct sym_index **ret, struct err_note *note);

/* "0x16fc" and "16fc" are the same. ERR_SYNTAX with note. */
NODISCARD enum err symbolicate_offset(const char *text, uint64_t *ret, struct err_note *note);

/*
 * A line for the function and one for each call inlined in it, the innermost first: offset,
 * function, place. ERR_CORRUPT: the index is damaged; ERR_MEMORY.
 */
NODISCARD enum err symbolicate_print(struct sym_index *ix, uint64_t offset, FILE *out);

#endif
