/*
 * A table of numbers that several processes of the machine read and write: a file, mapped. It is
 * memory that they happen to share, and nothing that has to be kept.
 */
#ifndef PLIMSOLL_BASE_SHARED_WORDS_H
#define PLIMSOLL_BASE_SHARED_WORDS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

struct shared_words {
	void *map;
	_Atomic uint64_t *words; /* n of them; 0 where nobody has written; NULL: not open */
	size_t n;
};

/*
 * Maps n words of a file that all processes open, made if it is not there; path NULL: a table of
 * this process alone. ERR_MEMORY; ERR_IO with note.
 */
NODISCARD enum err shared_words_open(
    const char *path, size_t n, struct shared_words *ret, struct err_note *note);
/* Closing what is not open does nothing. */
void shared_words_close(struct shared_words *w);

#endif
