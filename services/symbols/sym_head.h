/*
 * The first lines of a Breakpad symbol file (MODULE and INFO): what code a .sym belongs to.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_HEAD_H
#define PLIMSOLL_SYMBOLS_SYM_HEAD_H

#include <stdbool.h>

#include "core/base/slice.h"

enum {
	SYM_HEAD_BYTES = 8192, /* of the file that are looked at */
	SYM_GENERATOR_MAX = 200
};

/* Borrowed from the text; empty where nothing (good) is said. Ids as they stand there. */
struct sym_head {
	struct slice debug_file, debug_id; /* both, or neither */
	struct slice code_file, code_id, generator;
	bool is_elf; /* the code id is a build id */
};

/* Reads up to the first line that is neither; one that cannot be read says nothing. */
void sym_head_read(struct slice text, struct sym_head *ret);

#endif
