/*
 * Which keys are known not to be there: most requests of crash reporters ask for modules that
 * nobody has uploaded, and those are answered from memory. The table is shared by the processes of
 * a machine. What it says holds for some seconds and until the next upload, of whatever it may be:
 * a symbol that has just arrived is there for the next request.
 *
 * Who looks for a key takes the stamp before looking into the database and marks the key with that
 * stamp: if something arrives in between, the mark is void from the start.
 */
#ifndef PLIMSOLL_SYMBOLS_MISS_CACHE_H
#define PLIMSOLL_SYMBOLS_MISS_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	MISS_CACHE_SLOTS = 1 << 17, /* of eight bytes */
	MISS_CACHE_SECONDS = 10	    /* for the uploads that other machines take */
};

struct miss_cache;

/* Opens or makes the table in the file at path, for all who do; NULL: one of this process' own. */
NODISCARD enum err miss_cache_open(
    const char *path, struct miss_cache **ret, struct err_note *note);
void miss_cache_close(struct miss_cache **m);

/* What of the key counts, as a number for the functions below. */
uint64_t miss_cache_hash(const struct miss_cache *m, const struct slice *parts, unsigned n);

/* The present stamp. */
uint64_t miss_cache_stamp(const struct miss_cache *m, int64_t now_us);

/*
 * A stamp for marks of another kind, which hold until a span of time is over, whatever is uploaded:
 * that other servers do not have a key either. Keys of the two kinds must differ.
 */
uint64_t miss_cache_stamp_lasting(int64_t now_us, int64_t span_us);

/* A number by chance that all who have the table open share, as long as its file is there. */
uint64_t miss_cache_id(const struct miss_cache *m);

bool miss_cache_has(const struct miss_cache *m, uint64_t hash, uint64_t stamp);
void miss_cache_mark(struct miss_cache *m, uint64_t hash, uint64_t stamp);

/* Something has been added, and whoever asks the database from now on sees it. */
void miss_cache_forget(struct miss_cache *m);

#endif
