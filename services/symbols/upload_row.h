/*
 * A line of the log of uploads, and what the pages of the log share.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_ROW_H
#define PLIMSOLL_SYMBOLS_UPLOAD_ROW_H

#include "core/base/json.h"
#include "core/http/http.h"
#include "core/store/sql.h"
#include "services/symbols/symbols_token.h"

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

/* Whoever may upload or see all may look. *ret_good false: 403 has been answered, or an error. */
NODISCARD enum err uploads_authorize(
    struct op_call *c, struct symbols_token *token, bool *ret_good);

/* Answers with out, if e is ERR_OK, and frees it. */
NODISCARD enum err uploads_reply(struct op_call *c, struct buf *out, enum err e);

#endif
