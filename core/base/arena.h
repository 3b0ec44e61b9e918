/*
 * An arena owns memory that dies together: that of one request, one message, one batch. Allocation
 * is a pointer bump; there is no free. Beyond its maximum it returns NULL. Things that are not
 * memory (descriptors, locks) join with arena_defer(). In sanitizer builds every allocation is a
 * malloc of its own, so that overruns inside an arena are seen.
 */
#ifndef PLIMSOLL_BASE_ARENA_H
#define PLIMSOLL_BASE_ARENA_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

struct arena_chunk;
struct arena_cleanup;

struct arena {
	struct arena_chunk *chunks;	/* newest first */
	struct arena_cleanup *cleanups; /* newest first */
	size_t used, max;		/* bytes asked of the system; the most it may ask */
};

/* An empty arena that may take up to max bytes; allocates nothing yet. */
static inline struct arena arena_new(size_t max)
{
	return (struct arena){ .max = max };
}

/* Runs the cleanups, newest first, and frees all memory; the arena is usable again. */
void arena_reset(struct arena *a);

/* len zeroed bytes aligned for any type, or NULL beyond the maximum. len 0 gives a valid pointer.
 */
void *arena_alloc(struct arena *a, size_t len);

/* Copies with a NUL behind. An allocation beyond the maximum gives ERR_MEMORY. */
NODISCARD enum err arena_copy(struct arena *a, struct slice s, struct slice *ret);

/* printf into the arena; NULL beyond the maximum. */
const char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Has fn(arg) run at the next reset. ERR_MEMORY: not registered, the caller cleans up itself. */
NODISCARD enum err arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);

/* An empty buffer with that maximum, freed at the next reset; NULL beyond the arena's maximum. */
struct buf *arena_buf(struct arena *a, size_t max);

#endif
