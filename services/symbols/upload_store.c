/*
 * Both sides of the messages of upload_store.h: web's calls, and the store's transactions.
 */
#include "services/symbols/upload_store.h"

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/store/store.h"
#include "services/symbols/symbols_db.h"

enum {
	MESSAGE_MAX = 16 * 1024,
	END_MAX = 2 * UPLOAD_KEYS_MAX + 1024,
	SESSIONS_MAX = UPLOAD_SESSION_FILES * 1024
};

static enum err call(const struct store_caller *c, const struct rpc_def *def, struct buf *message,
    struct slice *ret_reply)
{
	enum err e = message->failed ? ERR_LIMIT
				     : rpc_call(c->store, def, buf_slice(message), DEADLINE_NONE,
					   c->trace, c->arena, ret_reply, c->note);

	buf_free(message);
	return e;
}

static void put_key(struct buf *out, const struct symbol_key *key)
{
	wire_put_bytes(out, key->debug_file);
	wire_put_bytes(out, key->debug_id);
	wire_put_bytes(out, key->file);
}

static struct symbol_key take_key(struct wire_reader *r)
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
	enum err e = call(c, &symbols_upload_begin, &message, &reply);
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
	e = symbols_finish_number(q, &id);
	wire_put_i64(reply, id);
	wire_put_i64(reply, t->now_ms);
	return e;
}

/* ---- a file ---- */

enum err upload_add_file(const struct store_caller *c, const struct upload_added *a)
{
	struct buf message = buf_new(MESSAGE_MAX);
	const struct symbol_file *f = &a->file;

	put_key(&message, &f->key);
	wire_put_u8(&message, f->is_try ? 1 : 0);
	wire_put_bytes(&message, f->blob);
	wire_put_i64(&message, f->size);
	wire_put_i64(&message, f->stored_size);
	wire_put_bytes(&message, f->md5);
	wire_put_bytes(&message, f->code_file);
	wire_put_bytes(&message, f->code_id);
	wire_put_bytes(&message, f->build_id);
	wire_put_bytes(&message, f->generator);
	wire_put_i64(&message, f->upload);
	wire_put_u8(&message, a->is_update ? 1 : 0);
	wire_put_i64(&message, a->log_id);
	return call(c, &symbols_upload_file, &message, NULL);
}

static void take_added(struct slice req, struct upload_added *a)
{
	struct wire_reader r = wire_reader_new(req);
	struct symbol_file *f = &a->file;

	f->key = take_key(&r);
	f->is_try = wire_take_u8(&r) != 0;
	f->blob = wire_take_bytes(&r);
	f->size = wire_take_i64(&r);
	f->stored_size = wire_take_i64(&r);
	f->md5 = wire_take_bytes(&r);
	f->code_file = wire_take_bytes(&r);
	f->code_id = wire_take_bytes(&r);
	f->build_id = wire_take_bytes(&r);
	f->generator = wire_take_bytes(&r);
	f->upload = wire_take_i64(&r);
	a->is_update = wire_take_u8(&r) != 0;
	a->log_id = wire_take_i64(&r);
	CHECK(wire_done(&r));
}

/* *ret_id: the line's. completed_ms 0: it is still to come, by that session. */
static enum err add_line(struct txn *t, const struct upload_line *l, struct slice session,
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
	return symbols_finish_number(q, ret_id);
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
	return symbols_finish(q);
}

/* The last file of a negotiated upload ends the upload. */
static enum err end_if_last(struct txn *t, int64_t upload, struct err_note *note)
{
	struct sql_query *q;
	int64_t open = 0;
	enum err e = symbols_begin(t->db, SYMBOLS_UPLOAD_OPEN_FILES, &q, note);

	if (e == ERR_OK) {
		sql_bind_i64(q, "upload", upload);
		e = symbols_finish_number(q, &open);
	}
	if (e != ERR_OK || open > 0) {
		return e;
	}
	e = symbols_begin(t->db, SYMBOLS_UPLOAD_COMPLETE, &q, note);
	if (e == ERR_OK) {
		sql_bind_i64(q, "id", upload);
		sql_bind_i64(q, "completed_ms", t->now_ms);
		e = symbols_finish(q);
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
		return e == ERR_OK ? end_if_last(t, a.file.upload, note) : e;
	}
	return add_line(t,
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
	enum err e = call(c, &symbols_upload_end, &message, &reply);
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
	return symbols_finish(q);
}

/* ---- sessions ---- */

enum err upload_add_sessions(const struct store_caller *c, int64_t id, bool is_try,
    const struct upload_session *sessions, size_t n)
{
	struct buf message = buf_new(SESSIONS_MAX);

	wire_put_i64(&message, id);
	wire_put_u8(&message, is_try ? 1 : 0);
	for (size_t i = 0; i < n; i++) {
		const struct upload_session *s = &sessions[i];
		put_key(&message, &s->key);
		wire_put_u8(&message, s->is_compressed ? 1 : 0);
		wire_put_i64(&message, s->size);
		wire_put_bytes(&message, s->md5);
		wire_put_bytes(&message, SLICE_OF(s->name, UPLOAD_SESSION_CHARS));
	}
	return call(c, &symbols_upload_sessions, &message, NULL);
}

static enum err handle_sessions(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	int64_t upload = wire_take_i64(&r), id;
	bool is_try = wire_take_u8(&r) != 0;
	enum err e = ERR_OK;

	(void)info;
	(void)reply;
	while (e == ERR_OK && r.rest.len > 0) {
		struct upload_line l = { .upload = upload, .key = take_key(&r), .is_try = is_try };
		l.is_compressed = wire_take_u8(&r) != 0;
		l.size = wire_take_i64(&r);
		l.md5 = wire_take_bytes(&r);
		struct slice session = wire_take_bytes(&r);
		CHECK(!r.bad);
		e = add_line(t, &l, session, &id, note);
	}
	/* All of its files may be there already. */
	return e == ERR_OK ? end_if_last(t, upload, note) : e;
}

enum err upload_session_get(struct sql_db *db, struct arena *arena, struct slice session,
    struct upload_line *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_SESSION_GET, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "session", session);
	e = sql_step(q);
	if (e == ERR_OK) {
		struct upload_line l = { .id = sql_col_i64(q, 0),
			.upload = sql_col_i64(q, 1),
			.is_try = sql_col_i64(q, 5) != 0,
			.is_compressed = sql_col_i64(q, 6) != 0,
			.is_update = sql_col_i64(q, 7) != 0,
			.size = sql_col_i64(q, 8),
			.created_ms = sql_col_i64(q, 10),
			.completed_ms = sql_col_i64(q, 11) };
		e = arena_copy(arena, sql_col_text(q, 2), &l.key.debug_file);
		e = e == ERR_OK ? arena_copy(arena, sql_col_text(q, 3), &l.key.debug_id) : e;
		e = e == ERR_OK ? arena_copy(arena, sql_col_text(q, 4), &l.key.file) : e;
		e = e == ERR_OK ? arena_copy(arena, sql_col_text(q, 9), &l.md5) : e;
		if (e == ERR_OK) {
			*ret = l;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

#define STORE_ROW(row_name, req, fn)                                                               \
	{                                                                                          \
		.name = (row_name), .from = ROLE_BIT(ROLE_WEB), .to = ROLE_STORE,                  \
		.max_req = (req), .max_rep = 32, .deadline_ms = 30000, .cost_us = 300,             \
		.flags = RPC_TXN, .handle = (fn)                                                   \
	}

const struct rpc_def symbols_upload_begin =
    STORE_ROW("symbols.upload_begin", MESSAGE_MAX, handle_begin);
const struct rpc_def symbols_upload_file =
    STORE_ROW("symbols.upload_file", MESSAGE_MAX, handle_file);
const struct rpc_def symbols_upload_end = STORE_ROW("symbols.upload_end", END_MAX, handle_end);
const struct rpc_def symbols_upload_sessions =
    STORE_ROW("symbols.upload_sessions", SESSIONS_MAX, handle_sessions);
