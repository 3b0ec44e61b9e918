/*
 * A file of an upload as the log's answers have it.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_FILES_API_H
#define PLIMSOLL_SYMBOLS_UPLOAD_FILES_API_H

#include "core/base/json.h"
#include "core/store/sql.h"
#include "services/symbols/upload_store.h"

/* A row of UPLOAD_FILES_AFTER and its like; text is borrowed from the query. */
struct upload_line upload_line_of(struct sql_query *q);

/* id, key, size and so on: members of an open object. */
void upload_line_put(struct json_writer *w, const struct upload_line *l);

#endif
