/*
 * In the place of core/http/request.c and respond.c: what a handler asks of a request, and its
 * answer, which goes straight to the browser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/base/check.h"
#include "services/identity/identity.h"
#include "services/identity/web_rig_priv.h"

enum http_method http_method(const struct http_req *r)
{
	return r->method;
}

struct slice http_path(const struct http_req *r)
{
	return r->path;
}

struct slice http_query(const struct http_req *r)
{
	return r->query;
}

struct slice http_host(const struct http_req *r)
{
	(void)r;
	return SLICE("localhost:8000");
}

struct slice http_body(const struct http_req *r)
{
	return r->body;
}

struct slice http_header_get(const struct http_req *r, struct slice name)
{
	const struct browser *b = r->browser;
	const char *value = slice_eq_nocase(name, SLICE("origin"))	   ? b->origin
			    : slice_eq_nocase(name, SLICE("user-agent"))   ? b->user_agent
			    : slice_eq_nocase(name, SLICE("content-type")) ? b->content_type
									   : NULL;

	return value == NULL ? (struct slice){ NULL, 0 } : slice_str(value);
}

struct slice http_param(const struct http_req *r, const char *name)
{
	(void)name;
	return r->rest;
}

struct slice http_cookie(const struct http_req *r, struct slice name)
{
	struct slice rest = slice_str(r->browser->cookies), piece;

	while (slice_split(&rest, ';', &piece)) {
		piece = slice_trim(piece);
		size_t equals = slice_find(piece, '=', 0);
		if (slice_eq(slice_sub(piece, 0, equals), name)) {
			return slice_sub(piece, equals + 1, piece.len);
		}
	}
	return (struct slice){ NULL, 0 };
}

struct slice http_client_address(const struct http_req *r)
{
	return r->browser->address == NULL ? SLICE("192.0.2.1") : slice_str(r->browser->address);
}

bool http_query_get(const struct http_req *r, struct slice name, struct slice *ret)
{
	return http_form_get(r->arena, r->query, name, ret);
}

void http_add_header(struct http_req *r, struct slice name, struct slice value)
{
	struct browser *b = r->browser;

	assert_true(b->n_headers < RIG_HEADERS);
	assert_int_equal(arena_copy(&b->arena, name, &b->headers[b->n_headers].name), ERR_OK);
	assert_int_equal(arena_copy(&b->arena, value, &b->headers[b->n_headers].value), ERR_OK);
	b->n_headers++;
}

void http_add_headers(struct http_req *r, const struct http_fixed_header *list)
{
	for (; list->name != NULL; list++) {
		http_add_header(r, slice_str(list->name), slice_str(list->value));
	}
}

/* Keeps a cookie in the jar in the place of an older one. */
static void keep_cookie(struct browser *b, struct slice set_cookie)
{
	struct slice pair = slice_sub(set_cookie, 0, slice_find(set_cookie, ';', 0));

	(void)snprintf(b->cookies, sizeof(b->cookies), "%.*s", SLICE_ARG(pair));
}

void http_reply(struct http_req *r, int status, struct slice content_type, struct slice body)
{
	struct browser *b = r->browser;

	assert_false(r->replied);
	r->replied = true;
	identity_service.decorate(&r->call);
	b->status = status;
	assert_int_equal(arena_copy(&b->arena, content_type, &b->content_type_got), ERR_OK);
	assert_int_equal(arena_copy(&b->arena, body, &b->body), ERR_OK);
	const char *cookie = browser_header(b, "Set-Cookie");
	if (cookie != NULL) {
		keep_cookie(b, slice_str(cookie));
	}
}

void http_reply_text(struct http_req *r, int status, const char *detail)
{
	const char *text = arena_printf(r->arena, "%s: %s", http_status_phrase(status), detail);

	http_reply(r, status, SLICE("text/plain; charset=utf-8"), slice_str(text));
}

void http_reply_busy(struct http_req *r, unsigned retry_after_s)
{
	(void)retry_after_s;
	http_reply_text(r, 503, "busy");
}

void http_mark_refused(struct http_req *r)
{
	r->browser->refused = true;
}

bool http_has_replied(const struct http_req *r)
{
	return r->replied;
}
