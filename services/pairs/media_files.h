/*
 * The files of pictures: below DATA_DIR/blobs/media, written by the role files alone. web calls
 * these from a task to have something written, kept or removed; it reads the files itself.
 */
#ifndef PLIMSOLL_PAIRS_MEDIA_FILES_H
#define PLIMSOLL_PAIRS_MEDIA_FILES_H

#include "core/blob/blob.h"
#include "core/rpc/rpc.h"
#include "core/service.h"
#include "services/pairs/pairs_chores.h"
#include "services/pairs/picture_wire.h"

#define MEDIA_FOLDER "blobs/media" /* below the data folder; the store in it is as any other */

enum {
	MEDIA_PIECE_MAX = 256 * 1024,	   /* bytes of one write to a draft */
	MEDIA_DRAFT_MS = 24 * 3600 * 1000, /* an upload that broke off is swept up then */
};

/* pairs.media_piece, .media_keep, .media_put, .media_drop, .media_remove, .media_old: web -> files
 */
extern const struct rpc_def pairs_media_piece, pairs_media_keep, pairs_media_put_file,
    pairs_media_drop, pairs_media_remove, pairs_media_old;

/* Before the sandbox closes. Errors as blob_open(). */
NODISCARD enum err media_files_open(
    const char *data_dir, enum blob_mode mode, struct blob_store **ret, struct err_note *note);

/* Who asks: the task that waits. */
struct media_caller {
	struct svc_env *env;
	struct arena *arena;
	int64_t deadline_us; /* monotonic, or DEADLINE_NONE */
	uint64_t trace;
	struct err_note *note;
};

/* Writes at offset; 0 makes the draft anew. */
NODISCARD enum err media_piece(
    const struct media_caller *c, struct slice draft, uint64_t offset, struct slice bytes);
/* The draft becomes the file of that name. ERR_NOT_FOUND: it has, or is gone. */
NODISCARD enum err media_keep(const struct media_caller *c, struct slice draft, const char *name);
/* Makes a whole file, of at most PICTURE_VARIANT_MAX bytes. */
NODISCARD enum err media_put(const struct media_caller *c, const char *name, struct slice bytes);
NODISCARD enum err media_drop(const struct media_caller *c, struct slice draft);
/* Drops a draft in a task of its own, so that it also happens when the caller is cancelled. */
void media_drop_later(struct svc_env *env, struct slice draft);
/* Removes all files of these pictures. */
NODISCARD enum err media_remove(const struct media_caller *c, const struct pairs_clean_list *list);

/*
 * The pictures of a shard of the store (blob.h) that have a file older than an hour, each perhaps
 * more than once, at most MEDIA_OLD_MAX; to be walked with media_old_next().
 */
enum {
	MEDIA_OLD_MAX = 20000,
	MEDIA_OLD_BYTES = 4 + MEDIA_OLD_MAX * 16,
};
NODISCARD enum err media_old(const struct media_caller *c, unsigned shard, struct slice *ret);
bool media_old_next(struct slice *rest, int64_t *ret_owner, int64_t *ret_id);

#endif
