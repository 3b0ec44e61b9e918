/*
 * In the place of the router and of a browser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "services/identity/identity.h"
#include "services/identity/web_rig_priv.h"

void browser_init(struct browser *b)
{
	memset(b, 0, sizeof(*b));
	b->arena = arena_new(REQUEST_ARENA);
}

void browser_fini(struct browser *b)
{
	arena_reset(&b->arena);
}

/* The row of a path; what matched "{rest*}" goes to r->rest. */
static const struct op *route(struct http_req *r, const char *method, bool *ret_known)
{
	const struct service *s = &identity_service;

	*ret_known = false;
	for (unsigned i = 0; i < s->n_ops; i++) {
		const struct op *op = &s->ops[i];
		const char *wild = strstr(op->path, "{rest*}");
		struct slice fixed =
		    SLICE_OF(op->path, wild == NULL ? strlen(op->path) : (size_t)(wild - op->path));
		if (wild == NULL ? !slice_eq(r->path, fixed) : !slice_starts(r->path, fixed)) {
			continue;
		}
		*ret_known = true;
		if ((op->method == HTTP_POST) == (strcmp(method, "POST") == 0)) {
			r->rest = slice_sub(r->path, fixed.len, r->path.len);
			return op;
		}
	}
	return NULL;
}

void browser_send(struct browser *b, const char *method, const char *target, const char *body)
{
	static const struct op none = { .name = "http.none", .path = "/" };
	struct arena arena = arena_new(REQUEST_ARENA);
	struct slice t = slice_str(target);
	size_t mark = slice_find(t, '?', 0);
	struct http_req r = {
		.browser = b,
		.arena = &arena,
		.method = strcmp(method, "POST") == 0 ? HTTP_POST : HTTP_GET,
		.path = slice_sub(t, 0, mark),
		.query = slice_sub(t, mark + 1, t.len),
		.body = slice_str(body),
	};
	struct svc_env *env = rig_web_env();
	bool known = false;
	const struct op *op = route(&r, method, &known);

	arena_reset(&b->arena);
	b->n_headers = 0;
	b->refused = false;
	b->json = NULL;
	r.call = (struct op_call){ .req = &r,
		.op = op != NULL ? op : &none,
		.env = env,
		.state = rig_identity_state(),
		.arena = &arena,
		.deadline_us = clock_mono_us() + 60 * 1000 * 1000 };
	b->rank = identity_service.rank(&r.call, NULL);
	op_fn *handle = op != NULL ? op->handle
			: known	   ? identity_service.wrong_method
				   : identity_service.not_found;
	enum err e = handle(&r.call);
	if (e != ERR_OK) {
		identity_service.error(&r.call, e);
	}
	assert_true(r.replied);
	if (slice_starts(b->content_type_got, SLICE("application/json"))) {
		assert_int_equal(json_parse(&b->arena, b->body, &b->json, NULL), ERR_OK);
	}
	arena_reset(&arena);
}

void browser_get(struct browser *b, const char *target)
{
	browser_send(b, "GET", target, NULL);
}

void browser_post(struct browser *b, const char *target, const char *members)
{
	char body[16000];

	(void)snprintf(body, sizeof(body), "{%s%s\"csrf\":\"%s\"}", members,
	    members[0] != '\0' ? "," : "", b->csrf);
	b->content_type = "application/json";
	browser_send(b, "POST", target, body);
}

void browser_context(struct browser *b)
{
	browser_get(b, "/wsapi/session_context");
	assert_int_equal(b->status, 200);
	(void)snprintf(b->csrf, sizeof(b->csrf), "%s", browser_text(b, "csrf_token"));
}

const char *browser_header(struct browser *b, const char *name)
{
	for (unsigned i = 0; i < b->n_headers; i++) {
		if (slice_eq_nocase(b->headers[i].name, slice_str(name))) {
			return b->headers[i].value.ptr;
		}
	}
	return NULL;
}

bool browser_flag(struct browser *b, const char *name)
{
	bool flag = false;

	assert_true(json_get_bool(json_member(b->json, name), &flag));
	return flag;
}

const char *browser_text(struct browser *b, const char *name)
{
	struct slice text, copy;

	if (!json_get_string(json_member(b->json, name), &text)) {
		return NULL;
	}
	assert_int_equal(arena_copy(&b->arena, text, &copy), ERR_OK);
	return copy.ptr;
}

int64_t browser_number(struct browser *b, const char *name)
{
	int64_t n = 0;

	assert_true(json_get_i64(json_member(b->json, name), &n));
	return n;
}

const char *browser_body(struct browser *b)
{
	return b->body.ptr;
}
