/*
 * Blobs: files that are written once and then only read, under a name made from their content. A
 * blob begins as a draft, which nobody but its writer knows; blob_keep() makes it durable and gives
 * it its name in one step, so a name is either not there or stands for the whole content, whatever
 * breaks off in between.
 *
 * This is the engine for files: "DATA_DIR/blobs" with 256 folders by the first two digits of the
 * name, and "new" for drafts. Callers know names, offsets and bytes, never paths, so that an engine
 * for an object store can take its place; what such a one cannot give is blob_get()'s descriptor,
 * from which the kernel sends, and only the callers of that function have to ask.
 *
 * All functions block; nothing in a store changes after blob_open(), so any thread may call them.
 */
#ifndef PLIMSOLL_BLOB_BLOB_H
#define PLIMSOLL_BLOB_BLOB_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	BLOB_HASH_HEX = 64,   /* SHA-256 of the content that the blob stands for */
	BLOB_FORM_MAX = 8,    /* "gz": how it is stored; letters and digits */
	BLOB_NAME_SIZE = 80,  /* with NUL */
	BLOB_DRAFT_CHARS = 32 /* of a draft's name: letters and digits, see blob_draft_name() */
};

enum blob_mode {
	BLOB_READ,
	BLOB_WRITE
};

struct blob_store;

/*
 * Opens the blobs below data_dir. BLOB_WRITE makes the folders that are not there yet, which only
 * works before a sandbox closes. ERR_NOT_FOUND: BLOB_READ and there is no folder; ERR_IO,
 * ERR_DISK_FULL.
 */
NODISCARD enum err blob_open(
    const char *data_dir, enum blob_mode mode, struct blob_store **ret, struct err_note *note);
void blob_close(struct blob_store **s);

/* HASH or HASH.FORM, with a hash of lower-case digits. */
bool blob_name_is_good(struct slice name);

/* Makes a name from a hash of 32 bytes; form may be empty. */
void blob_name_of(const unsigned char hash[32], const char *form, char out[BLOB_NAME_SIZE]);

/* ---- drafts ---- */

/* A new draft's name by chance, with NUL; nothing is made yet. */
void blob_draft_name(char out[BLOB_DRAFT_CHARS + 1]);
bool blob_draft_is_good(struct slice draft);

/*
 * Makes the draft, empty; one of that name that is there is emptied. ERR_NOT_FOUND: that one was
 * taken just then.
 */
NODISCARD enum err blob_draft_make(
    const struct blob_store *s, struct slice draft, struct err_note *note);

/*
 * Writes all the bytes at that offset of a draft. ERR_NOT_FOUND: there is no such draft, or it was
 * taken meanwhile.
 */
NODISCARD enum err blob_draft_write(const struct blob_store *s, struct slice draft, uint64_t offset,
    struct slice bytes, struct err_note *note);

/*
 * Gives a draft another name, which nobody but the caller knows: those who wrote to it have ended
 * when this returns, and later ones find no draft. So what is looked at then is what is kept.
 * ERR_NOT_FOUND: there is no such draft.
 */
NODISCARD enum err blob_draft_take(
    const struct blob_store *s, struct slice draft, struct slice name, struct err_note *note);

/* A descriptor to read and write a draft with, the caller's to close. ERR_NOT_FOUND. */
NODISCARD enum err blob_draft_open(
    const struct blob_store *s, struct slice draft, int *ret_fd, struct err_note *note);

/*
 * Syncs the draft and gives it its name; when this returns ERR_OK both last. A blob that has the
 * name already is replaced: it has the same content, and whoever reads it goes on. Calling it again
 * after it went well gives ERR_NOT_FOUND.
 */
NODISCARD enum err blob_keep(
    const struct blob_store *s, struct slice draft, struct slice name, struct err_note *note);

/* Removes a draft; one that is not there is no error. */
NODISCARD enum err blob_drop(const struct blob_store *s, struct slice draft, struct err_note *note);

/* Removes drafts that nobody has written to since. *ret_n: how many. */
NODISCARD enum err blob_sweep_drafts(
    const struct blob_store *s, int64_t before_ms, unsigned *ret_n, struct err_note *note);

/* ---- blobs ---- */

/* A descriptor to read it with, the caller's to close, and its size. ERR_NOT_FOUND. */
NODISCARD enum err blob_get(const struct blob_store *s, struct slice name, int *ret_fd,
    uint64_t *ret_size, struct err_note *note);

/* Removes a blob; those that are reading it go on. One that is not there is no error. */
NODISCARD enum err blob_remove(
    const struct blob_store *s, struct slice name, struct err_note *note);

/* ---- between stores: backups; blob_copy.c ---- */

/*
 * Holds the blobs until blob_release() or blob_close(): while some look at all of them, nobody
 * (alone) removes any. ERR_TOO_BUSY: it is held the other way.
 */
NODISCARD enum err blob_hold(const struct blob_store *s, bool alone, struct err_note *note);
/* Holds them no more. */
void blob_release(const struct blob_store *s);

/*
 * The same file under the same name in another store. ERR_NOT_FOUND: from has no such blob;
 * ERR_UNSUPPORTED: the two cannot share a file.
 */
NODISCARD enum err blob_link(const struct blob_store *to, const struct blob_store *from,
    struct slice name, struct err_note *note);

/*
 * A copy in another store, as a draft of it, whose name is the caller's; neither synced nor named
 * yet. ERR_NOT_FOUND.
 */
NODISCARD enum err blob_copy(const struct blob_store *to, const struct blob_store *from,
    struct slice name, struct slice draft, struct err_note *note);

/* Gives a draft its name without syncing either: for many at once, with blob_sync() behind them. */
NODISCARD enum err blob_name_draft(
    const struct blob_store *s, struct slice draft, struct slice name, struct err_note *note);

/* Everything that was written so far lasts. */
NODISCARD enum err blob_sync(const struct blob_store *s, struct err_note *note);

/* Removes all blobs and drafts and the folders, of a copy that nobody wants; what it can. */
void blob_remove_all(struct blob_store **s, const char *data_dir);

struct blob_info {
	struct slice name;
	uint64_t size;
	int64_t kept_ms; /* when it was written last */
};

typedef enum err blob_fn(void *arg, const struct blob_info *info);

/* Calls fn for each blob, in no order, until it returns something else than ERR_OK. */
NODISCARD enum err blob_each(
    const struct blob_store *s, blob_fn *fn, void *arg, struct err_note *note);

/* The same for those whose names begin with these two digits: shard 0..255. */
enum {
	BLOB_SHARDS = 256
};
NODISCARD enum err blob_each_in(
    const struct blob_store *s, unsigned shard, blob_fn *fn, void *arg, struct err_note *note);

#endif
