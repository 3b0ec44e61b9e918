/*
 * Which keys are known not to be there: most requests of crash reporters ask for modules that
 * nobody has uploaded, and those are answered from memory. The table is shared by the processes of
 * a machine. What it says holds for some seconds and until something arrives that has the id in the
 * key (or another one of the same 4096th part of all ids): a symbol that has just arrived is there
 * for the next request, and what is known of others stays known while thousands arrive.
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
	MISS_CACHE_PARTS = 4096,    /* of all ids, each with a count of what has arrived */
	MISS_CACHE_SECONDS = 10	    /* for the uploads that other machines take */
};

struct miss_cache;

/* Opens or makes the table in the file at path, for all who do; NULL: one of this process' own. */
NODISCARD enum err miss_cache_open(
    const char *path, struct miss_cache **ret, struct err_note *note);
/* The table of the server with that data folder; NULL: one of this process' own. */
NODISCARD enum err miss_cache_open_in(
    const char *data_dir, struct miss_cache **ret, struct err_note *note);
void miss_cache_close(struct miss_cache **m);

/* What of the key counts, as a number for the functions below. */
uint64_t miss_cache_hash(const struct miss_cache *m, const struct slice *parts, unsigned n);

/*
 * The present stamp of the key with that hash, which is looked for by id: a debug, code or build
 * id in either case. Spans of time end at another moment for each key, so that not all are looked
 * for anew at once.
 */
uint64_t miss_cache_stamp(
    const struct miss_cache *m, uint64_t hash, struct slice id, int64_t now_us);

/*
 * A stamp for marks of another kind, which hold until a span of time is over, whatever is uploaded:
 * that other servers do not have a key either. Keys of the two kinds must differ.
 */
uint64_t miss_cache_stamp_lasting(uint64_t hash, int64_t now_us, int64_t span_us);

/* A number by chance that all who have the table open share, as long as its file is there. */
uint64_t miss_cache_id(const struct miss_cache *m);

bool miss_cache_has(const struct miss_cache *m, uint64_t hash, uint64_t stamp);
void miss_cache_mark(struct miss_cache *m, uint64_t hash, uint64_t stamp);

/*
 * Something has been added that is found by id, and whoever asks the database from now on sees it.
 * An empty id is none.
 */
void miss_cache_forget(struct miss_cache *m, struct slice id);

/* The same, by whatever id. */
void miss_cache_forget_all(struct miss_cache *m);

#endif
