/*
 * An index (index_format.h) that is mapped and asked. Nothing in the file is believed: every place
 * is checked against the file, every block of 4 KiB against its sum before the first byte of it is
 * used. What does not fit marks the index damaged for good; its owner throws it away and has it
 * built anew.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_INDEX_H
#define PLIMSOLL_SYMBOLS_SYM_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "services/symbols/index_format.h"

enum {
	/* Calls that one address may lie in; what is deeper is left out. */
	SYM_CALLS_MAX = 64
};

struct sym_index;

/*
 * Maps the index in fd, whose position does not matter; fd may be closed afterwards. hash (NULL:
 * any) is what it must have been made of. ERR_CORRUPT: no index, one of another version or source,
 * or damaged; ERR_IO, ERR_MEMORY.
 */
NODISCARD enum err sym_index_open(int fd, const unsigned char hash[INDEX_HASH_BYTES],
    struct sym_index **ret, struct err_note *note);
void sym_index_close(struct sym_index **ix);

/* Bytes of the file, and whether some of it turned out not to be what was written. */
uint32_t sym_index_bytes(const struct sym_index *ix);
bool sym_index_is_damaged(const struct sym_index *ix);

/* A pointer of whoever keeps it open; NULL at first. */
void sym_index_set_owner(struct sym_index *ix, void *owner);
void *sym_index_owner(const struct sym_index *ix);

/* A function and where in it; names for sym_index_text(), 0: not known. */
struct sym_call {
	uint32_t function, file;
	uint32_t line; /* 0: not known */
};

struct sym_found {
	uint32_t start, size; /* of the function; size 0: a public symbol, whose end nobody knows */
	/* [0] is the function itself, then what is inlined in it, the innermost last. */
	struct sym_call calls[SYM_CALLS_MAX + 1];
	unsigned n_calls;
};

/* What is at that offset from the module's base. False: nothing is known of it. */
bool sym_index_find(struct sym_index *ix, uint64_t offset, struct sym_found *ret);

/* Appends a name; false: damaged, or beyond the buffer's maximum. */
bool sym_index_text(struct sym_index *ix, uint32_t name, struct buf *out);

/* What the file says of its module; 0: nothing. */
struct sym_identity {
	uint32_t name, id, code_id, code_file;
};
struct sym_identity sym_index_identity(const struct sym_index *ix);

#endif
