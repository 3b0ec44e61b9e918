/*
 * The calls as web makes them; file_work.c has the other side.
 */
#include "services/symbols/file_calls.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/ev/task.h"

enum {
	LOOK_AGAIN_US = 20000
};

static enum err call(const struct file_caller *c, const struct rpc_def *def, struct buf *message,
    struct slice *ret_reply)
{
	const int64_t until_us = c->patience_us > 0 ? clock_mono_us() + c->patience_us : 0;
	enum err e = ERR_LIMIT;

	/* What is refused has not begun. */
	while (!message->failed) {
		e = rpc_call(c->files, def, buf_slice(message), DEADLINE_NONE, c->trace, c->arena,
		    ret_reply, c->note);
		if (e != ERR_TOO_BUSY || clock_mono_us() >= until_us ||
		    task_sleep(LOOK_AGAIN_US) != ERR_OK) {
			break;
		}
	}
	buf_free(message);
	return e;
}

enum err file_draft_write(
    const struct file_caller *c, struct slice draft, uint64_t offset, struct slice bytes)
{
	struct buf message = buf_new(symbols_draft_write.max_req);

	wire_put_bytes(&message, draft);
	wire_put_u64(&message, offset);
	wire_put_bytes(&message, bytes);
	return call(c, &symbols_draft_write, &message, NULL);
}

enum err file_draft_size(const struct file_caller *c, struct slice draft, uint64_t *ret_size)
{
	struct buf message = buf_new(FILE_MESSAGE_MAX);
	struct slice reply = SLICE_EMPTY;

	wire_put_bytes(&message, draft);
	enum err e = call(c, &symbols_draft_size, &message, &reply);
	if (e == ERR_OK) {
		struct wire_reader r = wire_reader_new(reply);
		*ret_size = wire_take_u64(&r);
		CHECK(wire_done(&r));
	}
	return e;
}

/* A message of two names. */
static enum err call_with_names(
    const struct file_caller *c, const struct rpc_def *def, struct slice draft, struct slice name)
{
	struct buf message = buf_new(FILE_MESSAGE_MAX);

	wire_put_bytes(&message, draft);
	wire_put_bytes(&message, name);
	return call(c, def, &message, NULL);
}

enum err file_draft_take(const struct file_caller *c, struct slice draft, struct slice name)
{
	return call_with_names(c, &symbols_draft_take, draft, name);
}

enum err file_list(const struct file_caller *c, struct slice draft, uint64_t max_members,
    uint64_t max_unpacked, struct slice *ret)
{
	struct buf message = buf_new(FILE_MESSAGE_MAX);

	wire_put_bytes(&message, draft);
	wire_put_u64(&message, max_members);
	wire_put_u64(&message, max_unpacked);
	return call(c, &symbols_archive_list, &message, ret);
}

bool file_list_next(struct slice *rest, struct zip_member *ret)
{
	struct wire_reader r = wire_reader_new(*rest);

	if (rest->len == 0) {
		return false;
	}
	ret->name = wire_take_bytes(&r);
	ret->method = (enum zip_method)wire_take_u8(&r);
	ret->crc = wire_take_u32(&r);
	ret->packed = wire_take_u64(&r);
	ret->size = wire_take_u64(&r);
	ret->header = wire_take_u64(&r);
	CHECK(!r.bad);
	*rest = r.rest;
	return true;
}

static void put_unpack(struct buf *out, const struct file_unpack *u)
{
	const struct zip_member none = { .name = SLICE_EMPTY };
	const struct zip_member *m = u->member == NULL ? &none : u->member;

	wire_put_bytes(out, u->source);
	wire_put_u8(out, u->member != NULL ? 1 : 0);
	wire_put_bytes(out, m->name);
	wire_put_u8(out, (uint8_t)m->method);
	wire_put_u32(out, m->crc);
	wire_put_u64(out, m->packed);
	wire_put_u64(out, m->size);
	wire_put_u64(out, m->header);
	wire_put_u8(out, (uint8_t)u->form);
	wire_put_u64(out, u->max_size);
	wire_put_u8(out, u->as_gzip ? 1 : 0);
	wire_put_bytes(out, u->out);
}

enum err file_unpack(
    const struct file_caller *c, const struct file_unpack *u, struct file_unpacked *ret)
{
	struct buf message = buf_new(FILE_MESSAGE_MAX);
	struct slice reply = SLICE_EMPTY;

	put_unpack(&message, u);
	enum err e = call(c, &symbols_unpack, &message, &reply);
	if (e != ERR_OK) {
		return e;
	}
	struct wire_reader r = wire_reader_new(reply);
	struct slice sha256 = wire_take_bytes(&r), md5 = wire_take_bytes(&r);
	struct file_unpacked f = { .size = wire_take_u64(&r) };
	f.stored_size = wire_take_u64(&r);
	f.debug_file = wire_take_bytes(&r);
	f.debug_id = wire_take_bytes(&r);
	f.code_file = wire_take_bytes(&r);
	f.code_id = wire_take_bytes(&r);
	f.generator = wire_take_bytes(&r);
	f.is_elf = wire_take_u8(&r) != 0;
	f.elf.kind = wire_take_u8(&r);
	f.elf.size = wire_take_u64(&r);
	struct slice build_id = wire_take_bytes(&r);
	CHECK(wire_done(&r) && sha256.len == sizeof(f.sha256) && md5.len == sizeof(f.md5));
	CHECK(slice_to_cstr(build_id, f.elf.build_id, sizeof(f.elf.build_id)) == ERR_OK);
	memcpy(f.sha256, sha256.ptr, sizeof(f.sha256));
	memcpy(f.md5, md5.ptr, sizeof(f.md5));
	*ret = f;
	return ERR_OK;
}

enum err file_keep(const struct file_caller *c, struct slice draft, struct slice name)
{
	return call_with_names(c, &symbols_keep, draft, name);
}

/* ---- dropping ---- */

enum err file_drop(const struct file_caller *c, struct slice draft)
{
	struct buf message = buf_new(FILE_MESSAGE_MAX);

	wire_put_bytes(&message, draft);
	return call(c, &symbols_drop, &message, NULL);
}

struct drop {
	struct rpc_pool *files;
	char draft[BLOB_DRAFT_CHARS];
};

/* What cannot be dropped now is swept up later. */
static void drop_task(void *arg)
{
	struct drop *d = arg;
	struct arena arena = arena_new(FILE_MESSAGE_MAX);
	struct err_note note = { 0 };
	const struct file_caller c = {
		.files = d->files, .arena = &arena, .note = &note, .patience_us = FILE_PATIENCE_US
	};
	enum err e = file_drop(&c, SLICE_OF(d->draft, BLOB_DRAFT_CHARS));
	(void)e;
	arena_reset(&arena);
	free(d);
}

void file_drop_later(struct loop *l, struct rpc_pool *files, struct slice draft)
{
	struct drop *d = malloc(sizeof(*d));

	CHECK(draft.len == BLOB_DRAFT_CHARS);
	if (d == NULL) {
		return;
	}
	d->files = files;
	memcpy(d->draft, draft.ptr, BLOB_DRAFT_CHARS);
	if (task_spawn(l, drop_task, d, DEADLINE_NONE, NULL) != ERR_OK) {
		free(d);
	}
}
