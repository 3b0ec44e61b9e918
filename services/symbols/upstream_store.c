/*
 * Role: courier. What has been fetched becomes a stored file, in the steps of an upload: unpacked
 * and hashed by the role files, kept under its hash, and only then written down. What an upload has
 * brought meanwhile stays.
 */
#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/store/store.h"
#include "services/symbols/file_calls.h"
#include "services/symbols/symbol_row.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/upload_store.h"
#include "services/symbols/upload_store_priv.h"
#include "services/symbols/upstream.h"
#include "services/symbols/windows_file.h"

enum {
	SCRATCH_MAX = 256 * 1024,
	GUID_DIGITS = 32,
	MESSAGE_MAX = 16 * 1024
};

struct storing {
	const struct upstream_arrival *a;
	struct arena arena;
	struct file_caller files;
	struct file_unpacked unpacked;
	char out[BLOB_DRAFT_CHARS + 1]; /* the draft in the form that is kept; empty: as it came */
	char blob[BLOB_NAME_SIZE];
	struct symbol_file file;
	struct err_note *note;
};

/* It is kept as files of that name are: in gzip form or as it is. */
static enum err unpack_draft(struct storing *s)
{
	const struct symbols_settings *settings = &s->a->state->settings;
	bool as_gzip = symbol_name_ends(s->a->key->key.file, settings->compress);

	if (as_gzip != s->a->is_gzip) {
		blob_draft_name(s->out);
	}
	enum err e = file_unpack(&s->files,
	    &(struct file_unpack){ .source = s->a->draft,
		.form = s->a->is_gzip ? UNPACK_GZIP : UNPACK_PLAIN,
		.max_size = (uint64_t)cache_file_max(settings),
		.as_gzip = as_gzip,
		.out = slice_str(s->out) },
	    &s->unpacked);
	if (e == ERR_OK) {
		blob_name_of(s->unpacked.sha256, as_gzip ? "gz" : "", s->blob);
	}
	return e;
}

static bool is_id(struct slice id, struct slice asked)
{
	return id.len > 0 && slice_eq_nocase(id, asked);
}

/*
 * Whether a .sym is that of the id that was asked for: symbols of another build would name every
 * frame of a crash wrongly, and nobody would notice. By the id of the code one has to believe the
 * server where the file does not name it.
 */
static bool is_asked_sym(const struct file_unpacked *u, const struct symbol_key *asked)
{
	return is_id(u->debug_id, asked->debug_id) || is_id(u->code_id, asked->debug_id) ||
	       (asked->debug_id.len < SYMBOL_DEBUG_ID && u->code_id.len == 0);
}

/*
 * The key under which it is found again. A .sym that was asked for by the id of the code belongs
 * to the debug id that it names itself; a page with an error in it is no .sym.
 */
static enum err find_key(struct storing *s, struct symbol_key *ret)
{
	const struct symbol_key *asked = &s->a->key->key;
	const struct file_unpacked *u = &s->unpacked;

	*ret = *asked;
	if (!symbol_is_sym(asked->file)) {
		return ERR_OK;
	}
	if (u->debug_id.len == 0) {
		return err_note_set(s->note, ERR_INVALID, "it is no symbol file");
	}
	if (!is_asked_sym(u, asked)) {
		return err_note_set(
		    s->note, ERR_INVALID, "it is the symbol file of %.*s", SLICE_ARG(u->debug_id));
	}
	if (asked->debug_id.len < SYMBOL_DEBUG_ID) {
		ret->debug_file = u->debug_file;
		ret->debug_id = symbol_id_fold(&s->arena, u->debug_id);
	}
	return ret->debug_id.ptr == NULL ? ERR_MEMORY : ERR_OK;
}

/*
 * A PE or PDB of another id than was asked for; what is packed cannot be looked into. Of a PDB the
 * GUID decides: linkers and strippers do not agree about ages.
 */
static bool is_other_file(const struct elf_facts *facts, const struct upstream_key *key)
{
	struct slice own = slice_str(facts->build_id), asked = key->key.debug_id;

	if (key->kind != UPSTREAM_FILE || (facts->kind & (WINDOWS_PE | WINDOWS_PDB)) == 0) {
		return false;
	}
	if ((facts->kind & WINDOWS_PDB) != 0) {
		own = slice_sub(own, 0, GUID_DIGITS);
		asked = slice_sub(asked, 0, GUID_DIGITS);
	}
	return !slice_eq_nocase(own, asked);
}

/* A debugger that gets another build's file, or a page, works with nonsense. */
static enum err check_build(struct storing *s)
{
	const struct upstream_key *key = s->a->key;
	const struct elf_facts *elf = &s->unpacked.elf;

	if (is_other_file(elf, key)) {
		return err_note_set(s->note, ERR_INVALID, "it is the file of %s", elf->build_id);
	}
	unsigned needed = key->kind == UPSTREAM_DEBUGINFO    ? (unsigned)ELF_DEBUGINFO
			  : key->kind == UPSTREAM_EXECUTABLE ? (unsigned)ELF_EXECUTABLE
							     : 0;

	if (needed == 0 ||
	    ((elf->kind & needed) != 0 && slice_eq(slice_str(elf->build_id), key->build_id))) {
		return ERR_OK;
	}
	return err_note_set(s->note, ERR_INVALID, "it is no ELF file of that build");
}

static enum err describe(struct storing *s)
{
	const struct symbol_key *asked = &s->a->key->key;
	struct symbol_key key;
	enum err e = find_key(s, &key);

	if (e == ERR_OK) {
		e = symbol_row_make(&s->arena, &key, &s->unpacked, slice_str(s->blob), &s->file);
	}
	if (e == ERR_OK && symbol_is_sym(asked->file) && asked->debug_id.len < SYMBOL_DEBUG_ID) {
		/* As it was asked for, so that it is found so the next time. */
		s->file.code_file = asked->debug_file;
		s->file.code_id = asked->debug_id;
	}
	if (s->a->key->kind == UPSTREAM_SOURCE || s->a->key->kind == UPSTREAM_SECTION) {
		/* Whatever its bytes look like: it is found by its path alone. */
		s->file.elf_kind = 0;
		s->file.build_id = SLICE_EMPTY;
	}
	s->file.upstream = slice_str(s->a->server->base);
	return e;
}

static enum err write_row(struct storing *s)
{
	const struct store_caller store = {
		.store = s->a->state->env->peer[ROLE_STORE], .arena = &s->arena, .note = s->note
	};
	struct buf message = buf_new(MESSAGE_MAX);

	upload_put_file(&message, &s->file);
	return upload_call(&store, &symbols_cache_file, &message, NULL);
}

static enum err run(struct storing *s)
{
	enum err e = unpack_draft(s);

	if (e == ERR_OK) {
		e = check_build(s);
	}
	if (e == ERR_OK) {
		e = describe(s);
	}
	if (e == ERR_OK) {
		e = file_keep(&s->files, s->out[0] != '\0' ? slice_str(s->out) : s->a->draft,
		    slice_str(s->blob));
	}
	if (e == ERR_OK) {
		e = write_row(s);
	}
	if (e == ERR_OK) {
		cache_grew(s->a->state, s->file.stored_size);
	}
	return e;
}

enum err upstream_store(const struct upstream_arrival *a, struct err_note *note)
{
	const struct svc_env *env = a->state->env;
	struct storing s = { .a = a, .arena = arena_new(SCRATCH_MAX), .note = note };

	s.files = (struct file_caller){ .files = env->peer[ROLE_FILES],
		.arena = &s.arena,
		.note = note,
		.patience_us = FILE_PATIENCE_US };
	enum err e = run(&s);
	/* Those that are left: kept ones are drafts no more. */
	if (s.out[0] != '\0') {
		file_drop_later(env->loop, env->peer[ROLE_FILES], a->draft);
		if (e != ERR_OK) {
			file_drop_later(env->loop, env->peer[ROLE_FILES], slice_str(s.out));
		}
	}
	arena_reset(&s.arena);
	return e;
}

/* ---- store ---- */

static enum err handle_cache(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct symbol_file f;

	(void)info;
	(void)reply;
	upload_take_file(&r, &f);
	CHECK(wire_done(&r));
	f.modified_ms = t->now_ms;
	return symbol_file_put_cached(t->db, &f, note);
}

const struct rpc_def symbols_cache_file = {
	.name = "symbols.cache_file",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_STORE,
	.max_req = MESSAGE_MAX,
	.max_rep = 16,
	.deadline_ms = 30000,
	.cost_us = 300,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_cache,
};
