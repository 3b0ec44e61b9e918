/*
 * The API of pairs (realtime.md 1.4). One table (api.def) says of every call who may make it, what
 * its body holds and what it answers; from it come the routes, the checking of bodies and the
 * OpenAPI document, so that what is documented is what is done. One handler serves all rows: it
 * finds out who calls, reads the body by the row's fields, and calls the row's function.
 *
 * Calls come over REST and, those of api_events.def, as events of a live session. The functions of
 * rows do not know which: there is no request behind an event (c->req is NULL), its object has all
 * fields and the numbers of the path, and the answer goes into its acknowledgement.
 *
 * A couple is never named by a request: it is that of the caller's token.
 */
#ifndef PLIMSOLL_PAIRS_API_H
#define PLIMSOLL_PAIRS_API_H

#include "core/base/json.h"
#include "core/http/http.h"
#include "services/pairs/pairs_change.h"
#include "services/pairs/api_rows.h"
#include "services/pairs/pairs_priv.h"
#include "services/pairs/pairs_session.h"
#include "services/pairs/pairs_user.h"

enum {
	API_FIELDS_MAX = 12,
	API_ANSWER_MAX = 16 * 1024 * 1024, /* bytes: a full calendar has five million */
	API_PAGE_MAX = 200,		   /* activities */
	API_PAGE = 100,			   /* if nothing is asked */
	API_UPLOAD_MAX = PAIRS_UPLOAD_MAX, /* bytes of a picture, whatever is configured */
};

enum api_who {
	API_OPEN,   /* anybody */
	API_MEMBER, /* whoever is signed in */
	API_COUPLE, /* and has a partner */
	API_SERVER, /* the app's own server, by its key */
};

enum api_kind {
	API_TEXT,   /* min..max bytes */
	API_LONG,   /* the same; a longer one is 413 */
	API_INT,    /* min..max */
	API_BOOL,   /* true, false; of a form also 1, 0 */
	API_OBJECT, /* JSON of at most max bytes as it was sent */
	API_ARRAY,
	API_ID, /* a number as a string */
};

struct api_field {
	const char *name; /* NULL: the list's end */
	enum api_kind kind;
	int64_t min, max;
	bool required;
	bool in_query; /* else in the body */
	const char *help;
};

struct api_call;
typedef enum err api_fn(struct api_call *a);

struct api_row {
	enum api_who who;
	const struct api_field *fields;
	int success;	      /* the status */
	const char *refusals; /* the others, "400 404" */
	api_fn *handle;
	const char *summary;
};

extern const struct api_row api_rows[API_ROWS];

/* A field's value as the request brought it. */
struct api_value {
	bool given;
	struct slice text; /* of objects and arrays: JSON */
	int64_t number;	   /* bool: 0 or 1 */
};

struct api_call {
	struct op_call *c;
	struct svc_env *env;
	struct pairs_state *state;
	const struct api_row *row;
	int64_t now_ms;
	const struct json *json;		 /* the body, NULL: a form, or none */
	struct api_value values[API_FIELDS_MAX]; /* as the row's fields */

	/* API_MEMBER, API_COUPLE */
	struct pairs_user user;
	int64_t partner; /* 0: none */
	int64_t head;	 /* of the couple's stream */
	char token_hash[PAIRS_TOKEN_HASH_HEX + 1];

	struct slice test_token; /* that was mailed, with [pairs] test_doors; else empty */

	struct buf *body; /* of the answer */
	struct json_writer out;

	/* Of an event: what was answered, and the number of the change or 0. */
	int status;
	struct slice answer; /* JSON, or empty */
	int64_t seq;
};

/* ---- api_call.c ---- */

op_fn pairs_api; /* handler of all rows */

/* Is it a request (else an event)? */
static inline bool api_is_request(const struct api_call *a)
{
	return a->c->req != NULL;
}

/* Whom the call is of. */
void api_set_session(struct api_call *a, const struct pairs_session *s);

/* The value of a field; the name must be in the row. */
const struct api_value *api_value(const struct api_call *a, const char *name);
struct slice api_text(const struct api_call *a, const char *name);	     /* empty: not given */
int64_t api_number(const struct api_call *a, const char *name, int64_t def); /* def: not given */
/* bit if it was given, else 0. */
int64_t api_given(const struct api_call *a, const char *name, enum pairs_given bit);

/* A number in the path. False: it is none. */
bool api_path_id(const struct api_call *a, const char *name, int64_t *ret);

/* ---- api_fields.c ---- */

/* Reads the request's body and query, or the event's object, by the row's fields. False: answered.
 */
NODISCARD bool api_take_fields(struct api_call *a, enum err *ret);

/* ---- api_auth.c ---- */

/* Finds out who calls. False: answered. */
NODISCARD bool api_authorise(struct api_call *a, enum err *ret);

/* Opens a session: a new token, its hash in r. */
NODISCARD enum err api_new_token(
    struct api_call *a, struct slice *ret_token, struct slice *ret_hash);

/* ---- api_signup.c ---- */

/* The field email and the form that it is compared in. False: answered. */
NODISCARD bool api_take_address(
    struct api_call *a, struct slice *ret, struct slice *ret_key, enum err *e);

/* ---- api_answer.c ---- */

/* {"error":{"code":…,"message":…}} */
NODISCARD enum err api_refuse(
    struct api_call *a, int status, const char *code, const char *message);
void api_refuse_call(struct op_call *c, int status, const char *code, const char *message);
/* The same as text, of the arena; empty: no memory. */
struct slice api_refusal(struct arena *arena, const char *code, const char *message);
/* What an error that a function gave is answered with; logs it, if it is ours. */
struct api_failure {
	int status;
	const char *code, *message;
};
struct api_failure api_fail(const struct op_call *c, enum err e);
NODISCARD enum err api_refuse_until(
    struct api_call *a, int status, const char *code, const char *message, int64_t wait_ms);

/* An answer is begun, filled by a->out, and sent. */
NODISCARD enum err api_begin(struct api_call *a);
NODISCARD enum err api_send(struct api_call *a, int status);
NODISCARD enum err api_send_empty(struct api_call *a); /* the row's success */

/*
 * Has the store make a change for the caller. False: it was refused or failed, and is answered.
 */
NODISCARD bool api_change(
    struct api_call *a, struct pairs_change_req *r, struct pairs_changed *ret, enum err *ret_err);

/* The event of a change as the answer. */
NODISCARD enum err api_send_event(struct api_call *a, const struct pairs_changed *changed);

/* An event as an object. */
void api_put_event(struct json_writer *out, const struct pairs_changed *event);

/* The member that calls, and the couple or null, as members of the object begun. */
NODISCARD enum err api_put_me(struct api_call *a);

/* ---- events: which row each one is of ---- */

/* The row of the event of that name, or API_ROWS. */
enum api_number api_event_row(struct slice name);
/* The name of the row's event, or NULL. */
const char *api_event_name(enum api_number row);

/* ---- api_media.c ---- */

/* A picture as an object, with the addresses of its sizes. */
struct pairs_media;
void api_put_media(struct api_call *a, const struct pairs_media *m);

/* ---- the rows' functions ---- */

#define PAIRS_API(                                                                                 \
    id, name, method, path, cost, rank, deadline, body, who, fields, ok, no, fn, text)             \
	NODISCARD enum err fn(struct api_call *a);
#include "services/pairs/api.def"
#undef PAIRS_API

#endif
