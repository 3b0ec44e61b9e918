/*
 * A request to the storage: what is common to all of them. Checks go in the order of sync.md 1.9;
 * error bodies are one bare number.
 */
#ifndef PLIMSOLL_SYNC_STORAGE_CALL_H
#define PLIMSOLL_SYNC_STORAGE_CALL_H

#include "core/base/json.h"
#include "core/http/http.h"
#include "core/service.h"
#include "services/sync/auth.h"
#include "services/sync/meta.h"
#include "services/sync/stamp.h"

/* The numbers in bodies of errors (sync.md 1.9). */
enum sync_code {
	SYNC_CODE_OTHER = 0,
	SYNC_CODE_INVALID = 8,
	SYNC_CODE_COLLECTION = 13,
	SYNC_CODE_QUOTA = 14,
	SYNC_CODE_LIMIT = 17
};

/* What a request brings. */
enum sync_body_kind {
	SYNC_BODY_NONE,
	SYNC_BODY_ONE, /* PUT: one record */
	SYNC_BODY_MANY /* POST: records, as JSON or a line each */
};

enum sync_condition {
	SYNC_ALWAYS,
	SYNC_IF_MODIFIED_SINCE,
	SYNC_IF_UNMODIFIED_SINCE
};

struct sync_call {
	struct op_call *c;
	struct sync_user user;
	int64_t now_ms;		       /* calendar time of its start */
	struct slice collection, item; /* of the path; empty where it has none */
	bool answers_lines;	       /* Accept: application/newlines */
	bool brings_lines;	       /* Content-Type: application/newlines */
	enum sync_condition condition;
	int64_t since_ms;
};

/*
 * All checks on the head. False: the request is answered. *ret is filled on true; nothing in it
 * waits or reads the database.
 */
NODISCARD bool sync_call_begin(struct op_call *c, enum sync_body_kind body, struct sync_call *ret);

/*
 * Holds the condition of a read against the resource's time. False: answered with 304 or 412.
 * Writes are held against it in the store.
 */
NODISCARD bool sync_call_holds(struct sync_call *s, int64_t modified_ms);

/* The user's row, in the arena. Errors as sync_meta_load(). */
NODISCARD enum err sync_call_meta(struct sync_call *s, struct sync_meta **ret);

/* info.c: takes what has expired out of the totals; and bytes as kilobytes, exactly. */
NODISCARD enum err sync_subtract_expired(struct sync_call *s, struct sync_meta *m);
void sync_put_kilobytes(struct json_writer *w, int64_t bytes);

/* Answers; modified_ms becomes X-Last-Modified. body must live as long as the request. */
void sync_reply(struct sync_call *s, int status, struct slice body, int64_t modified_ms);

/* Adds a header "name: n" before the answer. */
void sync_add_number(struct sync_call *s, const char *name, int64_t n);

/* For answers that go out in pieces: the headers that sync_reply() adds. */
void sync_add_times(struct sync_call *s, int64_t modified_ms);

/* sync_site.c: an error: the number of its kind as body. */
void sync_refuse(struct op_call *c, int status, enum sync_code code);
/* sync_site.c: 503 with a Retry-After of so many seconds or more: sync_backoff_retry_s(). */
void sync_refuse_for_now(struct op_call *c, unsigned seconds);

#endif
