/*
 * See symbols_who.h.
 */
#include "services/symbols/symbols_who.h"

#include "accounts/account.h"
#include "accounts/staged.h"
#include "core/base/clock.h"
#include "core/service.h"
#include "services/symbols/symbols_login.h"
#include "services/symbols/symbols_priv.h"

/* A person's tokens, one after the other. */
struct sum {
	int64_t now_ms;
	uint32_t permissions;
	bool is_blocked;
};

static enum err add_token(void *arg, const struct symbols_token *t)
{
	struct sum *s = arg;

	s->is_blocked = s->is_blocked || t->is_blocked;
	s->permissions |= t->expires_ms > s->now_ms ? t->permissions : 0;
	return ERR_OK;
}

/* The account need not be there: an address of another provider may have tokens, too. */
static enum err read_account(
    struct op_call *c, struct slice email, bool *ret_is_admin, bool *ret_is_locked)
{
	const struct svc_env *env = c->env;
	struct slice key = SLICE_EMPTY;
	struct account account = { .is_locked = false };
	enum err e = email_key(c->arena, email, &key);

	*ret_is_admin = false;
	if (e == ERR_OK) {
		e = account_by_address(env->db, c->arena, key, &account, &c->note);
	}
	if (e == ERR_OK) {
		e = account_is_admin(env->db, account.id, ret_is_admin, &c->note);
	}
	*ret_is_locked = account.is_locked;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err read_person(struct op_call *c, struct symbols_who *who, const char **ret_refusal)
{
	const struct svc_env *env = c->env;
	struct sum sum = { .now_ms = clock_wall_ms() };
	bool is_locked = false;
	enum err e = read_account(c, who->email, &who->is_admin, &is_locked);

	if (e == ERR_OK) {
		e = symbols_token_each(env->db, who->email, add_token, &sum, &c->note);
	}
	if (e == ERR_OK && (is_locked || sum.is_blocked)) {
		*ret_refusal = "User not active";
	}
	who->permissions = who->is_admin ? (uint32_t)SYMBOLS_ALL : sum.permissions;
	return e;
}

/* Nobody can make it up who has not the cookie, and the pages need not have that. */
static enum err make_csrf(struct op_call *c, struct slice cookie, char out[SYMBOLS_CSRF_CHARS + 1])
{
	char hash[TOKEN_HASH_HEX + 1];
	const char *text = arena_printf(c->arena, "csrf of %.*s", SLICE_ARG(cookie));
	enum err e = text == NULL ? ERR_MEMORY : token_hash(slice_str(text), hash);

	return e == ERR_OK
		   ? slice_to_cstr(SLICE_OF(hash, SYMBOLS_CSRF_CHARS), out, SYMBOLS_CSRF_CHARS + 1)
		   : e;
}

static enum err by_session(
    struct op_call *c, struct slice cookie, struct symbols_who *who, const char **ret_refusal)
{
	const struct svc_env *env = c->env;
	enum err e =
	    symbols_login_find(env->db, c->arena, cookie, clock_wall_ms(), &who->email, &c->note);

	if (e == ERR_NOT_FOUND) {
		*ret_refusal = "The session is over";
		return ERR_OK;
	}
	who->by_session = true;
	e = e == ERR_OK ? make_csrf(c, cookie, who->csrf) : e;
	return e == ERR_OK ? read_person(c, who, ret_refusal) : e;
}

enum err symbols_who(struct op_call *c, struct symbols_who *ret, const char **ret_refusal)
{
	struct symbols_who who = { .email = SLICE_EMPTY };
	struct symbols_token token = { .permissions = 0 };
	struct slice cookie = http_cookie(c->req, SLICE(SYMBOLS_COOKIE));
	enum err e = ERR_OK;

	*ret_refusal = NULL;
	if (http_header_get(c->req, SLICE("Auth-Token")).ptr != NULL) {
		e = symbols_token_check(c, 0, &token, ret_refusal);
		who.email = token.email;
		who.permissions = token.permissions;
	} else if (cookie.ptr != NULL) {
		e = by_session(c, cookie, &who, ret_refusal);
	} else {
		*ret_refusal = "This requires an Auth-Token to authenticate the request";
	}
	if (e == ERR_OK && *ret_refusal == NULL) {
		*ret = who;
	}
	return e;
}

bool symbols_is_own_page(struct op_call *c)
{
	const struct symbols_state *state = c->state;
	struct slice origin = http_header_get(c->req, SLICE("Origin"));

	return origin.ptr == NULL || slice_eq(origin, slice_str(state->url.origin));
}

static bool may_change(struct op_call *c, const struct symbols_who *who)
{
	struct slice given = http_header_get(c->req, SLICE("X-CSRF-Token"));

	return !who->by_session ||
	       (symbols_is_own_page(c) && slice_eq_secret(given, slice_str(who->csrf)));
}

enum err symbols_who_may(struct op_call *c, uint32_t any_of, enum symbols_wish wish,
    struct symbols_who *ret, bool *ret_good)
{
	const char *refusal = NULL;
	enum err e = symbols_who(c, ret, &refusal);

	if (e == ERR_OK && refusal == NULL && any_of != 0 && (ret->permissions & any_of) == 0) {
		refusal = "Forbidden";
	}
	if (e == ERR_OK && refusal == NULL && wish == SYMBOLS_CHANGE && !may_change(c, ret)) {
		refusal = "Only a page of this server may change this: its X-CSRF-Token is missing";
	}
	return symbols_let(c, e, refusal, ret_good);
}
