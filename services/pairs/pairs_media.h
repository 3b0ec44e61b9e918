/*
 * Pictures of couples and members as the database has them, and how answers and events show them.
 * A row is there from the upload on; what is made of the picture comes later, and its row says how
 * far that is. Of an owner that is a couple it is a photo, of one that is a member an avatar.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_MEDIA_H
#define PLIMSOLL_PAIRS_PAIRS_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/blob/blob.h"
#include "core/store/sql.h"
#include "services/pairs/picture_wire.h"

enum pairs_media_state {
	PAIRS_MEDIA_PENDING, /* its sizes are yet to be made */
	PAIRS_MEDIA_READY,
	PAIRS_MEDIA_FAILED, /* for good, see reason */
	PAIRS_MEDIA_GONE,   /* nobody finds it any more; its files are about to go, then the row */
};

enum {
	PAIRS_MEDIA_TEXT = 128, /* bytes of struct pairs_media.sizes */
	PAIRS_AVATARS_MAX = 4,	/* of one member at a time */
	PAIRS_MEDIA_PAGE = 100,
};

/* Text is in the caller's arena, or belongs to the row that is walked over. */
struct pairs_media {
	int64_t owner, id, user;
	enum picture_use use;
	enum pairs_media_state state;
	int64_t bytes, width, height, created_ms, lease;
	struct slice format, caption, reason;
	struct slice sizes; /* "WIDTHxHEIGHT,BYTES,FORMAT;" for each, in the order of sizes */
};

/* Of one size that was made. */
struct pairs_media_size {
	const char *name;
	uint64_t width, height, bytes;
	enum picture_format format;
};

/* ERR_NOT_FOUND: there is none, or it is gone. */
NODISCARD enum err pairs_media_get(struct sql_db *db, struct arena *arena, int64_t owner,
    int64_t id, struct pairs_media *ret, struct err_note *note);

/* Columns of the walked row; text is the row's. */
struct pairs_media pairs_media_of(struct sql_query *q);

/* Reads the size at place i. False: not ready, or no such size. */
bool pairs_media_size(const struct pairs_media *m, unsigned i, struct pairs_media_size *ret);

/* struct pairs_media.sizes of what was made. */
void pairs_media_sizes_put(struct buf *out, const struct picture_result *r);

/* Where a size is to be had; url: writes it. */
struct pairs_media_links {
	void (*put)(void *arg, struct json_writer *json, const struct pairs_media *m,
	    const struct pairs_media_size *size);
	void *arg;
};

/* Members of an object that has been begun; links NULL: without any. */
void pairs_media_put(
    struct json_writer *json, const struct pairs_media *m, const struct pairs_media_links *links);

/*
 * The name of a file of it in the store: what was uploaded, or a size. Names are made from the two
 * numbers and nothing else, so that what is made twice is one file, and whoever knows the row knows
 * the files.
 */
#define PAIRS_MEDIA_ORIGINAL "original"
void pairs_media_blob(int64_t owner, int64_t id, const char *form, char out[BLOB_NAME_SIZE]);

/* The way back. False: no such name. */
bool pairs_media_of_blob(struct slice name, int64_t *ret_owner, int64_t *ret_id);

#endif
