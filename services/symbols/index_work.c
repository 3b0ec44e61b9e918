/*
 * Role: files. Building indexes, one at a time in a process, and each once on the machine
 * (derived.h).
 */
#include <fcntl.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/wire.h"
#include "services/symbols/derived.h"
#include "services/symbols/index_calls.h"
#include "services/symbols/symbols_priv.h"

enum {
	NAME_ARENA = 1024
};

/* ---- building ---- */

/* One build. */
struct job {
	const struct symbols_state *state;
	struct slice blob; /* of the symbols */
	unsigned char hash[INDEX_HASH_BYTES];
	struct index_built built;
	struct err_note *note;
};

static enum err build_into(void *arg, int out)
{
	struct job *j = arg;
	const struct index_limits limits = { .sym_bytes = (uint64_t)j->state->settings.max_sym,
		.index_bytes = UINT32_MAX };
	uint64_t size;
	int from = -1;
	enum err e = blob_get(j->state->blobs, j->blob, &from, &size, j->note);

	if (e != ERR_OK) {
		return e;
	}
	(void)posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
	e = index_build(from, out, j->hash, &limits, &j->built, j->note);
	(void)close(from);
	return e;
}

static enum err handle_build(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct arena arena = arena_new(NAME_ARENA);
	struct job j = { .state = symbols_state(role_state), .note = note };

	(void)info;
	j.blob = wire_take_bytes(&r);
	CHECK(wire_done(&r) && blob_name_is_good(j.blob));
	struct slice hash = slice_sub(j.blob, 0, BLOB_HASH_HEX);
	CHECK(index_hash(hash, j.hash));
	enum err e = derived_make(&(struct derived){ .store = j.state->indexes,
	    .name = index_name(&arena, hash),
	    .max_bytes = (uint64_t)j.state->settings.index_cache,
	    .make = build_into,
	    .arg = &j,
	    .note = note });
	arena_reset(&arena);
	if (e == ERR_OK) {
		wire_put_u64(reply, j.built.sym_bytes);
		wire_put_u32(reply, j.built.index_bytes);
		wire_put_u32(reply, j.built.functions);
		wire_put_u32(reply, j.built.publics);
		wire_put_u64(reply, j.built.lines);
		wire_put_u64(reply, j.built.bad_lines);
	}
	return e;
}

/* ---- use ---- */

static enum err handle_used(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct blob_store *indexes = symbols_state(role_state)->indexes;
	struct wire_reader r = wire_reader_new(req);
	struct arena arena = arena_new(NAME_ARENA);
	struct slice hash = wire_take_bytes(&r);
	bool is_damaged = wire_take_u8(&r) != 0;
	unsigned char bytes[INDEX_HASH_BYTES];

	(void)info;
	(void)reply;
	CHECK(wire_done(&r) && index_hash(hash, bytes));
	struct slice name = index_name(&arena, hash);
	enum err e = is_damaged ? blob_remove(indexes, name, note) : derived_touch(indexes, name);
	arena_reset(&arena);
	return e;
}

#define INDEX_ROW(row_name, ms, us, row_flags, fn)                                                 \
	{                                                                                          \
		.name = (row_name), .from = ROLE_BIT(ROLE_WEB), .to = ROLE_FILES, .max_req = 256,  \
		.max_rep = 64, .deadline_ms = (ms), .cost_us = (us), .flags = (row_flags),         \
		.handle = (fn)                                                                     \
	}

/* A .sym of 1 GB takes half a minute. */
const struct rpc_def symbols_index_build =
    INDEX_ROW("symbols.index_build", 120000, 20000, RPC_IDEMPOTENT, handle_build);
const struct rpc_def symbols_index_used =
    INDEX_ROW("symbols.index_used", 20000, 100, RPC_IDEMPOTENT, handle_used);
