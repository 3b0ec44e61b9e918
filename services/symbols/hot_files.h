/*
 * Files that were just asked for, at hand in this web process: what the database says of each, and
 * the stored bytes of small ones or the open blob of larger ones, so that the next one who asks
 * needs neither the database nor a look for the file. What is here holds as long as a mark of
 * miss_cache would: for some seconds, and until something arrives that has the id. Who removes
 * files opens the table of misses, which voids all. A blob has the name of its content and never
 * changes: one that is open here is right as long as the row is.
 */
#ifndef PLIMSOLL_SYMBOLS_HOT_FILES_H
#define PLIMSOLL_SYMBOLS_HOT_FILES_H

#include "services/symbols/miss_cache.h"
#include "services/symbols/symbol_file.h"

enum {
	HOT_PARTS = 5,
	HOT_SLOTS = 4096,	 /* files at most */
	HOT_BYTES_MAX = 8 << 20, /* of all together */
	/* Stored bytes of one: of more the kernel sends its own pages cheaper than it copies ours.
	 */
	HOT_FILE_MAX = 8 * 1024,
	HOT_OPEN_MAX = 256 /* larger ones, each with a descriptor */
};

/* What was asked for, and when. */
struct hot_key {
	struct slice parts[HOT_PARTS];
	unsigned n;
	uint64_t hash, stamp; /* as miss_cache has them */
	int64_t now_us;
};

/* A file as it is kept. */
struct hot_file {
	struct symbol_file row;
	struct slice bytes; /* the blob as it is stored; empty for larger ones */
	bool is_open;	    /* fd is the blob */
	int fd;
};

/* To be taken before it is looked for, by id (miss_cache_stamp()). The parts are borrowed. */
struct hot_key hot_key_of(const struct miss_cache *m, const struct slice *parts, unsigned n,
    struct slice id, int64_t now_us);

struct hot_files;

NODISCARD enum err hot_files_new(struct hot_files **ret);
void hot_files_free(struct hot_files **h);

/*
 * All of it is borrowed, the descriptor too, until the task waits or a file is put here. The next
 * one who gets it finds it used at now_ms. False: it is not here.
 */
bool hot_files_get(
    struct hot_files *h, const struct hot_key *key, int64_t now_ms, struct hot_file *ret);

/*
 * Copies it, the descriptor by dup(); the place may be another file's, which goes. Without memory
 * or descriptors nothing happens.
 */
void hot_files_put(struct hot_files *h, const struct hot_key *key, const struct hot_file *f);

/*
 * Closes what has been open for so long that nobody can get it any more: gc may have removed it,
 * and the disk gets its room back when it is closed. To be called every few seconds.
 */
void hot_files_close_old(struct hot_files *h, int64_t now_us);

/* Blobs that are open. */
unsigned hot_files_open_count(const struct hot_files *h);

#endif
