/*
 * Answers of /wsapi calls, and the cookie that goes with them.
 */
#include "services/identity/wsapi.h"

enum {
	ANSWER_MAX = 64 * 1024,
	COOKIE_MAX = 2048
};

/* Adds Set-Cookie if the session is no longer what the browser has. */
static enum err send_session(struct wsapi *w)
{
	if (!w->must_send_cookie && session_equal(&w->session, &w->before)) {
		return ERR_OK;
	}
	struct buf *value = identity_body(w->c, COOKIE_MAX);
	if (value == NULL) {
		return ERR_MEMORY;
	}
	enum err e =
	    session_set_cookie(w->state->cookies, &w->session, w->state->url.is_https, value);
	if (e == ERR_OK) {
		http_add_header(w->c->req, SLICE("Set-Cookie"), buf_slice(value));
		w->before = w->session;
		w->must_send_cookie = false;
	}
	return e;
}

enum err wsapi_begin(struct wsapi *w)
{
	w->body = identity_body(w->c, ANSWER_MAX);
	if (w->body == NULL) {
		return ERR_MEMORY;
	}
	w->json = json_writer_new(w->body);
	json_begin_object(&w->json);
	return ERR_OK;
}

enum err wsapi_send(struct wsapi *w, int status)
{
	struct slice body = SLICE_EMPTY;

	json_end_object(&w->json);
	enum err e = buf_finish(w->body, &body);
	if (e == ERR_OK) {
		e = send_session(w);
	}
	if (e == ERR_OK) {
		http_reply(w->c->req, status, SLICE("application/json; charset=utf-8"), body);
	}
	return e;
}

enum err wsapi_ok(struct wsapi *w)
{
	enum err e = wsapi_begin(w);

	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	return wsapi_send(w, 200);
}

enum err wsapi_fail(struct wsapi *w, const char *reason)
{
	return wsapi_refuse(w, 200, reason);
}

enum err wsapi_refuse(struct wsapi *w, int status, const char *reason)
{
	enum err e = wsapi_begin(w);

	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, false);
	json_put_name(&w->json, SLICE("reason"));
	json_put_string(&w->json, slice_str(reason));
	return wsapi_send(w, status);
}

enum err wsapi_text(struct wsapi *w, int status, const char *detail)
{
	enum err e = send_session(w);

	if (e == ERR_OK) {
		identity_reply_text(w->c, status, detail);
	}
	return e;
}

enum err wsapi_plain(struct wsapi *w, struct slice body)
{
	enum err e = send_session(w);

	if (e == ERR_OK) {
		http_reply(w->c->req, 200, SLICE("text/plain; charset=utf-8"), body);
	}
	return e;
}

enum err wsapi_busy(struct wsapi *w)
{
	const char *seconds = arena_printf(w->c->arena, "%u", identity_retry_after_s(w->env));

	if (seconds == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(w->c->req, SLICE("Retry-After"), slice_str(seconds));
	http_mark_refused(w->c->req);
	return wsapi_refuse(w, 503, "server is too busy");
}

bool wsapi_is_mobile_firefox(const struct wsapi *w)
{
	struct slice agent = http_header_get(w->c->req, SLICE("User-Agent"));

	if (agent.ptr == NULL) {
		return false;
	}
	const char *mobile = memmem(agent.ptr, agent.len, "Mobile", 6);
	return mobile != NULL &&
	       memmem(mobile, agent.len - (size_t)(mobile - agent.ptr), "Firefox", 7) != NULL;
}

int64_t wsapi_duration_ms(const struct wsapi *w, bool is_ephemeral)
{
	return wsapi_is_mobile_firefox(w) ? SESSION_LONGEST_MS
	       : is_ephemeral		  ? SESSION_SHORT_MS
					  : SESSION_LONG_MS;
}

enum err wsapi_account(struct wsapi *w, struct account *ret, struct slice *ret_key)
{
	struct slice key = SLICE_EMPTY;
	enum err e = email_key(w->c->arena, param_text(&w->params, "email"), &key);

	if (e == ERR_OK) {
		e = account_by_address(w->env->db, w->c->arena, key, ret, &w->c->note);
	}
	if (ret_key != NULL) {
		*ret_key = key;
	}
	return e;
}
