/*
 * Sessions of upload v2 in the database: lines of the log that are not completed.
 */
#include "core/base/check.h"
#include "core/base/wire.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/upload_store_priv.h"

enum {
	SESSIONS_MAX = UPLOAD_SESSION_FILES * 1024
};

enum err upload_add_sessions(const struct store_caller *c, int64_t id, bool is_try,
    const struct upload_session *sessions, size_t n)
{
	struct buf message = buf_new(SESSIONS_MAX);

	wire_put_i64(&message, id);
	wire_put_u8(&message, is_try ? 1 : 0);
	for (size_t i = 0; i < n; i++) {
		const struct upload_session *s = &sessions[i];
		upload_put_key(&message, &s->key);
		wire_put_u8(&message, s->is_compressed ? 1 : 0);
		wire_put_i64(&message, s->size);
		wire_put_bytes(&message, s->md5);
		wire_put_bytes(&message, SLICE_OF(s->name, UPLOAD_SESSION_CHARS));
	}
	return upload_call(c, &symbols_upload_sessions, &message, NULL);
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
		struct upload_line l = {
			.upload = upload, .key = upload_take_key(&r), .is_try = is_try
		};
		l.is_compressed = wire_take_u8(&r) != 0;
		l.size = wire_take_i64(&r);
		l.md5 = wire_take_bytes(&r);
		struct slice session = wire_take_bytes(&r);
		CHECK(!r.bad);
		e = upload_add_line(t, &l, session, &id, note);
	}
	/* All of its files may be there already. */
	return e == ERR_OK ? upload_end_if_last(t, upload, note) : e;
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

const struct rpc_def symbols_upload_sessions =
    UPLOAD_STORE_ROW("symbols.upload_sessions", SESSIONS_MAX, handle_sessions);
