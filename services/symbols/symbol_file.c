/*
 * See symbol_file.h.
 */
#include "services/symbols/symbol_file.h"

#include "core/blob/blob.h"
#include "services/symbols/symbols_db.h"

bool symbol_file_is_gzip(const struct symbol_file *f)
{
	return slice_ends(f->blob, SLICE(".gz"));
}

struct slice symbol_file_hash(const struct symbol_file *f)
{
	return slice_sub(f->blob, 0, BLOB_HASH_HEX);
}

void symbol_file_texts(struct symbol_file *f, struct slice *ret[SYMBOL_FILE_TEXTS])
{
	struct slice *const texts[SYMBOL_FILE_TEXTS] = { &f->key.debug_file, &f->key.debug_id,
		&f->key.file, &f->blob, &f->md5, &f->code_file, &f->code_id, &f->build_id,
		&f->generator, &f->upstream };

	memcpy(ret, texts, sizeof(texts));
}

/* ---- reading ---- */

/* The columns in the order of the statements; text is borrowed from the row. */
static struct symbol_file row_of(struct sql_query *q)
{
	return (struct symbol_file){
		.key = { .debug_file = sql_col_text(q, 0),
		    .debug_id = sql_col_text(q, 1),
		    .file = sql_col_text(q, 2) },
		.is_try = sql_col_i64(q, 3) != 0,
		.blob = sql_col_text(q, 4),
		.size = sql_col_i64(q, 5),
		.stored_size = sql_col_i64(q, 6),
		.md5 = sql_col_text(q, 7),
		.code_file = sql_col_text(q, 8),
		.code_id = sql_col_text(q, 9),
		.build_id = sql_col_text(q, 10),
		.generator = sql_col_text(q, 11),
		.upload = sql_col_i64(q, 12),
		.modified_ms = sql_col_i64(q, 13),
		.used_ms = sql_col_i64(q, 14),
		.elf_kind = (unsigned)sql_col_i64(q, 15),
		.elf_size = sql_col_i64(q, 16),
		.upstream = sql_col_text(q, 17),
	};
}

static enum err copy_texts(struct arena *arena, struct symbol_file *f)
{
	struct slice *texts[SYMBOL_FILE_TEXTS];
	enum err e = ERR_OK;

	symbol_file_texts(f, texts);
	for (size_t i = 0; e == ERR_OK && i < SYMBOL_FILE_TEXTS; i++) {
		e = arena_copy(arena, *texts[i], texts[i]);
	}
	return e;
}

/* The one row of a query. */
static enum err read_one(struct sql_query *q, struct arena *arena, struct symbol_file *ret)
{
	enum err e = sql_step(q);

	if (e == ERR_OK) {
		struct symbol_file f = row_of(q);
		e = copy_texts(arena, &f);
		if (e == ERR_OK) {
			*ret = f;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

static enum err read_all(struct sql_query *q, symbol_file_fn *fn, void *arg, int64_t *ret_n)
{
	enum err e = ERR_END, given = ERR_OK;

	*ret_n = 0;
	while (given == ERR_OK && (e = sql_step(q)) == ERR_OK) {
		struct symbol_file f = row_of(q);
		given = fn(arg, &f);
		*ret_n += 1;
	}
	sql_end(q);
	return given != ERR_OK ? given : e == ERR_END ? ERR_OK : e;
}

static void bind_key(struct sql_query *q, const struct symbol_key *key, bool is_try)
{
	sql_bind_text(q, "debug_file", key->debug_file);
	sql_bind_text(q, "debug_id", key->debug_id);
	sql_bind_text(q, "file", key->file);
	sql_bind_i64(q, "is_try", is_try ? 1 : 0);
}

enum err symbol_file_get(struct sql_db *db, struct arena *arena, const struct symbol_key *key,
    bool is_try, struct symbol_file *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_FILE_GET, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, key, is_try);
	return read_one(q, arena, ret);
}

enum err symbol_file_find(struct sql_db *db, struct arena *arena, const struct symbol_key *key,
    struct symbol_file *ret, struct err_note *note)
{
	enum err e = symbol_file_get(db, arena, key, false, ret, note);

	return e == ERR_NOT_FOUND ? symbol_file_get(db, arena, key, true, ret, note) : e;
}

enum err symbol_file_by_code(struct sql_db *db, struct arena *arena, struct slice code_file,
    struct slice code_id, struct symbol_file *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_FILE_BY_CODE, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "code_file", code_file);
	sql_bind_text(q, "code_id", code_id);
	return read_one(q, arena, ret);
}

enum err symbol_file_by_build(struct sql_db *db, struct arena *arena, struct slice build_id,
    struct symbol_kinds kinds, bool is_try, struct symbol_file *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_FILE_BY_BUILD, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "build_id", build_id);
	sql_bind_i64(q, "elf_kinds", kinds.elf);
	sql_bind_i64(q, "no_elf", kinds.sym ? 0 : -1);
	sql_bind_i64(q, "is_try", is_try ? 1 : 0);
	return read_one(q, arena, ret);
}

enum err symbol_file_any_case(struct sql_db *db, struct arena *arena, const struct symbol_key *key,
    bool is_try, struct symbol_file *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_FILE_ANY_CASE, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, key, is_try);
	return read_one(q, arena, ret);
}

enum err symbol_file_cached_oldest(struct sql_db *db, int64_t before_ms, int64_t most,
    symbol_file_fn *fn, void *arg, int64_t *ret_n, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_CACHED_OLDEST, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "modified_ms", before_ms);
	sql_bind_i64(q, "most", most);
	return read_all(q, fn, arg, ret_n);
}

enum err symbol_file_after(struct sql_db *db, const struct symbol_key *key, bool is_try,
    int64_t most, symbol_file_fn *fn, void *arg, int64_t *ret_n, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_FILE_AFTER, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, key, is_try);
	sql_bind_i64(q, "most", most);
	return read_all(q, fn, arg, ret_n);
}

enum err symbol_blob_is_used(struct sql_db *db, struct slice blob, bool *ret, struct err_note *note)
{
	struct sql_query *q;
	int64_t one = 0;
	enum err e = symbols_begin(db, SYMBOLS_BLOB_USED, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "blob", blob);
	e = sql_finish_number(q, &one);
	*ret = one != 0;
	return e == ERR_END ? ERR_OK : e;
}

/* ---- changing ---- */

static enum err put(
    struct sql_db *db, enum symbols_stmt stmt, const struct symbol_file *f, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, stmt, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, &f->key, f->is_try);
	sql_bind_text(q, "blob", f->blob);
	sql_bind_i64(q, "size", f->size);
	sql_bind_i64(q, "stored_size", f->stored_size);
	sql_bind_text(q, "md5", f->md5);
	sql_bind_text(q, "code_file", f->code_file);
	sql_bind_text(q, "code_id", f->code_id);
	sql_bind_text(q, "build_id", f->build_id);
	sql_bind_text(q, "generator", f->generator);
	sql_bind_i64(q, "upload", f->upload);
	sql_bind_i64(q, "modified_ms", f->modified_ms);
	sql_bind_i64(q, "elf_kind", f->elf_kind);
	sql_bind_i64(q, "elf_size", f->elf_size);
	sql_bind_text(q, "upstream", f->upstream);
	return sql_finish(q);
}

enum err symbol_file_put(struct sql_db *db, const struct symbol_file *f, struct err_note *note)
{
	return put(db, SYMBOLS_FILE_PUT, f, note);
}

enum err symbol_file_put_cached(
    struct sql_db *db, const struct symbol_file *f, struct err_note *note)
{
	return put(db, SYMBOLS_FILE_CACHE, f, note);
}

enum err symbol_file_delete(
    struct sql_db *db, const struct symbol_key *key, bool is_try, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_FILE_DELETE, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, key, is_try);
	return sql_finish(q);
}

enum err symbol_file_set_used(struct sql_db *db, const struct symbol_key *key, bool is_try,
    int64_t used_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_FILE_USED, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, key, is_try);
	sql_bind_i64(q, "used_ms", used_ms);
	return sql_finish(q);
}
