/*
 * The front of all /wsapi calls: the rules of persona.md 2.1 in their order.
 */
#include "services/identity/wsapi.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "services/identity/wsapi_params.h"

/* What the front knows of a call beyond its struct op; same order as identity_ops. */
struct wsapi_row {
	wsapi_fn *run;
	enum session_level level;
	const struct param_list *params;
	bool is_door; /* for tests */
};

static const struct wsapi_row rows[] = {
#define WSAPI(id, method, cost, rank, deadline, flags, level, params)                              \
	{ wsapi_##id, SESSION_##level, &list_##params, .is_door = false },
#define WSAPI_DOOR(id, method, cost, rank, deadline, flags, level, params)                         \
	{ wsapi_##id, SESSION_##level, &list_##params, .is_door = true },
#include "services/identity/wsapi.def"
#undef WSAPI
};

/* Rule 3: the session of the cookie, or an empty one. */
static void load_session(struct wsapi *w)
{
	const char *name = session_codec_name(w->state->cookies);
	struct slice value = http_cookie(w->c->req, slice_str(name));

	if (value.ptr == NULL || session_decode(w->state->cookies, value, w->now_ms, &w->session,
				     &w->must_send_cookie) != ERR_OK) {
		session_begin(&w->session, w->now_ms);
		w->must_send_cookie = value.ptr != NULL;
	}
	w->before = w->session;
}

/* Rule 4: a session older than the account's last reset, or without account, is wiped. */
static enum err check_freshness(struct wsapi *w)
{
	int64_t reset_ms = 0;

	if (w->session.userid == 0) {
		return ERR_OK;
	}
	enum err e = account_reset_time(
	    w->env->db, w->session.userid, &reset_ms, &w->has_password, &w->c->note);
	if (e == ERR_NOT_FOUND ||
	    (e == ERR_OK && reset_ms != 0 && reset_ms != w->session.last_reset_ms)) {
		session_begin(&w->session, w->now_ms);
		w->has_password = false;
		return ERR_OK;
	}
	return e;
}

static bool has_media_type(const struct http_req *r, struct slice type)
{
	struct slice value = http_header_get(r, SLICE("Content-Type"));

	return value.ptr != NULL &&
	       slice_eq_nocase(slice_trim(slice_sub(value, 0, slice_find(value, ';', 0))), type);
}

/* The parameters as sent; a body of another type brings none. ERR_SYNTAX: malformed JSON. */
static enum err find_source(struct op_call *c, struct param_source *ret)
{
	struct slice body = http_body(c->req);
	const struct json *v = NULL;

	*ret = (struct param_source){ .object = NULL, .encoded = SLICE_EMPTY };
	if (c->op->method == HTTP_GET) {
		ret->encoded = http_query(c->req);
	} else if (has_media_type(c->req, SLICE("application/x-www-form-urlencoded"))) {
		ret->encoded = body;
	} else if (has_media_type(c->req, SLICE("application/json")) && body.len > 0) {
		enum err e = json_parse(c->arena, body, &v, &c->note);
		if (e != ERR_OK || json_kind(v) != JSON_KIND_OBJECT) {
			return e == ERR_MEMORY ? e : ERR_SYNTAX;
		}
		ret->object = v;
	}
	return ERR_OK;
}

/* A browser names the origin of the page that calls; it must be one of ours. */
static bool is_foreign_origin(const struct wsapi *w)
{
	struct slice origin = http_header_get(w->c->req, SLICE("Origin"));
	struct slice host = http_host(w->c->req);

	if (origin.ptr == NULL || slice_eq(origin, slice_str(w->state->url.origin))) {
		return false;
	}
	size_t at = slice_find(origin, ':', 0) + 3;
	return host.len == 0 || !slice_eq_nocase(slice_sub(origin, at, origin.len), host);
}

/* Rules 5 and 6. *ret_status 0: may go on; else the text answer. */
static const char *refuse(struct wsapi *w, const struct wsapi_row *row,
    const struct param_source *source, int *ret_status)
{
	struct slice csrf = SLICE_EMPTY;

	if (w->c->op->method == HTTP_POST) {
		if (w->session.csrf[0] == '\0') {
			*ret_status = 403;
			return "no cookie";
		}
		if (!param_find(w->c->arena, source, "csrf", &csrf) ||
		    !slice_eq_secret(csrf, slice_str(w->session.csrf)) || is_foreign_origin(w)) {
			*ret_status = 400;
			return "CSRF violation";
		}
	}
	if (w->session.level < row->level) {
		*ret_status = 400;
		return "requires authentication";
	}
	*ret_status = 0;
	return NULL;
}

/* Rule 7. */
static enum err take_params(struct wsapi *w, const struct wsapi_row *row,
    const struct param_source *source, const char **ret_reason)
{
	*ret_reason = NULL;
	if (row->params->defs == NULL) {
		return ERR_OK;
	}
	return params_take(
	    w->c->arena, source, row->params->defs, row->params->n, &w->params, ret_reason);
}

enum err wsapi_front(struct op_call *c)
{
	size_t i = (size_t)(c->op - identity_ops);
	struct wsapi w = { .c = c, .env = c->env, .state = c->state, .now_ms = clock_wall_ms() };
	struct param_source source;
	const char *reason = NULL;
	int status = 0;

	CHECK(i < sizeof(rows) / sizeof(rows[0]));
	if (rows[i].is_door && !conf_bool(w.env->conf, "identity", "test_doors")) {
		return identity_not_found(c);
	}
	identity_keys_settle(w.state, w.now_ms);
	load_session(&w);
	enum err e = find_source(c, &source);
	if (e == ERR_SYNTAX) {
		return wsapi_text(&w, 400, "malformed JSON");
	}
	if (e == ERR_OK) {
		e = check_freshness(&w);
	}
	if (e != ERR_OK) {
		return e;
	}
	reason = refuse(&w, &rows[i], &source, &status);
	if (reason != NULL) {
		return wsapi_text(&w, status, reason);
	}
	e = take_params(&w, &rows[i], &source, &reason);
	if (e == ERR_OK && reason != NULL) {
		return wsapi_refuse(&w, 400, reason);
	}
	return e == ERR_OK ? rows[i].run(&w) : e;
}
