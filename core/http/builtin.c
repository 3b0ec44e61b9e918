/*
 * Answers of the edge itself.
 */
#include "core/http/builtin.h"

#include "core/http/respond.h"

/* clang-format off */
const struct op http_builtin_ops[HTTP_BUILTINS] = {
	[HTTP_BUILTIN_NOT_FOUND] = { .name = "http.not_found", .path = "/", .cost = COST_MEMORY, .rank = SHED_LATE, .deadline_ms = 10000, .max_body = UINT32_MAX, .flags = OP_STREAM },
	[HTTP_BUILTIN_WRONG_METHOD] = { .name = "http.wrong_method", .path = "/", .cost = COST_MEMORY, .rank = SHED_LATE, .deadline_ms = 10000, .max_body = UINT32_MAX, .flags = OP_STREAM },
	[HTTP_BUILTIN_OPTIONS] = { .name = "http.options", .path = "/", .cost = COST_MEMORY, .rank = SHED_LATE, .deadline_ms = 10000, .max_body = UINT32_MAX, .flags = OP_STREAM },
	[HTTP_BUILTIN_REDIRECT] = { .name = "http.redirect", .path = "/", .cost = COST_MEMORY, .rank = SHED_LATE, .deadline_ms = 10000, .max_body = UINT32_MAX, .flags = OP_STREAM },
	[HTTP_BUILTIN_MALFORMED] = { .name = "http.malformed", .path = "/", .cost = COST_MEMORY, .rank = SHED_NEVER, .deadline_ms = 10000, .flags = OP_STREAM },
};
/* clang-format on */

static enum err answer_not_found(struct op_call *c)
{
	http_reply_text(c->req, 404, "nothing is at this address");
	return ERR_OK;
}

static enum err answer_wrong_method(struct op_call *c)
{
	http_reply_text(c->req, 405, "this address does not take that method");
	return ERR_OK;
}

static bool is_preflight(const struct http_req *r)
{
	return r->match.op != NULL && (r->match.op->flags & OP_PUBLIC_CORS) != 0 &&
	       http_header_get(r, SLICE("origin")).ptr != NULL &&
	       http_header_get(r, SLICE("access-control-request-method")).ptr != NULL;
}

/* The header names a script wants to send are granted as asked: the answers are public. */
static void grant(struct http_req *r)
{
	struct slice wanted = http_header_get(r, SLICE("access-control-request-headers"));

	http_add_header(r, SLICE("Access-Control-Allow-Origin"), SLICE("*"));
	http_add_header(
	    r, SLICE("Access-Control-Allow-Methods"), http_allow_text(r->match.allowed, &r->arena));
	if (wanted.ptr != NULL) {
		http_add_header(r, SLICE("Access-Control-Allow-Headers"), wanted);
	}
	http_add_header(r, SLICE("Access-Control-Max-Age"), SLICE("86400"));
}

static enum err answer_options(struct op_call *c)
{
	if (is_preflight(c->req)) {
		grant(c->req);
	}
	http_reply(c->req, 204, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

static enum http_builtin which_one(const struct http_req *r, bool path_is_known)
{
	const struct http_site *site = r->match.site;

	if (r->head.asterisk) {
		return HTTP_BUILTIN_OPTIONS;
	}
	if (!path_is_known) {
		return HTTP_BUILTIN_NOT_FOUND;
	}
	bool is_ours = is_preflight(r) || site == NULL || site->wrong_method == NULL;
	return r->head.method == HTTP_OPTIONS && is_ours ? HTTP_BUILTIN_OPTIONS
							 : HTTP_BUILTIN_WRONG_METHOD;
}

static op_fn *of_site(const struct http_site *site, enum http_builtin which)
{
	if (site == NULL) {
		return NULL;
	}
	return which == HTTP_BUILTIN_NOT_FOUND	    ? site->not_found
	       : which == HTTP_BUILTIN_WRONG_METHOD ? site->wrong_method
						    : NULL;
}

void http_builtin_route(struct http_req *r, bool path_is_known)
{
	static op_fn *const own[HTTP_BUILTINS] = { [HTTP_BUILTIN_NOT_FOUND] = answer_not_found,
		[HTTP_BUILTIN_WRONG_METHOD] = answer_wrong_method,
		[HTTP_BUILTIN_OPTIONS] = answer_options };
	enum http_builtin which = which_one(r, path_is_known);
	op_fn *handle = of_site(r->match.site, which);

	r->call.op = &http_builtin_ops[which];
	r->cells = &r->server->cells.builtin[which];
	r->handle = handle != NULL ? handle : own[which];
	r->is_inline = handle == NULL;
	if (path_is_known) {
		/* RFC 9110 15.5.6: a 405 names what is allowed. */
		http_add_header(r, SLICE("Allow"), http_allow_text(r->match.allowed, &r->arena));
	}
}

static enum err answer_redirect(struct op_call *c)
{
	const struct http_req *r = c->req;
	struct slice path = http_head_text(&r->head, r->head.path), query = http_query(r);
	const char *to = arena_printf(c->arena, "%s%.*s%s%.*s", r->server->o.https_origin,
	    SLICE_ARG(path), query.len > 0 ? "?" : "", SLICE_ARG(query));
	/* Others than GET keep their method and body only with the newer code. */
	bool is_get = r->head.method == HTTP_GET || r->head.method == HTTP_HEAD;

	if (to == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Location"), slice_str(to));
	http_reply_text(c->req, is_get ? 301 : 308, "this service is at its https address");
	return ERR_OK;
}

void http_builtin_redirect(struct http_req *r)
{
	r->call.op = &http_builtin_ops[HTTP_BUILTIN_REDIRECT];
	r->cells = &r->server->cells.builtin[HTTP_BUILTIN_REDIRECT];
	r->handle = answer_redirect;
	r->is_inline = true;
}

void http_answer_busy(struct http_req *r, unsigned retry_after_s)
{
	const struct http_site *site = r->call.site;

	if (site != NULL && site->busy != NULL) {
		r->refused = true;
		site->busy(&r->call);
	}
	if (!r->replied) {
		http_reply_busy(r, retry_after_s);
	}
}

void http_answer_error(struct http_req *r, enum err e)
{
	struct http_server *s = r->server;
	const struct http_site *site = r->call.site;
	int status = err_http_status(e);

	if (r->body_slow) {
		r->must_close = true;
		http_reply_text(r, 408, "the body came too slowly");
		return;
	}
	bool is_refusal = e == ERR_TOO_BUSY || e == ERR_MEMORY || e == ERR_DRAINING;
	if (site != NULL && site->error != NULL) {
		site->error(&r->call, e);
		if (r->replied) {
			r->refused = is_refusal && r->status == 503;
			return;
		}
	}
	if (status != 503) {
		http_reply_text(r, status, err_text(e));
		return;
	}
	unsigned retry_after_s = grace_retry_after_s(s->grace, loop_now_us(s->loop));
	if (is_refusal) {
		http_reply_busy(r, retry_after_s);
		return;
	}
	respond_add_retry_after(r, retry_after_s);
	http_reply_text(r, status, err_text(e));
}
