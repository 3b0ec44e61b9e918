/*
 * The indexes that a web process has open, by the hash of the symbols' content. Who asks for one
 * that is being opened or built waits for it with the others; those that are not in use are closed
 * when there are too many. Symbols that cannot be indexed are remembered, since they stay the same.
 */
#ifndef PLIMSOLL_SYMBOLS_INDEX_SHELF_H
#define PLIMSOLL_SYMBOLS_INDEX_SHELF_H

#include "core/blob/blob.h"
#include "core/ev/loop.h"
#include "services/symbols/index_calls.h"
#include "services/symbols/sym_index.h"

struct index_shelf;

/* indexes is borrowed. At most max entries. ERR_MEMORY. */
NODISCARD enum err index_shelf_new(
    const struct blob_store *indexes, unsigned max, struct index_shelf **ret);
/* No task may be inside a function of it. */
void index_shelf_free(struct index_shelf **s);

struct index_taken {
	struct sym_index *index;
	bool was_at_hand; /* open already */
	bool was_built;	  /* by this call, or it waited for that */
	uint64_t sym_bytes;
};

/*
 * The index of a blob with symbols, opened or built if it has to be; from a task. It stays valid
 * until index_shelf_give(). ERR_NOT_FOUND: no symbols can be had from this blob; ERR_TOO_BUSY: all
 * entries are in use, or nobody is free to build; errors of waiting.
 */
NODISCARD enum err index_shelf_take(struct index_shelf *s, const struct index_caller *c,
    struct slice blob, struct index_taken *ret);

/* Gives it back; one that turned out to be damaged is removed, and built anew when next asked for.
 */
void index_shelf_give(struct index_shelf *s, const struct index_caller *c, struct sym_index *index);

struct index_shelf_state {
	unsigned open, failed; /* entries now */
	uint64_t taken, at_hand, opened, built, damaged, refused;
};
struct index_shelf_state index_shelf_state(const struct index_shelf *s);

#endif
