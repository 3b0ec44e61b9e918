/*
 * The /wsapi calls (persona.md 2.1, 2.2). A call is one row of wsapi.def: name, method, cost and
 * rank, the level of login it needs, its parameters, its handler. The front function does what the
 * rules say for every call, in their order, and then runs the handler; the handler answers by one
 * of the functions below, which also send the session cookie if the session has changed.
 */
#ifndef PLIMSOLL_IDENTITY_WSAPI_H
#define PLIMSOLL_IDENTITY_WSAPI_H

#include "accounts/account.h"
#include "accounts/credential.h"
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

/* Takes a password and its kdf from the parameters of these names. Text of a refusal, or NULL. */
const char *wsapi_take_pass(
    const struct wsapi *w, const char *name, const char *kdf_name, struct credential *ret);

/*
 * How a new password at an address is stretched. A page has used the salt that password_kdf told;
 * one that came plain stays plain, or is stretched for an account that is (current, may be NULL).
 */
NODISCARD enum err wsapi_kdf_for_new(struct wsapi *w, const struct credential *pass,
    const struct account *current, struct slice address_key, struct kdf *ret);

/* The password of an account, with the lockout: credential_check(). */
NODISCARD enum err wsapi_check_account(struct wsapi *w, const struct account *account,
    const struct credential *pass, struct slice verifier, struct slice address_key,
    enum pass_verdict *ret);

/* Logs in for as long as the parameter "ephemeral" says, and answers. */
NODISCARD enum err wsapi_signed_in(
    struct wsapi *w, int64_t id, enum session_level level, int64_t password_reset_ms);

/* Errors that mean "not now": some calls answer them by wsapi_busy(). */
bool wsapi_is_overload(enum err e);

/* Puts kdf, and for a stretched one salt and rounds, into the answer. */
void wsapi_put_kdf(struct wsapi *w, const struct kdf *kdf);

/* {"success":false,"reason":"account is locked","code":"account locked"} */
NODISCARD enum err wsapi_locked(struct wsapi *w);

/* The staged row of the parameter "token". ERR_NOT_FOUND: none, used, expired. */
struct staged;
NODISCARD enum err wsapi_staged(struct wsapi *w, struct staged *ret);

/* Is token the one that this browser waits for? */
bool wsapi_is_pending(const struct wsapi *w, enum session_pending which, struct slice token);

/* Has the store change the session's account, or (sign in) another. */
struct change_req;
struct changed;
NODISCARD enum err wsapi_change(struct wsapi *w, const struct change_req *req, struct changed *ret);

/* Who speaks for the addresses of a domain, looked up where it is not known; in a task. */
NODISCARD enum err wsapi_provider(
    struct wsapi *w, struct slice domain, struct provider_answer *ret);

/* May an account be made for this address? NULL, or the reason why not. */
const char *wsapi_signup_refusal(const struct wsapi *w, struct slice address_key);

extern const char wsapi_no_such_secret[], wsapi_not_yours[];

#define WSAPI(id, ...) wsapi_fn wsapi_##id;
#include "services/identity/wsapi.def"
#undef WSAPI

#endif
