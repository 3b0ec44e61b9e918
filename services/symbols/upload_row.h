/*
 * A line of the log of uploads, and what the pages of the log share.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_ROW_H
#define PLIMSOLL_SYMBOLS_UPLOAD_ROW_H

#include "core/base/json.h"
#include "core/http/http.h"
#include "core/store/sql.h"
#include "services/symbols/symbols_who.h"

enum {
	UPLOADS_ANSWER_MAX = 16 * 1024 * 1024 /* bytes */
};

/* Borrowed from the row of the query. */
struct upload_row {
	int64_t id;
	struct slice email;
	bool is_try;
	struct slice filename, download_url, redirect_urls;
	int64_t size;
	struct slice content_hash;
	int64_t files;
	struct slice skipped_keys, ignored_keys;
	int64_t created_ms, completed_ms;
};

struct upload_row upload_row_of(struct sql_query *q);

/* Its members, without the braces. */
void upload_row_put(struct json_writer *w, const struct upload_row *r);

/*
 * Calls fn for up to most uploads before *id, the newest first, of one person or (email empty) of
 * all; *id moves on, *ret_n is how many. fn's error ends it and is given back.
 */
typedef enum err upload_row_fn(void *arg, const struct upload_row *r);
NODISCARD enum err upload_rows_before(struct sql_db *db, struct slice email, int64_t *id,
    int64_t most, upload_row_fn *fn, void *arg, int64_t *ret_n, struct err_note *note);

/* The members of one upload, with how many of its files are still to come. ERR_NOT_FOUND. */
NODISCARD enum err upload_row_show(
    struct sql_db *db, int64_t id, struct json_writer *w, struct err_note *note);

/*
 * Looks at an upload for somebody. ERR_DENIED: it is somebody else's, and the caller may not see
 * all; ERR_NOT_FOUND. Texts are in the request's arena.
 */
struct upload_seen {
	struct slice email, content_hash;
	int64_t size;
};
NODISCARD enum err upload_row_see(
    struct op_call *c, const struct symbols_who *who, int64_t id, struct upload_seen *ret);

/* Answers a look that failed so: 403, 404, or the error itself is given back. */
enum err upload_row_refuse(struct op_call *c, enum err e);

/* Answers with out, if e is ERR_OK, and frees it. */
NODISCARD enum err uploads_reply(struct op_call *c, struct buf *out, enum err e);

#endif
