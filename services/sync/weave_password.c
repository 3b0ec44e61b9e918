/*
 * Role: web. Passwords of the old user API: changed by who knows the present one, or set by who got
 * a code by mail, with a header or on the page that the mail leads to.
 */
#include "accounts/credential.h"
#include "accounts/password.h"
#include "core/base/rng.h"
#include "services/sync/weave_asking.h"

enum weave_code weave_judge_password(struct slice password, const char *name)
{
	if (password.len == 0) {
		return WEAVE_NO_PASSWORD;
	}
	bool is_weak = password.len < WEAVE_PASSWORD_LEAST || password.len > PASSWORD_MAX_BYTES ||
		       slice_eq_nocase(password, slice_str(name));
	return is_weak ? WEAVE_WEAK_PASSWORD : WEAVE_OTHER;
}

enum err weave_hash(
    struct op_call *c, struct slice password, const struct kdf *kdf, struct weave_change *change)
{
	const struct credential given = { .text = password, .is_stretched = false };

	change->kdf = *kdf;
	return credential_hash(c, &given, kdf, &change->hash);
}

/*
 * A new password for who is known, or for who has a code. *ret_wrong: what is wrong with one of
 * them; WEAVE_OTHER: it is set.
 */
static enum err set_password(
    struct weave_asking *a, struct slice password, struct slice code, enum weave_code *ret_wrong)
{
	const struct svc_env *env = a->c->env;
	struct weave_change change = { .kind = WEAVE_SET_PASSWORD, .name = slice_str(a->name) };
	enum weave_outcome outcome = WEAVE_UNKNOWN;
	char code_hash[TOKEN_HASH_HEX + 1];
	struct account account;

	*ret_wrong = weave_judge_password(password, a->name);
	if (*ret_wrong != WEAVE_OTHER) {
		return ERR_OK;
	}
	enum err e = account_by_id(env->db, a->c->arena, a->user.account_id, &account, &a->c->note);
	if (e == ERR_OK && code.len > 0) {
		e = token_hash(code, code_hash);
		change.kind = WEAVE_USE_CODE;
		change.code_hash = slice_str(code_hash);
	}
	e = e == ERR_OK ? weave_hash(a->c, password, &account.kdf, &change) : e;
	e = e == ERR_OK ? weave_change(a->c, &change, &outcome) : e;
	if (e != ERR_OK) {
		return e;
	}
	*ret_wrong = outcome == WEAVE_NO_CODE ? WEAVE_RESET_CODE : WEAVE_OTHER;
	return outcome == WEAVE_DONE || outcome == WEAVE_NO_CODE ? ERR_OK : ERR_NOT_FOUND;
}

static enum err answer_password(struct weave_asking *a, struct slice code)
{
	enum weave_code wrong = WEAVE_OTHER;
	enum err e = set_password(a, http_body(a->c->req), code, &wrong);

	if (e != ERR_OK) {
		return e;
	}
	return wrong == WEAVE_OTHER ? weave_text(a->c, SLICE("success")) : weave_bad(a->c, wrong);
}

enum err weave_post_password(struct weave_asking *a)
{
	struct slice code = http_header_get(a->c->req, SLICE("X-Weave-Password-Reset"));
	enum err e = ERR_OK;

	if (code.ptr == NULL) {
		return weave_authenticate(a->c, a->name, &a->user, &e)
			   ? answer_password(a, SLICE_EMPTY)
			   : e;
	}
	e = weave_asking_find(a);
	if (e == ERR_NOT_FOUND) {
		weave_refuse(a->c, 404, WEAVE_NO_USER);
		return ERR_OK;
	}
	if (e == ERR_OK && code.len == 0) {
		return weave_bad(a->c, WEAVE_RESET_CODE);
	}
	return e == ERR_OK ? answer_password(a, code) : e;
}

/* 503 is what the protocol has for mails that cannot be sent now. */
static enum err refuse_mail(struct op_call *c)
{
	const struct svc_env *env = c->env;
	const char *seconds = arena_printf(c->arena, "%lld",
	    (long long)conf_ms(env->conf, "identity", "min_mail_interval") / 1000 + 1);

	if (seconds == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Retry-After"), slice_str(seconds));
	weave_refuse(c, 503, WEAVE_OTHER);
	return ERR_OK;
}

enum err weave_ask_reset(struct weave_asking *a)
{
	const struct sync_state *state = a->c->state;
	struct slice challenge = SLICE_EMPTY, response = SLICE_EMPTY;
	char token[TOKEN_LEN + 1], code_hash[TOKEN_HASH_HEX + 1];
	enum weave_outcome outcome = WEAVE_UNKNOWN;
	bool may = false;

	(void)http_query_get(a->c->req, SLICE("captcha-challenge"), &challenge);
	(void)http_query_get(a->c->req, SLICE("captcha-response"), &response);
	enum err e = weave_asking_find(a);
	if (e == ERR_NOT_FOUND) {
		return weave_bad(a->c, WEAVE_NO_USER);
	}
	e = e == ERR_OK ? weave_passes(a->c, challenge, response, false, &may) : e;
	if (e != ERR_OK || !may) {
		return e != ERR_OK ? e : weave_bad(a->c, WEAVE_CAPTCHA);
	}
	rng_token(token, TOKEN_LEN);
	token[TOKEN_LEN] = '\0';
	const char *link = arena_printf(a->c->arena, "%s/weave-password-reset?username=%s&key=%s",
	    state->url.origin, a->name, token);
	e = link == NULL ? ERR_MEMORY : token_hash(slice_str(token), code_hash);
	if (e == ERR_OK) {
		const struct weave_change change = { .kind = WEAVE_STAGE_RESET,
			.name = slice_str(a->name),
			.code_hash = slice_str(code_hash),
			.link = slice_str(link) };
		e = weave_change(a->c, &change, &outcome);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (outcome == WEAVE_TOO_SOON) {
		return refuse_mail(a->c);
	}
	return outcome == WEAVE_DONE
		   ? weave_text(a->c, SLICE("success"))
		   : weave_bad(a->c, outcome == WEAVE_NO_ADDRESS ? WEAVE_NO_EMAIL : WEAVE_NO_USER);
}

/* ---- the page behind the mailed link ---- */

static enum err reply_page(struct op_call *c, int status, const char *inner)
{
	const char *html = arena_printf(c->arena,
	    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
	    "<title>A new password for Sync</title>\n<h1>A new password for Sync</h1>\n%s</html>\n",
	    inner);

	if (html == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Content-Security-Policy"),
	    SLICE("default-src 'none'; form-action 'self'; frame-ancestors 'none'"));
	http_add_header(c->req, SLICE("Referrer-Policy"), SLICE("no-referrer"));
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	http_reply(c->req, status, SLICE("text/html; charset=utf-8"), slice_str(html));
	return ERR_OK;
}

/* Tokens are letters and digits: nothing else comes back in a page. */
static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
			return false;
		}
	}
	return s.len >= 1 && s.len <= TOKEN_LEN;
}

/* GET /weave-password-reset */
enum err weave_reset_form(struct op_call *c)
{
	struct slice user = SLICE_EMPTY, key = SLICE_EMPTY;
	char name[WEAVE_NAME_MAX + 1];

	if (!weave_is_on(c)) {
		return sync_not_found(c);
	}
	(void)http_query_get(c->req, SLICE("username"), &user);
	(void)http_query_get(c->req, SLICE("key"), &key);
	if (!weave_name(user, name) || !is_plain(key)) {
		return reply_page(
		    c, 400, "<p>This address is not the whole of the mailed one.</p>\n");
	}
	const char *form = arena_printf(c->arena,
	    "<form method=\"post\"><input type=\"hidden\" name=\"username\" value=\"%s\">"
	    "<input type=\"hidden\" name=\"key\" value=\"%.*s\">\n"
	    "<p><label>New password <input type=\"password\" name=\"password\" "
	    "autocomplete=\"new-password\"></label></p>\n"
	    "<p><label>The same again <input type=\"password\" name=\"confirm\" "
	    "autocomplete=\"new-password\"></label></p>\n<p><button>Set it</button></p></form>\n",
	    name, SLICE_ARG(key));
	return form == NULL ? ERR_MEMORY : reply_page(c, 200, form);
}

static struct slice form_text(struct op_call *c, const char *name)
{
	struct slice text;

	return http_form_get(c->arena, http_body(c->req), slice_str(name), &text) ? text
										  : SLICE_EMPTY;
}

/* In words: who reads this is no program. */
static enum err reply_outcome(struct op_call *c, enum weave_code wrong)
{
	if (wrong == WEAVE_OTHER) {
		return reply_page(c, 200,
		    "<p>The new password is set. Enter it in the Sync preferences of your "
		    "browsers.</p>\n");
	}
	return wrong == WEAVE_RESET_CODE
		   ? reply_page(c, 400,
			 "<p>This address was used already, or is too old, or a later mail has "
			 "taken its place. Ask for a new one where you asked for this one.</p>\n")
		   : reply_page(c, 400,
			 "<p>A password has at least eight characters, and is not your name. Go "
			 "back and try again.</p>\n");
}

/* POST /weave-password-reset */
enum err weave_reset_use(struct op_call *c)
{
	struct weave_asking a = { .c = c };
	struct slice password = form_text(c, "password"), key = form_text(c, "key");

	if (!weave_is_on(c)) {
		return sync_not_found(c);
	}
	if (!weave_name(form_text(c, "username"), a.name) || !is_plain(key)) {
		return reply_page(
		    c, 400, "<p>This address is not the whole of the mailed one.</p>\n");
	}
	if (!slice_eq(password, form_text(c, "confirm"))) {
		return reply_page(
		    c, 400, "<p>The two passwords differ. Go back and try again.</p>\n");
	}
	enum weave_code wrong = WEAVE_OTHER;
	enum err e = weave_asking_find(&a);
	if (e == ERR_OK) {
		e = set_password(&a, password, key, &wrong);
	}
	if (e == ERR_NOT_FOUND) {
		return reply_page(c, 400, "<p>There is no such user.</p>\n");
	}
	return e == ERR_OK ? reply_outcome(c, wrong) : e;
}
