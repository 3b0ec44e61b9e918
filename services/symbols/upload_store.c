/*
 * Both sides of the messages of upload_store.h: web's calls, and the store's transactions.
 */
#include "services/symbols/upload_store.h"

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/store/store.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/upload_store_priv.h"

enum {
	MESSAGE_MAX = 16 * 1024,
	END_MAX = 2 * UPLOAD_KEYS_MAX + 1024
};

enum err upload_call(const struct store_caller *c, const struct rpc_def *def, struct buf *message,
    struct slice *ret_reply)
{
	enum err e = message->failed ? ERR_LIMIT
				     : rpc_call(c->store, def, buf_slice(message), DEADLINE_NONE,
					   c->trace, c->arena, ret_reply, c->note);

	buf_free(message);
	return e;
}

void upload_put_key(struct buf *out, const struct symbol_key *key)
{
	wire_put_bytes(out, key->debug_file);
	wire_put_bytes(out, key->debug_id);
	wire_put_bytes(out, key->file);
}

struct symbol_key upload_take_key(struct wire_reader *r)
{
	struct symbol_key key = { .debug_file = wire_take_bytes(r) };

	key.debug_id = wire_take_bytes(r);
	key.file = wire_take_bytes(r);
	return key;
}

static void bind_key(struct sql_query *q, const struct symbol_key *key, bool is_try)
{
	sql_bind_text(q, "debug_file", key->debug_file);
	sql_bind_text(q, "debug_id", key->debug_id);
	sql_bind_text(q, "file", key->file);
	sql_bind_i64(q, "is_try", is_try ? 1 : 0);
}

/* ---- the beginning of an upload ---- */

enum err upload_begin(const struct store_caller *c, const struct upload_begun *u, int64_t *ret_id,
    int64_t *ret_created_ms)
{
	struct buf message = buf_new(MESSAGE_MAX);
	struct slice reply = SLICE_EMPTY;

	wire_put_bytes(&message, u->email);
	wire_put_u8(&message, u->is_try ? 1 : 0);
	wire_put_bytes(&message, u->filename);
	wire_put_bytes(&message, u->download_url);
	wire_put_bytes(&message, u->redirect_urls);
	wire_put_bytes(&message, u->content_hash);
	wire_put_i64(&message, u->size);
	enum err e = upload_call(c, &symbols_upload_begin, &message, &reply);
	if (e == ERR_OK) {
		struct wire_reader r = wire_reader_new(reply);
		*ret_id = wire_take_i64(&r);
		*ret_created_ms = wire_take_i64(&r);
		CHECK(wire_done(&r));
	}
	return e;
}

static enum err handle_begin(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct sql_query *q;
	int64_t id = 0;
	enum err e = symbols_begin(t->db, SYMBOLS_UPLOAD_NEW, &q, note);

	(void)info;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "email", wire_take_bytes(&r));
	sql_bind_i64(q, "is_try", wire_take_u8(&r));
	sql_bind_text(q, "filename", wire_take_bytes(&r));
	sql_bind_text(q, "download_url", wire_take_bytes(&r));
	sql_bind_text(q, "redirect_urls", wire_take_bytes(&r));
	sql_bind_text(q, "content_hash", wire_take_bytes(&r));
	sql_bind_i64(q, "size", wire_take_i64(&r));
	sql_bind_i64(q, "created_ms", t->now_ms);
	CHECK(wire_done(&r));
	e = sql_finish_number(q, &id);
	wire_put_i64(reply, id);
	wire_put_i64(reply, t->now_ms);
	return e;
}

/* ---- a file ---- */

void upload_put_file(struct buf *out, const struct symbol_file *f)
{
	upload_put_key(out, &f->key);
	wire_put_u8(out, f->is_try ? 1 : 0);
	wire_put_bytes(out, f->blob);
	wire_put_i64(out, f->size);
	wire_put_i64(out, f->stored_size);
	wire_put_bytes(out, f->md5);
	wire_put_bytes(out, f->code_file);
	wire_put_bytes(out, f->code_id);
	wire_put_bytes(out, f->build_id);
	wire_put_bytes(out, f->generator);
	wire_put_u8(out, (uint8_t)f->elf_kind);
	wire_put_i64(out, f->elf_size);
	wire_put_i64(out, f->upload);
	wire_put_bytes(out, f->upstream);
}

void upload_take_file(struct wire_reader *r, struct symbol_file *ret)
{
	ret->key = upload_take_key(r);
	ret->is_try = wire_take_u8(r) != 0;
	ret->blob = wire_take_bytes(r);
	ret->size = wire_take_i64(r);
	ret->stored_size = wire_take_i64(r);
	ret->md5 = wire_take_bytes(r);
	ret->code_file = wire_take_bytes(r);
	ret->code_id = wire_take_bytes(r);
	ret->build_id = wire_take_bytes(r);
	ret->generator = wire_take_bytes(r);
	ret->elf_kind = wire_take_u8(r);
	ret->elf_size = wire_take_i64(r);
	ret->upload = wire_take_i64(r);
	ret->upstream = wire_take_bytes(r);
	ret->modified_ms = ret->used_ms = 0;
}

enum err upload_add_file(const struct store_caller *c, const struct upload_added *a)
{
	struct buf message = buf_new(MESSAGE_MAX);

	upload_put_file(&message, &a->file);
	wire_put_u8(&message, a->is_update ? 1 : 0);
	wire_put_i64(&message, a->log_id);
	return upload_call(c, &symbols_upload_file, &message, NULL);
}

static void take_added(struct slice req, struct upload_added *a)
{
	struct wire_reader r = wire_reader_new(req);

	upload_take_file(&r, &a->file);
	a->is_update = wire_take_u8(&r) != 0;
	a->log_id = wire_take_i64(&r);
	CHECK(wire_done(&r));
}

enum err upload_add_line(struct txn *t, const struct upload_line *l, struct slice session,
    int64_t *ret_id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(t->db, SYMBOLS_UPLOAD_FILE_NEW, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "upload", l->upload);
	bind_key(q, &l->key, l->is_try);
	sql_bind_i64(q, "is_compressed", l->is_compressed ? 1 : 0);
	sql_bind_i64(q, "is_update", l->is_update ? 1 : 0);
	sql_bind_i64(q, "size", l->size);
	sql_bind_text(q, "md5", l->md5);
	sql_bind_text(q, "session", session);
	sql_bind_i64(q, "created_ms", t->now_ms);
	sql_bind_i64(q, "completed_ms", l->completed_ms);
	return sql_finish_number(q, ret_id);
}

static enum err end_line(struct txn *t, const struct upload_added *a, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(t->db, SYMBOLS_UPLOAD_FILE_END, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", a->log_id);
	sql_bind_i64(q, "is_update", a->is_update ? 1 : 0);
	sql_bind_i64(q, "completed_ms", t->now_ms);
	return sql_finish(q);
}

enum err upload_end_if_last(struct txn *t, int64_t upload, struct err_note *note)
{
	struct sql_query *q;
	int64_t open = 0;
	enum err e = symbols_begin(t->db, SYMBOLS_UPLOAD_OPEN_FILES, &q, note);

	if (e == ERR_OK) {
		sql_bind_i64(q, "upload", upload);
		e = sql_finish_number(q, &open);
	}
	if (e != ERR_OK || open > 0) {
		return e;
	}
	e = symbols_begin(t->db, SYMBOLS_UPLOAD_COMPLETE, &q, note);
	if (e == ERR_OK) {
		sql_bind_i64(q, "id", upload);
		sql_bind_i64(q, "completed_ms", t->now_ms);
		e = sql_finish(q);
	}
	return e;
}

static enum err handle_file(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct upload_added a = { .is_update = false };
	int64_t id;

	(void)info;
	(void)reply;
	take_added(req, &a);
	a.file.modified_ms = t->now_ms;
	enum err e = symbol_file_put(t->db, &a.file, note);
	if (e != ERR_OK) {
		return e;
	}
	if (a.log_id > 0) {
		e = end_line(t, &a, note);
		return e == ERR_OK ? upload_end_if_last(t, a.file.upload, note) : e;
	}
	return upload_add_line(t,
	    &(struct upload_line){ .upload = a.file.upload,
		.key = a.file.key,
		.is_try = a.file.is_try,
		.is_compressed = symbol_file_is_gzip(&a.file),
		.is_update = a.is_update,
		.size = a.file.size,
		.md5 = a.file.md5,
		.completed_ms = t->now_ms },
	    SLICE_EMPTY, &id, note);
}

/* ---- the end of an upload ---- */

enum err upload_end(const struct store_caller *c, int64_t id, int64_t n_files,
    struct slice skipped_keys, struct slice ignored_keys, int64_t *ret_completed_ms)
{
	struct buf message = buf_new(END_MAX);
	struct slice reply = SLICE_EMPTY;

	wire_put_i64(&message, id);
	wire_put_i64(&message, n_files);
	wire_put_bytes(&message, skipped_keys);
	wire_put_bytes(&message, ignored_keys);
	enum err e = upload_call(c, &symbols_upload_end, &message, &reply);
	if (e == ERR_OK) {
		struct wire_reader r = wire_reader_new(reply);
		*ret_completed_ms = wire_take_i64(&r);
		CHECK(wire_done(&r));
	}
	return e;
}

static enum err handle_end(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct sql_query *q;
	enum err e = symbols_begin(t->db, SYMBOLS_UPLOAD_END, &q, note);

	(void)info;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", wire_take_i64(&r));
	sql_bind_i64(q, "files", wire_take_i64(&r));
	sql_bind_text(q, "skipped_keys", wire_take_bytes(&r));
	sql_bind_text(q, "ignored_keys", wire_take_bytes(&r));
	sql_bind_i64(q, "completed_ms", t->now_ms);
	CHECK(wire_done(&r));
	wire_put_i64(reply, t->now_ms);
	return sql_finish(q);
}

const struct rpc_def symbols_upload_begin =
    UPLOAD_STORE_ROW("symbols.upload_begin", MESSAGE_MAX, handle_begin);
const struct rpc_def symbols_upload_file =
    UPLOAD_STORE_ROW("symbols.upload_file", MESSAGE_MAX, handle_file);
const struct rpc_def symbols_upload_end =
    UPLOAD_STORE_ROW("symbols.upload_end", END_MAX, handle_end);
