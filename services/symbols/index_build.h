/*
 * Builds the index of a .sym in one pass. Memory is bounded by the number of functions and names,
 * not by the file: 16 bytes a function, some more a FILE or INLINE_ORIGIN, and one function's
 * lines.
 */
#ifndef PLIMSOLL_SYMBOLS_INDEX_BUILD_H
#define PLIMSOLL_SYMBOLS_INDEX_BUILD_H

#include <stdint.h>

#include "core/base/err.h"
#include "services/symbols/index_format.h"

struct index_limits {
	uint64_t sym_bytes;   /* of the text */
	uint32_t index_bytes; /* at most 4 GiB - 1 */
};

struct index_built {
	uint64_t sym_bytes;
	uint32_t index_bytes;
	uint32_t functions, publics;
	uint64_t lines, bad_lines; /* of the text */
};

/*
 * Reads the .sym, plain or gzip, from sym_fd and writes the index to index_fd, which is empty; both
 * are read and written by offset. hash is kept in the index (NULL: none). When this fails the
 * content of index_fd is no index. Does not sync.
 * ERR_SYNTAX: no .sym; ERR_CORRUPT: damaged gzip; ERR_LIMIT: too large, or too many functions or
 * names; ERR_IO, ERR_DISK_FULL, ERR_MEMORY.
 */
NODISCARD enum err index_build(int sym_fd, int index_fd, const unsigned char hash[INDEX_HASH_BYTES],
    const struct index_limits *limits, struct index_built *ret, struct err_note *note);

#endif
