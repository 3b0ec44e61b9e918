/*
 * Role: files (the opening is web's and media's, too). Its handlers run on the role's worker
 * thread: they may block, use only their arguments and the blob store, and do not log.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "services/pairs/media_files.h"
#include "services/pairs/pairs_media.h"
#include "services/pairs/pairs_priv.h"

enum {
	PATH_SIZE = 4200,
	OLD_MS = 3600 * 1000, /* its row may be about to come for no longer */
};

/* Any of the roles may be the first. */
static enum err make_folder(const char *path, struct err_note *note)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST
		   ? ERR_OK
		   : err_note_set(
			 note, err_from_errno(errno), "cannot make %s: %s", path, strerror(errno));
}

enum err media_files_open(
    const char *data_dir, enum blob_mode mode, struct blob_store **ret, struct err_note *note)
{
	char blobs[PATH_SIZE], folder[PATH_SIZE], below[PATH_SIZE + 8];
	unsigned n = 0;

	(void)snprintf(blobs, sizeof(blobs), "%s/blobs", data_dir);
	(void)snprintf(folder, sizeof(folder), "%s/" MEDIA_FOLDER, data_dir);
	(void)snprintf(below, sizeof(below), "%s/blobs", folder);
	enum err e = make_folder(blobs, note);
	if (e == ERR_OK) {
		e = make_folder(folder, note);
	}
	if (e == ERR_OK) {
		e = make_folder(below, note);
	}
	if (e == ERR_OK) {
		e = blob_open(folder, mode, ret, note);
	}
	if (e == ERR_OK && mode == BLOB_WRITE) {
		e = blob_sweep_drafts(*ret, clock_wall_ms() - MEDIA_DRAFT_MS, &n, note);
	}
	return e;
}

static const struct blob_store *store_of(void *role_state)
{
	return pairs_state(role_state)->blobs;
}

/* A draft's name in a message: a sibling made it. */
static struct slice take_draft(struct wire_reader *r)
{
	struct slice draft = wire_take_bytes(r);

	CHECK(blob_draft_is_good(draft));
	return draft;
}

static struct slice take_name(struct wire_reader *r)
{
	struct slice name = wire_take_bytes(r);

	CHECK(blob_name_is_good(name));
	return name;
}

/* Nobody comes back for a draft that could not be written; its room is for others. */
static enum err write_draft(const struct blob_store *blobs, struct slice draft, uint64_t offset,
    struct slice bytes, struct err_note *note)
{
	enum err e = offset == 0 ? blob_draft_make(blobs, draft, note) : ERR_OK;

	if (e == ERR_OK) {
		e = blob_draft_write(blobs, draft, offset, bytes, note);
	}
	if (e != ERR_OK) {
		enum err dropped = blob_drop(blobs, draft, NULL);
		(void)dropped;
	}
	return e;
}

static enum err handle_piece(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r);
	uint64_t offset = wire_take_u64(&r);
	struct slice bytes = wire_take_bytes(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	return write_draft(store_of(role_state), draft, offset, bytes, note);
}

static enum err handle_keep(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r), name = take_name(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	return blob_keep(store_of(role_state), draft, name, note);
}

static enum err handle_put(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct blob_store *blobs = store_of(role_state);
	struct wire_reader r = wire_reader_new(req);
	struct slice name = take_name(&r), bytes = wire_take_bytes(&r);
	char text[BLOB_DRAFT_CHARS + 1];

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	blob_draft_name(text);
	struct slice draft = SLICE_OF(text, BLOB_DRAFT_CHARS);
	enum err e = write_draft(blobs, draft, 0, bytes, note);
	return e == ERR_OK ? blob_keep(blobs, draft, name, note) : e;
}

static enum err handle_drop(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	return blob_drop(store_of(role_state), draft, note);
}

static enum err remove_files(
    const struct blob_store *blobs, const struct pairs_picture_key *k, struct err_note *note)
{
	char name[BLOB_NAME_SIZE];
	unsigned n = 0;
	const struct picture_size *sizes = picture_sizes(k->use, &n);
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i <= n; i++) {
		pairs_media_blob(
		    k->owner, k->id, i < n ? sizes[i].name : PAIRS_MEDIA_ORIGINAL, name);
		e = blob_remove(blobs, slice_str(name), note);
	}
	return e;
}

static enum err handle_remove(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct blob_store *blobs = store_of(role_state);
	struct pairs_clean_list list;

	(void)info;
	(void)reply;
	CHECK(pairs_clean_take(req, &list));
	/* A backup has rows of a moment ago, and wants their files. */
	enum err e = blob_hold(blobs, true, note);
	if (e != ERR_OK) {
		return e;
	}
	for (uint32_t i = 0; e == ERR_OK && i < list.n; i++) {
		e = remove_files(blobs, &list.pictures[i], note);
	}
	blob_release(blobs);
	return e;
}

static enum err put_old(void *arg, const struct blob_info *info)
{
	struct buf *reply = arg;
	int64_t owner = 0, id = 0;

	if (info->kept_ms > clock_wall_ms() - OLD_MS ||
	    !pairs_media_of_blob(info->name, &owner, &id)) {
		return ERR_OK;
	}
	if (reply->len + 16 > MEDIA_OLD_MAX * 16) {
		return ERR_END;
	}
	wire_put_i64(reply, owner);
	wire_put_i64(reply, id);
	return ERR_OK;
}

static enum err handle_old(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	uint32_t shard = wire_take_u32(&r);

	(void)info;
	CHECK(wire_done(&r) && shard < BLOB_SHARDS);
	enum err e = blob_each_in(store_of(role_state), shard, put_old, reply, note);
	return e == ERR_END ? ERR_OK : e;
}

#define FILES_ROW(row_name, req, rep, ms, us, row_flags, fn)                                       \
	{                                                                                          \
		.name = (row_name), .from = ROLE_BIT(ROLE_WEB), .to = ROLE_FILES,                  \
		.max_req = (req), .max_rep = (rep), .deadline_ms = (ms), .cost_us = (us),          \
		.flags = (row_flags), .handle = (fn)                                               \
	}

/* clang-format off */
const struct rpc_def pairs_media_piece = FILES_ROW("pairs.media_piece", MEDIA_PIECE_MAX + 128, 0, 60000, 300, 0, handle_piece);
const struct rpc_def pairs_media_keep = FILES_ROW("pairs.media_keep", 256, 0, 60000, 5000, 0, handle_keep);
const struct rpc_def pairs_media_put_file = FILES_ROW("pairs.media_put", PICTURE_VARIANT_MAX + 256, 0, 60000, 5000, RPC_IDEMPOTENT, handle_put);
const struct rpc_def pairs_media_drop = FILES_ROW("pairs.media_drop", 128, 0, 60000, 100, RPC_IDEMPOTENT, handle_drop);
const struct rpc_def pairs_media_remove = FILES_ROW("pairs.media_remove", 512, 0, 60000, 1000, RPC_IDEMPOTENT, handle_remove);
const struct rpc_def pairs_media_old = FILES_ROW("pairs.media_old", 16, MEDIA_OLD_BYTES, 60000, 1000, RPC_IDEMPOTENT, handle_old);
/* clang-format on */
