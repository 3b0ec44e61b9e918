/*
 * The storage and user API of versions 1.0 and 1.1 (sync.md 2), the generation of Firefox 4 to 28:
 * users with a name and a password of HTTP Basic, on the same stores as 1.5. Off unless [sync]
 * old_api says otherwise (decision 0080). What both versions share is done by the files of 1.5;
 * here stands what is different.
 */
#ifndef PLIMSOLL_SYNC_WEAVE_H
#define PLIMSOLL_SYNC_WEAVE_H

#include "services/sync/bso_body.h"
#include "services/sync/storage_call.h"
#include "services/sync/sync_priv.h"
#include "services/sync/write.h"

enum {
	WEAVE_NAME_MAX = 64,
	WEAVE_RECORD_BYTES = 256 * 1024, /* of a payload */
	WEAVE_POST_RECORDS = 100,
	WEAVE_POST_BYTES = 1024 * 1024, /* payloads of one POST stay below */
	WEAVE_TTL_MAX = 31536000,
	WEAVE_BODY_MAX = 4 * 1024 * 1024, /* bytes: what is over the limits is named, not cut */
	WEAVE_PASSWORD_LEAST = 8,
	WEAVE_FORM_MAX = 8192 /* bytes of a body of the user API */
};

/* The numbers in bodies of errors: the whole list of sync.md 1.9. */
enum weave_code {
	WEAVE_OTHER = 0,
	WEAVE_CAPTCHA = 2,
	WEAVE_NO_USER = 3,
	WEAVE_OVERWRITE = 4,
	WEAVE_JSON = 6,
	WEAVE_NO_PASSWORD = 7,
	WEAVE_INVALID = 8,
	WEAVE_WEAK_PASSWORD = 9,
	WEAVE_RESET_CODE = 10,
	WEAVE_NO_EMAIL = 12,
	WEAVE_COLLECTION = 13,
	WEAVE_QUOTA = 14,
	WEAVE_MISMATCH = 15,
	WEAVE_TOO_LARGE = 17
};

struct weave_user {
	char name[WEAVE_NAME_MAX + 1];
	int64_t account_id, uid;
	struct slice address; /* in the arena */
};

enum weave_form {
	WEAVE_AS_JSON,
	WEAVE_AS_LINES,
	WEAVE_AS_WHOISI /* 32 bits of length, high byte first, and JSON, for each record */
};

/* A request to the storage. */
struct weave_call {
	struct sync_call s; /* what it shares with 1.5 */
	struct weave_user user;
	enum weave_form form;
	struct slice rest; /* of the path, behind the user; no slash at its end */
};

/* ---- weave_name.c ---- */

/*
 * The name in the form it is kept in: lower case; of an e-mail address what clients make of it,
 * base32 of its SHA-1. False: it cannot be one.
 */
bool weave_name(struct slice text, char out[WEAVE_NAME_MAX + 1]);
/* The name that clients make of an address. */
void weave_name_of_address(struct slice address, char out[WEAVE_NAME_MAX + 1]);
/* Has it the form of such a name? */
bool weave_name_is_hash(const char *name);
/*
 * ERR_NOT_FOUND: no such user. One whose account was deleted may still be there for some seconds:
 * whoever goes on looks up the account.
 */
NODISCARD enum err weave_user_find(struct sql_db *db, struct arena *arena, const char *name,
    struct weave_user *ret, struct err_note *note);

/* ---- weave_basic.c ---- */

struct weave_cache;
NODISCARD enum err weave_cache_new(struct weave_cache **ret);
void weave_cache_free(struct weave_cache **c);

/*
 * The sender by HTTP Basic, who must be name. False: answered with 401, or *ret is an error. In a
 * task.
 */
NODISCARD bool weave_authenticate(
    struct op_call *c, const char *name, struct weave_user *ret_user, enum err *ret);

/* ---- weave_call.c ---- */

bool weave_is_on(const struct op_call *c);
bool weave_owns_path(struct slice path);
void weave_error(struct op_call *c, enum err e);

/* Version, user, Basic, condition. False: answered, or *ret is an error. */
NODISCARD bool weave_begin(struct op_call *c, struct weave_call *ret, enum err *ret_err);

void weave_refuse(struct op_call *c, int status, enum weave_code code);
/* A success; time_ms 0: now. */
void weave_reply(
    struct weave_call *w, struct slice content_type, struct slice body, int64_t time_ms);
/* The same of a bare time. */
NODISCARD enum err weave_reply_time(struct weave_call *w, int64_t time_ms);
/* X-Weave-Timestamp, for answers in pieces. */
void weave_add_time(struct weave_call *w, int64_t time_ms);

/* A change of that kind to w's collection; ERR_OK with *ret_done false: it was refused. */
NODISCARD enum err weave_change_run(struct weave_call *w, enum sync_write_kind kind,
    struct slice records, struct sync_written *ret, bool *ret_done);

/* ---- weave_body.c ---- */

enum weave_body_kind {
	WEAVE_BODY_ONE, /* an object: one record, *ret_id is its id or empty */
	WEAVE_BODY_MANY
};

/*
 * Reads the body of a PUT or POST. id: of the path, for a PUT of a record; else empty. ERR_SYNTAX:
 * no JSON; ERR_INVALID: not of the form, or a single record that cannot be.
 */
NODISCARD enum err weave_body_read(struct slice body, bool lines, struct slice id,
    struct sync_upload *ret, enum weave_body_kind *ret_kind, struct err_note *note);

/* ---- weave_item.c, weave_list.c: the methods of storage/... ---- */

NODISCARD enum err weave_get_item(struct weave_call *w);
NODISCARD enum err weave_get_list(struct weave_call *w);
NODISCARD enum err weave_delete_list(struct weave_call *w);
/* The record that the query stands on. */
void weave_write_record(struct json_writer *j, struct sql_query *q);

/* ---- weave_captcha.c ---- */

/* A new question: text for people, and what goes along with the answer. */
NODISCARD enum err weave_captcha_ask(
    struct op_call *c, const char **ret_question, const char **ret_challenge);
/* Answered rightly, in time, and for the first time? */
bool weave_captcha_is_good(struct op_call *c, struct slice challenge, struct slice response);

/* sync.weave_secret: web -> signer: is it [sync] old_api_secret? */
extern const struct rpc_def sync_weave_secret;

#endif
