/*
 * Doors for tests and load generators, [identity] test_doors: closed, they are calls that do not
 * exist (wsapi_front() sees to it). Open, anybody can take any account, so a public server refuses
 * to start with them.
 */
#include "accounts/staged.h"
#include "core/base/clock.h"
#include "core/obs/log.h"
#include "services/identity/account_change.h"
#include "services/identity/wsapi.h"

/* The token that was mailed to an address: 200 with it as the body, or 400 and nothing. */
enum err wsapi_fake_verification(struct wsapi *w)
{
	struct slice email = SLICE_EMPTY, key = SLICE_EMPTY, token = SLICE_EMPTY;

	(void)http_query_get(w->c->req, SLICE("email"), &email);
	enum err e = email_key(w->c->arena, email, &key);
	if (e == ERR_OK) {
		e = staged_test_token(w->env->db, w->c->arena, key, &token, &w->c->note);
	}
	if (e == ERR_NOT_FOUND || e == ERR_LIMIT) {
		http_reply(w->c->req, 400, SLICE("text/plain; charset=utf-8"), SLICE_EMPTY);
		return ERR_OK;
	}
	return e == ERR_OK ? wsapi_plain(w, token) : e;
}

/* ---- /wsapi/test_* ---- */

static const char no_such_user[] = "no such user";

/* Begins an answer up to its one value. */
static enum err begin_answer(struct wsapi *w, struct slice name)
{
	enum err e = wsapi_begin(w);

	if (e == ERR_OK) {
		json_put_name(&w->json, SLICE("success"));
		json_put_bool(&w->json, true);
		json_put_name(&w->json, name);
	}
	return e;
}

static enum err answer_text(struct wsapi *w, struct slice name, struct slice text)
{
	enum err e = begin_answer(w, name);

	if (e != ERR_OK) {
		return e;
	}
	json_put_string(&w->json, text);
	return wsapi_send(w, 200);
}

static enum err answer_number(struct wsapi *w, struct slice name, int64_t n)
{
	enum err e = begin_answer(w, name);

	if (e != ERR_OK) {
		return e;
	}
	json_put_i64(&w->json, n);
	return wsapi_send(w, 200);
}

enum err wsapi_test_user_id(struct wsapi *w)
{
	struct account account;
	enum err e = wsapi_account(w, &account, NULL);

	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_user);
	}
	return e == ERR_OK ? answer_number(w, SLICE("userid"), account.id) : e;
}

enum err wsapi_test_provider_last_seen(struct wsapi *w)
{
	int64_t seen_ms = 0;
	enum err e = discovery_last_seen(w->state->discovery, w->c->arena,
	    param_text(&w->params, "domain"), &seen_ms, &w->c->note);

	return e == ERR_OK ? answer_number(w, SLICE("last_seen"), seen_ms) : e;
}

/* 0 forgets the provider. */
enum err wsapi_test_set_provider_last_seen(struct wsapi *w)
{
	uint64_t ms = 0;
	enum err e = slice_to_u64(param_text(&w->params, "ms"), INT64_MAX, &ms);

	if (e == ERR_OK) {
		e = discovery_mark_seen(w->state->discovery, w->c->arena,
		    param_text(&w->params, "domain"), (int64_t)ms, &w->c->note);
	}
	return e == ERR_OK ? wsapi_ok(w) : e;
}

enum err wsapi_test_last_used_as(struct wsapi *w)
{
	struct account account;
	enum err e = wsapi_account(w, &account, NULL);

	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_user);
	}
	return e == ERR_OK ? answer_text(w, SLICE("last_used_as"),
				 account.is_primary ? SLICE("primary") : SLICE("secondary"))
			   : e;
}

/* Without lockout, log-in or a new hash: looks, and changes nothing. */
enum err wsapi_test_check_password(struct wsapi *w)
{
	struct account account;
	struct credential pass;
	struct slice unused;
	bool matches = false;
	const char *problem = wsapi_take_pass(w, "pass", "kdf", &pass);
	enum err e = wsapi_account(w, &account, NULL);

	if (problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_user);
	}
	if (e == ERR_OK && account.has_password) {
		e = credential_verify(
		    w->c, &pass, &account.kdf, account.password_hash, &matches, &unused);
	}
	if (e != ERR_OK) {
		return e;
	}
	return matches ? wsapi_ok(w)
		       : wsapi_fail(w, account.has_password ? "password mismatch"
							    : "no password set for user");
}

/* Changes the account of the parameter "email" and answers. */
static enum err change(struct wsapi *w, const struct account *account, struct change_req *req)
{
	struct changed changed = { .outcome = CHANGE_NOT_OWNED };

	req->account_id = account->id;
	enum err e = wsapi_change(w, req, &changed);
	if (e != ERR_OK) {
		return e;
	}
	return changed.outcome == CHANGE_DONE ? wsapi_ok(w) : wsapi_fail(w, "changed meanwhile");
}

/* A hash made elsewhere, such as one of another cost; sessions go on. */
enum err wsapi_test_set_password_hash(struct wsapi *w)
{
	struct account account;
	enum err e = wsapi_account(w, &account, NULL);

	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_user);
	}
	if (e == ERR_OK && !account.has_password) {
		return wsapi_fail(w, "no password set for user");
	}
	struct change_req req = { .kind = CHANGE_PASSWORD,
		.old_hash = account.password_hash,
		.new_hash = param_text(&w->params, "hash"),
		.kdf = { .kind = KDF_PLAIN } };
	return e == ERR_OK ? change(w, &account, &req) : e;
}

enum err wsapi_test_set_last_used_as(struct wsapi *w)
{
	struct account account;
	bool is_primary = slice_eq(param_text(&w->params, "used_as"), SLICE("primary"));
	enum err e = wsapi_account(w, &account, NULL);

	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, no_such_user);
	}
	struct change_req req = { .kind = is_primary ? CHANGE_USED_PRIMARY : CHANGE_USED_SECONDARY,
		.address = account.address };
	return e == ERR_OK ? change(w, &account, &req) : e;
}

/* Shifts the calendar of all processes: what expires does so now. Deadlines are not touched. */
enum err wsapi_test_set_time_offset(struct wsapi *w)
{
	uint64_t ms = 0;
	enum err e = slice_to_u64(param_text(&w->params, "ms"), INT64_MAX, &ms);

	if (e != ERR_OK) {
		return e;
	}
	metric_set(metrics_clock_offset(w->env->metrics), (int64_t)ms);
	LOG(LOG_WARN, "identity", "clock_is_shifted", LOG_I("ms", (int64_t)ms));
	return wsapi_ok(w);
}
