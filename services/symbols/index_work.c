/*
 * Role: files. Building indexes, one at a time in a process, and each once on the machine: a lock
 * on a draft that is named after the hash. Who finds it taken tells the caller to look again, so
 * that a long build holds up nobody's uploads. Removing those that were used longest ago is part of
 * building, which alone makes the store grow.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "services/symbols/index_calls.h"
#include "services/symbols/symbols_priv.h"

enum {
	NAME_ARENA = 1024,
	INDEXES_MAX = 100000 /* that are looked at when room is made */
};

/* ---- room ---- */

struct stored {
	char name[BLOB_NAME_SIZE];
	uint64_t size;
	int64_t used_ms;
};

struct room {
	struct stored *list;
	size_t n, cap;
	uint64_t bytes;
};

static enum err add_stored(void *arg, const struct blob_info *info)
{
	struct room *r = arg;

	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? 256 : 2 * r->cap;
		struct stored *list = realloc(r->list, cap * sizeof(*list));
		if (list == NULL || cap > 2 * INDEXES_MAX) {
			r->list = list == NULL ? r->list : list;
			return ERR_LIMIT;
		}
		r->list = list;
		r->cap = cap;
	}
	struct stored *s = &r->list[r->n++];
	*s = (struct stored){ .size = info->size, .used_ms = info->kept_ms };
	r->bytes += info->size;
	return slice_to_cstr(info->name, s->name, sizeof(s->name));
}

static int compare_used(const void *a, const void *b)
{
	const struct stored *x = a, *y = b;

	return x->used_ms < y->used_ms ? -1 : x->used_ms > y->used_ms;
}

/*
 * Those that nobody has used for longest go first, the new one stays. What cannot be removed now is
 * tried next time.
 */
static void make_room(const struct blob_store *indexes, uint64_t max_bytes, struct slice fresh)
{
	struct room r = { .list = NULL };
	enum err e = blob_each(indexes, add_stored, &r, NULL);

	if ((e == ERR_OK || e == ERR_LIMIT) && r.bytes > max_bytes) {
		qsort(r.list, r.n, sizeof(*r.list), compare_used);
		for (size_t i = 0; i < r.n && r.bytes > max_bytes; i++) {
			struct slice name = slice_str(r.list[i].name);
			if (!slice_eq(name, fresh) && blob_remove(indexes, name, NULL) == ERR_OK) {
				r.bytes -= r.list[i].size;
			}
		}
	}
	free(r.list);
}

/* ---- building ---- */

/* One build. */
struct job {
	const struct symbols_state *state;
	struct slice blob, name; /* of the symbols, of the index */
	unsigned char hash[INDEX_HASH_BYTES];
	struct index_built built;
	struct err_note *note;
};

static bool is_there(const struct job *j)
{
	uint64_t size;
	int fd = -1;

	if (blob_get(j->state->indexes, j->name, &fd, &size, NULL) != ERR_OK) {
		return false;
	}
	(void)close(fd);
	return true;
}

static enum err build_into(struct job *j, struct slice draft)
{
	const struct symbols_settings *settings = &j->state->settings;
	const struct index_limits limits = { .sym_bytes = (uint64_t)settings->max_sym,
		.index_bytes = UINT32_MAX };
	uint64_t size;
	int from = -1, to = -1;
	enum err e = blob_get(j->state->blobs, j->blob, &from, &size, j->note);

	if (e == ERR_OK) {
		e = blob_draft_open(j->state->indexes, draft, &to, j->note);
	}
	if (e == ERR_OK) {
		(void)posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
		e = index_build(from, to, j->hash, &limits, &j->built, j->note);
	}
	if (from >= 0) {
		(void)close(from);
	}
	if (to >= 0) {
		(void)close(to);
	}
	return e;
}

static enum err build_and_keep(struct job *j)
{
	const struct blob_store *indexes = j->state->indexes;
	char draft[BLOB_DRAFT_CHARS + 1];

	blob_draft_name(draft);
	enum err e = blob_draft_make(indexes, slice_str(draft), j->note);
	if (e != ERR_OK) {
		return e;
	}
	e = build_into(j, slice_str(draft));
	if (e == ERR_OK) {
		e = blob_keep(indexes, slice_str(draft), j->name, j->note);
	}
	if (e != ERR_OK) {
		enum err dropped = blob_drop(indexes, slice_str(draft), NULL);
		(void)dropped;
		return e;
	}
	make_room(indexes, (uint64_t)j->state->settings.index_cache, j->name);
	return ERR_OK;
}

/*
 * Under the lock. Whoever removes the lock's file leaves no index unbuilt and builds none twice:
 * who gets a lock, on the old file or on a new one, first looks whether the index is there.
 */
static enum err build_once(struct job *j)
{
	struct slice lock = slice_sub(j->blob, 0, BLOB_DRAFT_CHARS);
	int fd = -1;
	enum err e = blob_draft_make(j->state->indexes, lock, j->note);

	if (e == ERR_OK) {
		e = blob_draft_open(j->state->indexes, lock, &fd, j->note);
	}
	if (e != ERR_OK) {
		/* Removed just now by who has finished. */
		return e == ERR_NOT_FOUND ? ERR_AGAIN : e;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)close(fd);
		return ERR_AGAIN;
	}
	if (!is_there(j)) {
		e = build_and_keep(j);
	}
	enum err dropped = blob_drop(j->state->indexes, lock, NULL);
	(void)dropped;
	(void)close(fd);
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
	j.name = index_name(&arena, hash);
	enum err e = is_there(&j) ? ERR_OK : build_once(&j);
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

static enum err touch(const struct blob_store *indexes, struct slice name)
{
	uint64_t size;
	int fd = -1;
	enum err e = blob_get(indexes, name, &fd, &size, NULL);

	if (e == ERR_OK) {
		e = futimens(fd, NULL) == 0 ? ERR_OK : ERR_IO;
		(void)close(fd);
	}
	return e;
}

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
	enum err e = is_damaged ? blob_remove(indexes, name, note) : touch(indexes, name);
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
