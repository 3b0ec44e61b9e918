/*
 * Role: web. The user API of the old protocol (sync.md 2.3): making and ending users, their
 * passwords and addresses, and where their store is.
 */
#include <string.h>

#include "accounts/account.h"
#include "accounts/email_syntax.h"
#include "services/sync/weave_asking.h"

enum {
	SECRET_MAX = 256
};

enum err weave_text(struct op_call *c, struct slice text)
{
	http_reply(c->req, 200, SLICE("text/plain; charset=utf-8"), text);
	return ERR_OK;
}

enum err weave_bad(struct op_call *c, enum weave_code code)
{
	weave_refuse(c, 400, code);
	return ERR_OK;
}

/* What the path says. False: answered, or *ret is an error. */
static bool begin(struct op_call *c, struct weave_asking *a, enum err *ret)
{
	struct slice version = http_param(c->req, "version");
	bool is_ours = weave_is_on(c) && (slice_eq(version, SLICE("1")) ||
					     slice_eq(version, SLICE("1.0")) || version.len == 0);

	*a = (struct weave_asking){ .c = c, .rest = http_param(c->req, "rest") };
	*ret = ERR_OK;
	if (!is_ours) {
		*ret = sync_not_found(c);
		return false;
	}
	if (!weave_name(http_param(c->req, "user"), a->name)) {
		weave_refuse(c, 404, WEAVE_NO_USER);
		return false;
	}
	if (slice_ends(a->rest, SLICE("/"))) {
		a->rest.len--;
	}
	return true;
}

enum err weave_asking_find(struct weave_asking *a)
{
	const struct svc_env *env = a->c->env;
	int64_t reset_ms = 0;
	bool has_password = false;
	enum err e = weave_user_find(env->db, a->c->arena, a->name, &a->user, &a->c->note);

	return e == ERR_OK ? account_reset_time(
				 env->db, a->user.account_id, &reset_ms, &has_password, &a->c->note)
			   : e;
}

/* ---- captcha ---- */

static enum err has_secret(struct op_call *c, bool *ret)
{
	const struct svc_env *env = c->env;
	struct slice given = http_header_get(c->req, SLICE("X-Weave-Secret"));
	struct slice reply = SLICE_EMPTY;

	*ret = false;
	if (given.ptr == NULL || given.len == 0 || given.len > SECRET_MAX) {
		return ERR_OK;
	}
	enum err e = rpc_call(env->peer[ROLE_SIGNER], &sync_weave_secret, given, c->deadline_us,
	    c->trace, c->arena, &reply, &c->note);
	*ret = e == ERR_OK && reply.len == 1 && reply.ptr[0] == 1;
	return e;
}

enum err weave_passes(
    struct op_call *c, struct slice challenge, struct slice response, bool registers, bool *ret)
{
	const struct svc_env *env = c->env;
	const char *mode = conf_str(env->conf, "sync", "old_api");
	enum err e = has_secret(c, ret);

	if (e != ERR_OK || *ret) {
		return e;
	}
	bool is_closed = strcmp(mode, "closed") == 0 && registers;
	*ret = strcmp(mode, "open") == 0 ||
	       (!is_closed && weave_captcha_is_good(c, challenge, response));
	return ERR_OK;
}

/* GET /misc/1.0/captcha_html */
enum err weave_captcha(struct op_call *c)
{
	const char *question = NULL, *challenge = NULL;

	if (!weave_is_on(c)) {
		return sync_not_found(c);
	}
	enum err e = weave_captcha_ask(c, &question, &challenge);
	const char *html =
	    e != ERR_OK
		? NULL
		: arena_printf(c->arena,
		      "<p><label>%s <input name=\"captcha-response\" autocomplete=\"off\"></label>"
		      "<input type=\"hidden\" name=\"captcha-challenge\" value=\"%s\"></p>\n",
		      question, challenge);
	if (html == NULL) {
		return e != ERR_OK ? e : ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	http_reply(c->req, 200, SLICE("text/html; charset=utf-8"), slice_str(html));
	return ERR_OK;
}

/* ---- looking ---- */

static enum err exists(struct weave_asking *a)
{
	enum err e = weave_asking_find(a);

	return e == ERR_OK || e == ERR_NOT_FOUND
		   ? weave_text(a->c, e == ERR_OK ? SLICE("1") : SLICE("0"))
		   : e;
}

static enum err node(struct weave_asking *a)
{
	const struct sync_state *state = a->c->state;
	enum err e = weave_asking_find(a);

	if (e == ERR_NOT_FOUND) {
		weave_refuse(a->c, 404, WEAVE_OTHER);
		return ERR_OK;
	}
	const char *url = arena_printf(a->c->arena, "%s/", state->url.origin);
	if (e != ERR_OK || url == NULL) {
		return e != ERR_OK ? e : ERR_MEMORY;
	}
	return weave_text(a->c, slice_str(url));
}

/* ---- changing and ending one ---- */

static enum err change_known(
    struct weave_asking *a, const struct weave_change *change, struct slice text)
{
	enum weave_outcome outcome = WEAVE_UNKNOWN;
	enum err e = weave_change(a->c, change, &outcome);

	if (e != ERR_OK) {
		return e;
	}
	if (outcome == WEAVE_TAKEN) {
		return weave_bad(a->c, WEAVE_NO_EMAIL);
	}
	if (outcome == WEAVE_DONE) {
		return weave_text(a->c, text);
	}
	weave_refuse(a->c, 404, WEAVE_NO_USER);
	return ERR_OK;
}

static enum err post_email(struct weave_asking *a)
{
	struct slice address = slice_trim(http_body(a->c->req));
	const struct weave_change change = {
		.kind = WEAVE_SET_EMAIL, .name = slice_str(a->name), .address = address
	};
	enum err e = ERR_OK;

	if (!weave_authenticate(a->c, a->name, &a->user, &e)) {
		return e;
	}
	return email_is_valid(address) ? change_known(a, &change, address)
				       : weave_bad(a->c, WEAVE_NO_EMAIL);
}

static enum err end(struct weave_asking *a, enum weave_change_kind kind, struct slice text)
{
	const struct weave_change change = { .kind = kind, .name = slice_str(a->name) };
	enum err e = weave_asking_find(a);

	if (e == ERR_NOT_FOUND) {
		weave_refuse(a->c, 404, WEAVE_NO_USER);
		return ERR_OK;
	}
	if (e != ERR_OK || !weave_authenticate(a->c, a->name, &a->user, &e)) {
		return e;
	}
	return change_known(a, &change, text);
}

/* ---- the rows ---- */

static enum err no_such_path(struct weave_asking *a)
{
	weave_refuse(a->c, 404, WEAVE_OTHER);
	return ERR_OK;
}

/* GET /user/1.0/NAME/... */
enum err weave_user_get(struct op_call *c)
{
	struct weave_asking a;
	enum err e;

	if (!begin(c, &a, &e)) {
		return e;
	}
	if (a.rest.len == 0) {
		return exists(&a);
	}
	return slice_eq(a.rest, SLICE("node/weave")) ? node(&a) : no_such_path(&a);
}

/* GET /user/1.0/NAME/password_reset, a row of its own because it causes a mail. */
enum err weave_user_reset(struct op_call *c)
{
	struct weave_asking a;
	enum err e;

	return begin(c, &a, &e) ? weave_ask_reset(&a) : e;
}

enum err weave_user_put(struct op_call *c)
{
	struct weave_asking a;
	enum err e;

	if (!begin(c, &a, &e)) {
		return e;
	}
	return a.rest.len == 0 ? weave_create(&a) : no_such_path(&a);
}

enum err weave_user_post(struct op_call *c)
{
	struct weave_asking a;
	enum err e;

	if (!begin(c, &a, &e)) {
		return e;
	}
	if (slice_eq(a.rest, SLICE("password"))) {
		return weave_post_password(&a);
	}
	return slice_eq(a.rest, SLICE("email")) ? post_email(&a) : no_such_path(&a);
}

enum err weave_user_delete(struct op_call *c)
{
	struct weave_asking a;
	enum err e;

	if (!begin(c, &a, &e)) {
		return e;
	}
	if (slice_eq(a.rest, SLICE("password_reset"))) {
		return end(&a, WEAVE_CANCEL_RESET, SLICE("success"));
	}
	return a.rest.len == 0 ? end(&a, WEAVE_DELETE, SLICE("0")) : no_such_path(&a);
}
