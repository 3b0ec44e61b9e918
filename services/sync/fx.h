/*
 * Role: web. The accounts server for Firefox: what its calls share (sync.md 6.4). Answers are JSON
 * objects; errors have a number that browsers go by.
 */
#ifndef PLIMSOLL_SYNC_FX_H
#define PLIMSOLL_SYNC_FX_H

#include <stdbool.h>

#include "accounts/account.h"
#include "accounts/firefox.h"
#include "core/base/json.h"
#include "core/http/http.h"
#include "services/sync/access_token.h"
#include "services/sync/fx_change.h"
#include "services/sync/sync_priv.h"

#define FX_NAMESPACE	  "identity.mozilla.com/picl/v1/"
#define FX_SCOPE_SYNC	  "https://identity.mozilla.com/apps/oldsync"
#define FX_SCOPE_SESSION  "https://identity.mozilla.com/tokens/session"
#define FX_CLIENT_DESKTOP "5882386c6d801776"

enum {
	FX_BODY_MAX = 64 * 1024, /* bytes of a request */
	FX_ANSWER_MAX = 256 * 1024,
	FX_TOKEN_BYTES = 32,
	FX_TOKEN_HEX = 2 * FX_TOKEN_BYTES
};

/* Numbers of errors (sync.md 6.4). */
enum fx_errno {
	FX_ERRNO_ACCOUNT_EXISTS = 101,
	FX_ERRNO_UNKNOWN_ACCOUNT = 102,
	FX_ERRNO_WRONG_PASSWORD = 103,
	FX_ERRNO_UNVERIFIED = 104,
	FX_ERRNO_JSON = 106,
	FX_ERRNO_PARAMETER = 107,
	FX_ERRNO_MISSING = 108,
	FX_ERRNO_SIGNATURE = 109,
	FX_ERRNO_TOKEN = 110,
	FX_ERRNO_TIMESTAMP = 111,
	FX_ERRNO_TOO_LARGE = 113,
	FX_ERRNO_TOO_MANY = 114,
	FX_ERRNO_NONCE = 115,
	FX_ERRNO_STALE = 116,
	FX_ERRNO_LOCKED = 121,
	FX_ERRNO_UNKNOWN_DEVICE = 123,
	FX_ERRNO_BUSY = 201,
	FX_ERRNO_FAULT = 999,
	/* of OAuth */
	FX_OAUTH_UNKNOWN_CLIENT = 101,
	FX_OAUTH_UNKNOWN_CODE = 105,
	FX_OAUTH_CODE_MISMATCH = 106,
	FX_OAUTH_CODE_EXPIRED = 107,
	FX_OAUTH_TOKEN = 108,
	FX_OAUTH_PARAMETER = 109,
	FX_OAUTH_SCOPE = 114,
	FX_OAUTH_CHALLENGE = 117
};

/* ---- fx_answer.c ---- */

/* An answer under way: members go into json. */
struct fx_answer {
	struct op_call *c;
	struct buf *body;
	struct json_writer json;
};

/* Begins an object; ERR_MEMORY. */
NODISCARD enum err fx_begin(struct op_call *c, struct fx_answer *ret);
/* The same for an array. */
NODISCARD enum err fx_begin_array(struct op_call *c, struct fx_answer *ret);
/* Ends what was begun, and sends it. */
NODISCARD enum err fx_send(struct fx_answer *a);
NODISCARD enum err fx_send_array(struct fx_answer *a);
NODISCARD enum err fx_send_empty(struct op_call *c); /* {} */

void fx_put_text(struct fx_answer *a, const char *name, struct slice value);
void fx_put_number(struct fx_answer *a, const char *name, int64_t value);
void fx_put_flag(struct fx_answer *a, const char *name, bool value);

/* {"code":status,"errno":number,"error":phrase,"message":text,"info":URL} */
NODISCARD enum err fx_refuse(struct op_call *c, int status, enum fx_errno number, const char *text);

/* Does a path belong to these calls? And their answer to a failure. */
bool fx_owns_path(struct slice path);
void fx_error(struct op_call *c, enum err e);

/* A buffer that is freed with the request; NULL beyond its memory. */
struct buf *fx_buf(struct op_call *c, size_t max);

/* The body as an object. False: it is none, and *ret says how the answer went. */
bool fx_take_body(struct op_call *c, const struct json **ret_object, enum err *ret);

/* A member that is a string of 1 to max bytes; false otherwise. */
bool fx_take_text(const struct json *object, const char *name, size_t max, struct slice *ret);
/* The same of exactly len lower-case hex digits. */
bool fx_take_hex(const struct json *object, const char *name, size_t len, struct slice *ret);
bool fx_is_hex(struct slice text, size_t len);

/* ---- fx_auth.c ---- */

/* Who sends a request: a browser that is signed in. */
struct fx_who {
	struct account account;
	struct firefox_account fx;
	struct firefox_client client;
};

/*
 * By the Hawk of a session, or Bearer and a refresh token. False: nobody, and *ret says how the
 * answer went.
 */
bool fx_who(struct op_call *c, struct fx_who *ret_who, enum err *ret);
/* The same where it has to be a session. */
bool fx_session(struct op_call *c, struct fx_who *ret_who, enum err *ret);

/* The browsers of an account that are still signed in, in the arena of the call. */
NODISCARD enum err fx_list_clients(
    struct op_call *c, const struct fx_who *who, struct firefox_client **ret, unsigned *ret_n);
/* The same for an array of them that is begun. False: none is, and *ret says how the answer went.
 */
struct fx_clients {
	struct fx_who who; /* who asks */
	struct firefox_client *all;
	unsigned n;
};
bool fx_begin_clients(
    struct op_call *c, struct fx_clients *ret_clients, struct fx_answer *ret_answer, enum err *ret);
/* Is it the one that asks? */
bool fx_is_current(const struct fx_who *who, const struct firefox_client *d);

/*
 * What an access token of ours says, if it is good: signed by us, not expired, not destroyed, of a
 * browser that is still signed in. ERR_SYNTAX: none of ours; ERR_UNAUTHENTICATED with the reason in
 * c->note.
 */
NODISCARD enum err fx_access(
    struct op_call *c, struct slice token, struct access_token *ret, struct fx_who *ret_who);

/* When an account's password or keys changed last: the generation of its tokens. */
int64_t fx_generation(const struct account *a, const struct firefox_account *fx);

/* One of an account's addresses, the first by its key. In the arena. ERR_NOT_FOUND. */
NODISCARD enum err fx_email(struct op_call *c, int64_t account_id, struct slice *ret);

/* ---- fx_session.c: tokens of sessions ---- */

/* What a token is known by (sync.md 6.7). kind: "sessionToken", "keyFetchToken". */
struct fx_token_keys {
	char id[FX_TOKEN_HEX + 1];
	uint8_t key[FX_TOKEN_BYTES], extra[FX_TOKEN_BYTES];
};
NODISCARD enum err fx_token_keys(
    const uint8_t token[FX_TOKEN_BYTES], const char *kind, struct fx_token_keys *ret);

/* Key and extra of a token as they are stored, in hex, and back: with which of web's keys. */
enum fx_seal_key {
	FX_SEAL_CURRENT,
	FX_SEAL_PREVIOUS
};
void fx_seal(const struct symmetric_keys *keys, enum fx_seal_key which, const char *id,
    uint8_t bytes[FX_TOKEN_BYTES]);

/* ---- fx_opening.c: new sessions ---- */

/*
 * A new session, and a token that fetches keys; each only where it is wanted. Whoever has one wipes
 * it in the end.
 */
struct fx_opening {
	bool has_session, wants_keys;
	uint8_t session[FX_TOKEN_BYTES], key_fetch[FX_TOKEN_BYTES];
	struct fx_token_keys session_keys, key_fetch_keys;
};

/*
 * Has the store remember a new session of an account, and if o->wants_keys a token that fetches its
 * keys; *ret is the account as the store has it now.
 */
NODISCARD enum err fx_open_session(struct op_call *c, const struct account *account,
    struct slice client_id, struct fx_opening *o, struct firefox_account *ret);
/* The token that fetches keys alone. */
NODISCARD enum err fx_open_keys(
    struct op_call *c, const struct account *account, struct fx_opening *o);

/* Members of an answer: the tokens that there are, and that all is verified. */
void fx_put_opening(struct fx_answer *a, const struct fx_opening *o);
/* The session's token in hex, in the arena of the call; empty when there is no memory. */
struct slice fx_opening_session(struct op_call *c, const struct fx_opening *o);

#endif
