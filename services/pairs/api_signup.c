/*
 * Signing up and inviting over the REST API: what sends a mail with a token.
 */
#include "accounts/account.h"
#include "accounts/credential.h"
#include "accounts/email_syntax.h"
#include "accounts/keys.h"
#include "accounts/staged.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "services/pairs/api.h"
#include "services/pairs/media_link.h"
#include "services/pairs/pairs_mailing.h"
#include "services/pairs/signup_ticket.h"

static int64_t conf_of(const struct api_call *a, const char *name)
{
	return conf_ms(a->env->conf, "pairs", name);
}

/* The field email; false: refused. */
bool api_take_address(struct api_call *a, struct slice *ret, struct slice *ret_key, enum err *e)
{
	*ret = api_text(a, "email");
	if (!email_is_valid(*ret)) {
		*e = api_refuse(a, 400, "invalid", "email: is no address");
		return false;
	}
	*e = email_key(a->c->arena, *ret, ret_key);
	return *e == ERR_OK;
}

/* Fills in what a mail needs; the token's hash is in r. */
static enum err compose(
    struct api_call *a, enum pairs_mail mail, const char *lifetime, struct pairs_change_req *r)
{
	char token[TOKEN_LEN + 1], hash[TOKEN_HASH_HEX + 1];

	rng_token(token, TOKEN_LEN);
	enum err e = token_hash(slice_str(token), hash);
	if (e == ERR_OK) {
		e = arena_copy(a->c->arena, slice_str(hash), &r->hash);
	}
	r->lifetime_ms = conf_of(a, lifetime);
	r->interval_ms = conf_of(a, "min_mail_interval");
	r->hold_ms = conf_ms(a->env->conf, "mail", "bounce_hold");
	if (e == ERR_OK && conf_bool(a->env->conf, "pairs", "test_doors")) {
		e = arena_copy(a->c->arena, slice_str(token), &a->test_token);
	}
	return e == ERR_OK
		   ? pairs_compose(a->c->arena, mail, conf_str(a->env->conf, "pairs", "app_url"),
			 token, a->user.first_name, r)
		   : e;
}

/* ---- signing up ---- */

/* Of a password, before any was hashed here: each step of the cost doubles it. */
static int64_t guess_us(const struct conf *conf)
{
	const int64_t us_at_4 = 1000;

	return us_at_4 << (conf_int(conf, "accounts", "bcrypt_cost") - 4);
}

static struct signup_load load_of(const struct api_call *a)
{
	const struct rpc_pool *compute = a->env->peer[ROLE_COMPUTE];
	int64_t job_us = rpc_pool_mean_cpu_us(compute);
	int64_t webs = conf_int(a->env->conf, "web", "instances");

	return (struct signup_load){ .wait_us = rpc_pool_expected_wait_us(compute),
		.job_us = job_us > 0 ? job_us : guess_us(a->env->conf),
		.lanes = rpc_pool_connected(compute),
		.webs = webs > 0 ? (unsigned)webs : rpc_pool_connected(compute) };
}

/* Not now: when instead, and a ticket that makes it sure. */
static enum err refuse_for_now(
    struct api_call *a, struct slice key, int64_t slot_us, int64_t now_us)
{
	int64_t wait_ms = slot_us == 0 ? 3600 * 1000 : (slot_us - now_us) / 1000;
	struct buf *ticket = arena_buf(a->c->arena, SIGNUP_TICKET_MAX);
	const char *seconds =
	    arena_printf(a->c->arena, "%lld", (long long)((wait_ms + 999) / 1000));
	enum err e = api_begin(a);

	if (e != ERR_OK || ticket == NULL || seconds == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(a->c->req, SLICE("Retry-After"), slice_str(seconds));
	http_mark_refused(a->c->req);
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("error"));
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("code"));
	json_put_string(&a->out, SLICE("overloaded"));
	json_put_name(&a->out, SLICE("message"));
	json_put_string(&a->out, SLICE("many sign up just now: come back in your time slot"));
	json_put_name(&a->out, SLICE("retry_ms"));
	json_put_i64(&a->out, wait_ms);
	if (slot_us != 0) {
		signup_ticket_put(accounts_keys(a->env), key, a->now_ms + wait_ms, ticket);
		json_put_name(&a->out, SLICE("slot_ms"));
		json_put_i64(&a->out, SIGNUP_SLOT_MS);
		json_put_name(&a->out, SLICE("ticket"));
		json_put_string(&a->out, buf_slice(ticket));
	}
	json_end_object(&a->out);
	json_end_object(&a->out);
	return api_send(a, 503);
}

/* False: refused for load. */
static bool pass_gate(struct api_call *a, struct slice key, bool is_full, enum err *ret)
{
	struct signup_load load = load_of(a);
	struct slice ticket = api_text(a, "ticket");
	int64_t now_us = clock_mono_us(), slot_us = 0;
	bool has_slot = ticket.len > 0 && signup_ticket_check(accounts_keys(a->env), ticket, key,
					      a->now_ms) == SIGNUP_TICKET_GOOD;

	if (is_full) {
		load.wait_us = INT64_MAX;
	}
	if (signup_gate_ask(&a->state->gate, &load, has_slot, now_us, &slot_us)) {
		return true;
	}
	*ret = refuse_for_now(a, key, slot_us, now_us);
	return false;
}

/* What was mailed, for load generators, which read no mail. */
static void put_test_token(struct api_call *a)
{
	if (a->test_token.len > 0) {
		json_put_name(&a->out, SLICE("test_token"));
		json_put_string(&a->out, a->test_token);
	}
}

static enum err answer_signed_up(struct api_call *a, int64_t user)
{
	struct buf *token = arena_buf(a->c->arena, AVATAR_TOKEN_MAX);
	enum err e = token == NULL ? ERR_MEMORY : api_begin(a);

	if (e != ERR_OK) {
		return e;
	}
	avatar_token_put(token, accounts_keys(a->env), user, a->now_ms);
	json_begin_object(&a->out);
	pairs_put_id(&a->out, "user_id", user);
	json_put_name(&a->out, SLICE("state"));
	json_put_string(&a->out, SLICE("unverified"));
	json_put_name(&a->out, SLICE("avatar_token"));
	json_put_string(&a->out, buf_slice(token));
	put_test_token(a);
	json_end_object(&a->out);
	return api_send(a, 202);
}

enum err api_sign_up(struct api_call *a)
{
	struct slice key = SLICE_EMPTY;
	struct pairs_change_req r = { .kind = PAIRS_SIGN_UP, .user = pairs_new_id() };
	struct pairs_changed changed;
	const struct credential given = { .text = api_text(a, "password") };
	const struct kdf plain = { .kind = KDF_PLAIN };
	enum err e = ERR_OK;

	if (!api_take_address(a, &r.address, &key, &e) || !pass_gate(a, key, false, &e)) {
		return e;
	}
	r.idem = api_text(a, "idempotency_key");
	r.name = api_text(a, "first_name");
	e = credential_hash(a->c, &given, &plain, &r.password_hash);
	if (e == ERR_TOO_BUSY) {
		return pass_gate(a, key, true, &e) ? ERR_TOO_BUSY : e;
	}
	if (e == ERR_OK) {
		e = compose(a, PAIRS_MAIL_SIGN_UP, "signup_lifetime", &r);
	}
	if (e != ERR_OK || !api_change(a, &r, &changed, &e)) {
		return e;
	}
	return answer_signed_up(a, changed.user);
}

enum err api_resend(struct api_call *a)
{
	struct slice key = SLICE_EMPTY;
	struct pairs_change_req r = { .kind = PAIRS_RESEND };
	struct pairs_changed unused;
	enum err e = ERR_OK;

	if (!api_take_address(a, &r.address, &key, &e)) {
		return e;
	}
	e = compose(a, PAIRS_MAIL_SIGN_UP, "signup_lifetime", &r);
	if (e == ERR_OK) {
		e = pairs_make_change(
		    a->env, a->c->arena, a->c->deadline_us, a->c->trace, &r, &unused, &a->c->note);
	}
	/* Whatever came of it, the answer is the same. */
	return e == ERR_OK ? api_send_empty(a) : e;
}

/* ---- inviting ---- */

enum err api_invite(struct api_call *a)
{
	struct slice key = SLICE_EMPTY;
	struct pairs_change_req r = { .kind = PAIRS_INVITE, .user = a->user.id };
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!api_take_address(a, &r.address, &key, &e)) {
		return e;
	}
	e = compose(a, PAIRS_MAIL_INVITE, "invite_lifetime", &r);
	if (e != ERR_OK || !api_change(a, &r, &changed, &e)) {
		return e;
	}
	if (a->test_token.len == 0) {
		return api_send_empty(a);
	}
	e = api_begin(a);
	if (e == ERR_OK) {
		json_begin_object(&a->out);
		put_test_token(a);
		json_end_object(&a->out);
		e = api_send(a, a->row->success);
	}
	return e;
}
