/*
 * The /wsapi calls (persona.md 2.1, 2.2). A call is one row of wsapi.def: name, method, cost and
 * rank, the level of login it needs, its parameters, its handler. The front function does what the
 * rules say for every call, in their order, and then runs the handler; the handler answers by one
 * of the functions below, which also send the session cookie if the session has changed.
 */
#ifndef PLIMSOLL_IDENTITY_WSAPI_H
#define PLIMSOLL_IDENTITY_WSAPI_H

#include "accounts/account.h"
#include "accounts/kdf.h"
#include "accounts/session.h"
#include "core/base/json.h"
#include "core/http/http.h"
#include "core/service.h"
#include "services/identity/identity_priv.h"
#include "services/identity/param.h"

/* One call while it runs. */
struct wsapi {
	struct op_call *c;
	struct svc_env *env;
	struct identity_state *state;
	int64_t now_ms;		/* calendar time of the call */
	struct session session; /* handlers change it; sent when it differs from: */
	struct session before;
	bool must_send_cookie; /* the cookie that came was unreadable, old or of the last key */
	bool has_password;     /* the session's account has one */
	struct params params;
	struct buf *body; /* of the answer under way */
	struct json_writer json;
};

typedef enum err wsapi_fn(struct wsapi *w);

/* Begins a JSON object as answer: put members with w->json, then wsapi_send(). ERR_MEMORY. */
NODISCARD enum err wsapi_begin(struct wsapi *w);
NODISCARD enum err wsapi_send(struct wsapi *w, int status);

/* {"success":true}; {"success":false,"reason":...} with 200 or a status; "<phrase>: <detail>". */
NODISCARD enum err wsapi_ok(struct wsapi *w);
NODISCARD enum err wsapi_fail(struct wsapi *w, const char *reason);
NODISCARD enum err wsapi_refuse(struct wsapi *w, int status, const char *reason);
NODISCARD enum err wsapi_text(struct wsapi *w, int status, const char *detail);
/* 200 with a body that is no JSON, which must live as long as the request. */
NODISCARD enum err wsapi_plain(struct wsapi *w, struct slice body);
/* 503 with Retry-After as JSON, as authenticate_user does it (persona.md 1.5). */
NODISCARD enum err wsapi_busy(struct wsapi *w);

/* How long a login lasts here: by ephemeral, and for the phone browser that asked for more. */
int64_t wsapi_duration_ms(const struct wsapi *w, bool is_ephemeral);
bool wsapi_is_mobile_firefox(const struct wsapi *w);

/*
 * The account of the call's parameter "email". *ret_key (NULL allowed) is the address's key.
 * ERR_NOT_FOUND: no account has it.
 */
NODISCARD enum err wsapi_account(struct wsapi *w, struct account *ret, struct slice *ret_key);

/* Salts of addresses that have no account yet are derived from a key, not stored. */
void wsapi_derived_kdf(const struct wsapi *w, struct slice address_key, struct kdf *ret);

/* Is pass in the form that the parameter kdf says it is? Text of the refusal or NULL. */
const char *wsapi_pass_problem(const struct wsapi *w, bool *ret_is_stretched);

/* Asks compute whether pass matches a stored hash. The new hash is in the request's arena. */
NODISCARD enum err wsapi_verify_pass(struct wsapi *w, const struct kdf *kdf, struct slice stored,
    bool is_stretched, bool *ret_matches, struct slice *ret_new_hash);

#define WSAPI(id, ...) wsapi_fn wsapi_##id;
#include "services/identity/wsapi.def"
#undef WSAPI

#endif
