/*
 * Role: web. The calls; media_files_work.c has the other side.
 */
#include "services/pairs/media_files.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/ev/task.h"

static enum err call(const struct media_caller *c, const struct rpc_def *def, struct buf *message)
{
	enum err e = message->failed ? ERR_MEMORY
				     : rpc_call(c->env->peer[ROLE_FILES], def, buf_slice(message),
					   c->deadline_us, c->trace, c->arena, NULL, c->note);

	buf_free(message);
	return e;
}

enum err media_piece(
    const struct media_caller *c, struct slice draft, uint64_t offset, struct slice bytes)
{
	struct buf message = buf_new(pairs_media_piece.max_req);

	wire_put_bytes(&message, draft);
	wire_put_u64(&message, offset);
	wire_put_bytes(&message, bytes);
	return call(c, &pairs_media_piece, &message);
}

enum err media_keep(const struct media_caller *c, struct slice draft, const char *name)
{
	struct buf message = buf_new(pairs_media_keep.max_req);

	wire_put_bytes(&message, draft);
	wire_put_bytes(&message, slice_str(name));
	return call(c, &pairs_media_keep, &message);
}

enum err media_put(const struct media_caller *c, const char *name, struct slice bytes)
{
	struct buf message = buf_new(pairs_media_put_file.max_req);

	wire_put_bytes(&message, slice_str(name));
	wire_put_bytes(&message, bytes);
	return call(c, &pairs_media_put_file, &message);
}

enum err media_drop(const struct media_caller *c, struct slice draft)
{
	struct buf message = buf_new(pairs_media_drop.max_req);

	wire_put_bytes(&message, draft);
	return call(c, &pairs_media_drop, &message);
}

enum err media_remove(const struct media_caller *c, const struct pairs_clean_list *list)
{
	struct buf message = buf_new(pairs_media_remove.max_req);

	pairs_clean_put(&message, list);
	return call(c, &pairs_media_remove, &message);
}

enum err media_old(const struct media_caller *c, unsigned shard, struct slice *ret)
{
	struct buf message = buf_new(pairs_media_old.max_req);

	wire_put_u32(&message, shard);
	enum err e = rpc_call(c->env->peer[ROLE_FILES], &pairs_media_old, buf_slice(&message),
	    c->deadline_us, c->trace, c->arena, ret, c->note);
	buf_free(&message);
	return e;
}

bool media_old_next(struct slice *rest, int64_t *ret_owner, int64_t *ret_id)
{
	struct wire_reader r = wire_reader_new(*rest);

	if (rest->len == 0) {
		return false;
	}
	*ret_owner = wire_take_i64(&r);
	*ret_id = wire_take_i64(&r);
	CHECK(!r.bad);
	*rest = r.rest;
	return true;
}

/* ---- dropping beside the caller ---- */

struct drop {
	struct svc_env *env;
	char draft[BLOB_DRAFT_CHARS];
};

static void drop_task(void *arg)
{
	struct drop *d = arg;
	struct arena arena = arena_new(MEDIA_PIECE_MAX);
	struct err_note note = { 0 };
	const struct media_caller c = {
		.env = d->env, .arena = &arena, .deadline_us = DEADLINE_NONE, .note = &note
	};
	enum err e = media_drop(&c, SLICE_OF(d->draft, BLOB_DRAFT_CHARS));

	(void)e; /* swept up later */
	arena_reset(&arena);
	free(d);
}

void media_drop_later(struct svc_env *env, struct slice draft)
{
	struct drop *d = malloc(sizeof(*d));

	CHECK(draft.len == BLOB_DRAFT_CHARS);
	if (d == NULL) {
		return;
	}
	d->env = env;
	memcpy(d->draft, draft.ptr, BLOB_DRAFT_CHARS);
	if (task_spawn(env->loop, drop_task, d, DEADLINE_NONE, NULL) != ERR_OK) {
		free(d);
	}
}
