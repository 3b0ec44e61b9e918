/*
 * What uploads change in the database: the log, and the rows of files, which make them visible.
 * Messages from web to the store, each a transaction; a file's row is written when its blob is on
 * the disk, never before.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_STORE_H
#define PLIMSOLL_SYMBOLS_UPLOAD_STORE_H

#include "core/rpc/rpc.h"
#include "core/service.h"
#include "services/symbols/symbol_file.h"

enum {
	UPLOAD_KEYS_MAX = 3 * 1024 * 1024, /* bytes of a list of keys, as JSON */
	UPLOAD_SESSION_CHARS = 32,
	UPLOAD_SESSION_FILES = 1024 /* of one request */
};

/* symbols.upload_begin, .upload_file, .upload_end, .upload_sessions: web -> store */
extern const struct rpc_def symbols_upload_begin, symbols_upload_file, symbols_upload_end,
    symbols_upload_sessions;

struct upload_begun {
	struct slice email, filename, download_url, redirect_urls, content_hash;
	bool is_try;
	int64_t size;
};

/* A file that is kept: its row, and its line in the log. */
struct upload_added {
	struct symbol_file file; /* upload: the log's number */
	bool is_update;
	int64_t log_id; /* of a session's line that is there; 0: a new one */
};

/* A file that will be sent (upload v2). */
struct upload_session {
	struct symbol_key key;
	bool is_compressed;
	int64_t size;
	struct slice md5;
	char name[UPLOAD_SESSION_CHARS + 1];
};

/* Who asks: see struct file_caller. */
struct store_caller {
	struct rpc_pool *store;
	struct arena *arena;
	uint64_t trace;
	struct err_note *note;
};

/* *ret_created_ms: the store's clock. */
NODISCARD enum err upload_begin(const struct store_caller *c, const struct upload_begun *u,
    int64_t *ret_id, int64_t *ret_created_ms);
NODISCARD enum err upload_add_file(const struct store_caller *c, const struct upload_added *a);
NODISCARD enum err upload_end(const struct store_caller *c, int64_t id, int64_t n_files,
    struct slice skipped_keys, struct slice ignored_keys, int64_t *ret_completed_ms);
NODISCARD enum err upload_add_sessions(const struct store_caller *c, int64_t id, bool is_try,
    const struct upload_session *sessions, size_t n);

/* Reads the line that a session belongs to. ERR_NOT_FOUND: no such session, or it has ended. */
struct upload_line {
	int64_t id, upload;
	struct symbol_key key;
	bool is_try, is_compressed, is_update;
	int64_t size;
	struct slice md5;
	int64_t created_ms, completed_ms;
};
NODISCARD enum err upload_session_get(struct sql_db *db, struct arena *arena, struct slice session,
    struct upload_line *ret, struct err_note *note);

#endif
