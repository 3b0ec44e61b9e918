/*
 * See upload.h: one file from a draft into the store.
 */
#include <unistd.h>

#include "core/base/clock.h"
#include "core/obs/log.h"
#include "services/symbols/symbol_find.h"
#include "services/symbols/symbol_row.h"
#include "services/symbols/upload.h"

enum {
	SCRATCH_MAX = 256 * 1024,
	UPLOADS_MAX = 16, /* at once, in a process; each has some hundred KiB */
	DRAIN_BYTES = 64 * 1024 * 1024,
	DRAIN_US = 20 * 1000000,
	DRAIN_PIECE = 8 * 1024,
};

void upload_init(struct upload *u, struct op_call *c, const struct symbols_token *token)
{
	*u = (struct upload){ .c = c,
		.state = c->state,
		.token = token,
		.is_try = (token->permissions & SYMBOLS_UPLOAD) == 0,
		.scratch = arena_new(SCRATCH_MAX) };
}

void upload_fini(struct upload *u)
{
	arena_reset(&u->scratch);
}

struct file_caller upload_files(const struct upload *u)
{
	const struct svc_env *env = u->c->env;

	return (struct file_caller){ .files = env->peer[ROLE_FILES],
		.arena = u->c->arena,
		.trace = u->c->trace,
		.note = &u->c->note };
}

struct store_caller upload_rows(struct upload *u)
{
	const struct svc_env *env = u->c->env;

	return (struct store_caller){ .store = env->peer[ROLE_STORE],
		.arena = &u->scratch,
		.trace = u->c->trace,
		.note = &u->c->note };
}

bool upload_enter(struct symbols_state *state)
{
	if (state->uploads == UPLOADS_MAX) {
		return false;
	}
	state->uploads++;
	return true;
}

void upload_leave(struct symbols_state *state)
{
	state->uploads--;
}

/* ---- storing ---- */

static bool blob_is_there(struct upload *u, const struct symbol_file *f)
{
	struct err_note note = { 0 };
	uint64_t size = 0;
	int fd = -1;

	if (blob_get(u->state->blobs, f->blob, &fd, &size, &note) != ERR_OK) {
		return false;
	}
	(void)close(fd);
	return size == (uint64_t)f->stored_size;
}

enum err upload_find(struct upload *u, const struct symbol_key *key, bool is_try,
    struct symbol_file *ret, bool *ret_found)
{
	const struct svc_env *env = u->c->env;
	enum err e = symbol_file_get(env->db, &u->scratch, key, is_try, ret, &u->c->note);

	*ret_found = e == ERR_OK && blob_is_there(u, ret);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static bool is_as_said(const struct upload_item *item, const struct symbol_file *f)
{
	return item->size < 0 || (item->size == f->size && slice_eq(item->md5, f->md5));
}

/* Not if it was stored when nobody looked for build ids yet: then its row is written anew. */
static bool is_same_file(const struct symbol_file *old, const struct symbol_file *f)
{
	return slice_eq(symbol_file_hash(old), symbol_file_hash(f)) &&
	       slice_eq(old->build_id, f->build_id) && old->elf_kind == f->elf_kind;
}

/* A key whose id is of another build or file than what is stored under it. Both find it. */
static void warn_of_other_build(struct upload *u, const struct symbol_file *f)
{
	struct slice build_id = symbol_id_fold(&u->scratch, f->build_id);
	struct slice debug_id = symbol_id_of_build(&u->scratch, f->build_id);

	if (f->elf_kind != 0 && !slice_eq(build_id, f->key.debug_id) &&
	    !slice_eq(debug_id, f->key.debug_id)) {
		LOG(LOG_WARN, "symbols", "other_build_id", LOG_S("debug_file", f->key.debug_file),
		    LOG_S("debug_id", f->key.debug_id), LOG_S("build_id", f->build_id),
		    LOG_I("upload", u->id));
	}
}

/* Unpacked, and nothing else has happened yet. */
static enum err keep(struct upload *u, const struct upload_item *item, struct slice draft,
    const struct symbol_file *f, bool is_update, struct file_caller *files)
{
	const struct upload_added added = {
		.file = *f, .is_update = is_update, .log_id = item->log_id
	};
	struct store_caller rows = upload_rows(u);
	enum err e = file_keep(files, draft, f->blob);

	if (e == ERR_OK) {
		e = upload_add_file(&rows, &added);
	}
	if (e == ERR_OK) {
		symbol_has_arrived(u->state->misses, f);
	}
	return e;
}

enum err upload_store_file(
    struct upload *u, const struct upload_item *item, enum upload_outcome *ret)
{
	const struct svc_env *env = u->c->env;
	struct file_caller files = upload_files(u);
	struct file_unpack unpack = item->unpack;
	struct slice draft = unpack.out.len > 0 ? unpack.out : unpack.source;
	char blob[BLOB_NAME_SIZE];
	struct file_unpacked unpacked;
	struct symbol_file f, old;
	bool is_there = false, is_same;

	arena_reset(&u->scratch);
	files.arena = &u->scratch;
	enum err e = file_unpack(&files, &unpack, &unpacked);
	if (e == ERR_OK) {
		blob_name_of(unpacked.sha256, unpack.as_gzip ? "gz" : "", blob);
		e = symbol_row_make(&u->scratch, &item->key, &unpacked, slice_str(blob), &f);
		f.is_try = u->is_try;
		f.upload = u->id;
	}
	if (e == ERR_OK && !is_as_said(item, &f)) {
		*ret = UPLOAD_NOT_AS_SAID;
		goto drop;
	}
	if (e == ERR_OK) {
		e = upload_find(u, &item->key, u->is_try, &old, &is_there);
	}
	if (e != ERR_OK) {
		goto drop;
	}
	/* What was only fetched from an upstream becomes the uploader's. */
	is_same = is_there && old.upstream.len == 0 && is_same_file(&old, &f);
	if (is_same && item->log_id == 0) {
		*ret = UPLOAD_SKIPPED;
		goto drop;
	}
	*ret = UPLOAD_STORED;
	warn_of_other_build(u, &f);
	e = keep(u, item, draft, &f, is_there, &files);
	if (e == ERR_OK) {
		return ERR_OK;
	}
drop:
	file_drop_later(env->loop, env->peer[ROLE_FILES], draft);
	return e;
}

/* ---- refusing ---- */

void upload_drain(struct op_call *c)
{
	char piece[DRAIN_PIECE];
	int64_t until_us = clock_mono_us() + DRAIN_US;
	enum err e = ERR_OK;

	if (http_header_get(c->req, SLICE("Expect")).ptr != NULL) {
		return;
	}
	for (size_t total = 0, n = 0; e == ERR_OK && total < DRAIN_BYTES; total += n) {
		n = 0;
		e = http_body_read(c->req, piece, sizeof(piece), &n);
		if (clock_mono_us() > until_us) {
			return;
		}
	}
}

enum err upload_refuse(struct op_call *c, int status, const char *text)
{
	upload_drain(c);
	return symbols_refuse(c, status, text);
}

enum err upload_failed(struct op_call *c, enum err e)
{
	if (e == ERR_INVALID || e == ERR_SYNTAX || e == ERR_UNSUPPORTED) {
		return symbols_refuse(c, 400, c->note.text[0] != '\0' ? c->note.text : err_text(e));
	}
	if (e == ERR_LIMIT) {
		return symbols_refuse(
		    c, 413, c->note.text[0] != '\0' ? c->note.text : "it is too large");
	}
	return e;
}
