/*
 * Files that were just asked for, in the memory of this web process: what the database says of
 * each, and the stored bytes of small ones, so that the next one who asks needs neither the
 * database nor, for these, the disk. What is here holds as long as a mark of miss_cache would: for
 * some seconds, and until something arrives that has the id. Who removes files opens the table of
 * misses, which voids all.
 */
#ifndef PLIMSOLL_SYMBOLS_HOT_FILES_H
#define PLIMSOLL_SYMBOLS_HOT_FILES_H

#include "services/symbols/miss_cache.h"
#include "services/symbols/symbol_file.h"

enum {
	HOT_PARTS = 5,
	HOT_SLOTS = 4096,	 /* files at most */
	HOT_BYTES_MAX = 8 << 20, /* of all together */
	HOT_FILE_MAX = 48 * 1024 /* stored bytes of one */
};

/* What was asked for, and when. */
struct hot_key {
	struct slice parts[HOT_PARTS];
	unsigned n;
	uint64_t hash, stamp; /* as miss_cache has them */
};

/* To be taken before it is looked for, by id (miss_cache_stamp()). The parts are borrowed. */
struct hot_key hot_key_of(const struct miss_cache *m, const struct slice *parts, unsigned n,
    struct slice id, int64_t now_us);

struct hot_files;

NODISCARD enum err hot_files_new(struct hot_files **ret);
void hot_files_free(struct hot_files **h);

/*
 * The row, and the bytes as they are stored; both are borrowed until the task waits or a file is
 * put here. The next one who gets it finds it used at now_ms. False: it is not here.
 */
bool hot_files_get(struct hot_files *h, const struct hot_key *key, int64_t now_ms,
    struct symbol_file *ret, struct slice *ret_bytes);

/*
 * Copies them; the place may be another file's, which goes. bytes: empty for larger files. Without
 * memory nothing happens.
 */
void hot_files_put(struct hot_files *h, const struct hot_key *key, const struct symbol_file *f,
    struct slice bytes);

#endif
