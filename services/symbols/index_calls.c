/*
 * The calls as web makes them; index_work.c has the other side.
 */
#include "services/symbols/index_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/wire.h"

enum {
	MESSAGE_MAX = 256,
	PATH_SIZE = 4200,
	LONGEST_BUILD_MS = 3600000
};

static enum err make_folder(const char *path, struct err_note *note)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST) {
		return ERR_OK;
	}
	return err_note_set(note, err_from_errno(errno), "cannot make the folder %s", path);
}

enum err index_store_open(
    const char *data_dir, enum blob_mode mode, struct blob_store **ret, struct err_note *note)
{
	char folder[PATH_SIZE], below[PATH_SIZE + 8];

	(void)snprintf(folder, sizeof(folder), "%s/blobs/index", data_dir);
	(void)snprintf(below, sizeof(below), "%s/blobs", folder);
	enum err e = make_folder(folder, note);
	if (e == ERR_OK) {
		e = make_folder(below, note);
	}
	if (e == ERR_OK) {
		e = blob_open(folder, mode, ret, note);
	}
	/* What a process that was killed has left. */
	unsigned n = 0;
	if (e == ERR_OK && mode == BLOB_WRITE) {
		e = blob_sweep_drafts(*ret, clock_wall_ms() - LONGEST_BUILD_MS, &n, note);
	}
	return e;
}

bool index_hash(struct slice hash, unsigned char ret[INDEX_HASH_BYTES])
{
	size_t len = 0;

	return dec_hex(hash, ret, INDEX_HASH_BYTES, &len) == ERR_OK && len == INDEX_HASH_BYTES;
}

struct slice index_name(struct arena *arena, struct slice hash)
{
	return slice_str(arena_printf(arena, "%.*s." INDEX_FORM, SLICE_ARG(hash)));
}

static enum err call(const struct index_caller *c, const struct rpc_def *def, struct buf *message,
    struct slice *ret_reply)
{
	enum err e = message->failed ? ERR_LIMIT
				     : rpc_call(c->files, def, buf_slice(message), c->deadline_us,
					   c->trace, c->arena, ret_reply, c->note);

	buf_free(message);
	return e;
}

enum err index_call_build(const struct index_caller *c, struct slice blob, struct index_built *ret)
{
	struct buf message = buf_new(MESSAGE_MAX);
	struct slice reply = SLICE_EMPTY;

	wire_put_bytes(&message, blob);
	enum err e = call(c, &symbols_index_build, &message, &reply);
	if (e == ERR_OK) {
		struct wire_reader r = wire_reader_new(reply);
		ret->sym_bytes = wire_take_u64(&r);
		ret->index_bytes = wire_take_u32(&r);
		ret->functions = wire_take_u32(&r);
		ret->publics = wire_take_u32(&r);
		ret->lines = wire_take_u64(&r);
		ret->bad_lines = wire_take_u64(&r);
		CHECK(wire_done(&r));
	}
	return e;
}

enum err index_call_used(const struct index_caller *c, struct slice hash, bool is_damaged)
{
	struct buf message = buf_new(MESSAGE_MAX);

	wire_put_bytes(&message, hash);
	wire_put_u8(&message, is_damaged ? 1 : 0);
	return call(c, &symbols_index_used, &message, NULL);
}
