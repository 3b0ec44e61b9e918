/*
 * Request objects and what handlers ask of them.
 */
#include "core/http/request.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/http/body.h"
#include "core/http/cookie.h"

/* What a handler may allocate beside twice its body (decoded forms). */
enum {
	ARENA_BYTES = 1 << 20
};

struct http_req *request_take(struct http_server *s, struct conn *c)
{
	struct list *node = list_pop(&s->free_requests);
	struct http_req *r;

	if (node != NULL) {
		r = LIST_OF(node, struct http_req, node);
		s->n_free_requests--;
	} else {
		r = malloc(sizeof(*r));
		if (r == NULL) {
			return NULL;
		}
		list_init(&r->node);
		r->arena = arena_new(ARENA_BYTES);
		r->body_buf = buf_new(0);
		r->server = s;
	}
	r->conn = c;
	r->buf = r->first;
	r->buf_cap = HTTP_FIRST_BYTES;
	r->buf_at = r->buf_len = 0;
	request_next(r);
	return r;
}

void request_next(struct http_req *r)
{
	body_forget(r);
	arena_reset(&r->arena);
	r->arena.max = ARENA_BYTES;
	r->task = NULL;
	r->handle = NULL;
	r->cells = NULL;
	r->arrived_us = r->queued_us = 0;
	r->early = ERR_OK;
	r->ask = (struct grace_ask){ .rank = SHED_NEVER };
	r->refused_why = HTTP_REFUSED_BEHIND;
	r->is_inline = r->is_queued = r->admitted = r->looked = r->running = r->held = r->handled =
	    false;
	r->refused = r->must_close = r->replied = r->keep = false;
	r->head_failed = r->accounted = false;
	r->continue_due = r->body_done = r->body_slow = r->reading = r->writing = false;
	r->body_left = r->body_bytes = 0;
	r->body_wait_us = r->body_waited_us = 0;
	r->chunked = (struct http_chunked){ .left = 0 };
	r->body = SLICE_EMPTY;
	r->status = 0;
	r->stream = STREAM_NONE;
	r->stream_left = r->sent_bytes = 0;
	r->out[0] = r->out[1] = SLICE_EMPTY;
	r->n_out_headers = 0;
	r->call = (struct op_call){ .req = r, .arena = &r->arena };
	r->client = (struct slice){ NULL, 0 };
	r->match.path = SLICE_EMPTY;
	r->match.n_params = 0;
	r->head = (struct http_head){ .base = r->buf };
	/* What came behind the request before moves to the front. */
	r->buf_len -= r->buf_at;
	if (r->buf != r->first && r->buf_len <= HTTP_FIRST_BYTES) {
		memcpy(r->first, r->buf + r->buf_at, r->buf_len);
		free(r->buf);
		r->buf = r->first;
		r->buf_cap = HTTP_FIRST_BYTES;
	} else if (r->buf_at > 0) {
		memmove(r->buf, r->buf + r->buf_at, r->buf_len);
	}
	r->buf_at = 0;
}

void request_give(struct http_req *r)
{
	struct http_server *s = r->server;

	CHECK(!r->is_queued && !r->running);
	body_forget(r);
	arena_reset(&r->arena);
	if (r->buf != r->first) {
		free(r->buf);
	}
	if (s->n_free_requests == HTTP_FREE_REQUESTS) {
		free(r);
		return;
	}
	r->conn = NULL;
	s->n_free_requests++;
	list_push(&s->free_requests, &r->node);
}

bool request_grow(struct http_req *r, uint32_t cap)
{
	if (cap <= r->buf_cap) {
		return true;
	}
	char *grown = malloc(cap);
	if (grown == NULL) {
		return false;
	}
	memcpy(grown, r->buf, r->buf_len);
	if (r->buf != r->first) {
		free(r->buf);
	}
	r->buf = grown;
	r->buf_cap = cap;
	r->head.base = grown;
	return true;
}

enum http_method http_method(const struct http_req *r)
{
	return r->head.method;
}

struct slice http_method_text(const struct http_req *r)
{
	return http_head_text(&r->head, r->head.method_text);
}

struct slice http_path(const struct http_req *r)
{
	return r->match.path;
}

struct slice http_query(const struct http_req *r)
{
	return http_head_text(&r->head, r->head.query);
}

struct slice http_target(const struct http_req *r)
{
	const struct http_head *h = &r->head;
	struct slice rest = http_head_text(h, h->target);

	rest = slice_sub(rest, (size_t)h->path.at - h->target.at, rest.len);
	/* The path of "http://name" lies elsewhere. */
	bool is_whole = rest.len == h->path.len || rest.ptr[h->path.len] == '?';
	return is_whole ? rest : slice_sub(rest, 0, h->path.len);
}

struct slice http_host(const struct http_req *r)
{
	return http_head_text(&r->head, r->head.host);
}

struct slice http_header_get(const struct http_req *r, struct slice name)
{
	return http_head_find(&r->head, name);
}

struct slice http_param(const struct http_req *r, const char *name)
{
	return http_match_get(&r->match, slice_str(name));
}

struct slice http_cookie(const struct http_req *r, struct slice name)
{
	return http_cookie_find(http_head_find(&r->head, SLICE("cookie")), name);
}

struct slice http_bearer(const struct http_req *r)
{
	struct slice value = http_header_get(r, SLICE("Authorization"));
	const struct slice scheme = SLICE("Bearer ");

	if (value.ptr == NULL || value.len <= scheme.len ||
	    !slice_eq_nocase(slice_sub(value, 0, scheme.len), scheme)) {
		return SLICE_EMPTY;
	}
	return slice_trim(slice_sub(value, scheme.len, value.len));
}

bool http_query_get(const struct http_req *r, struct slice name, struct slice *ret)
{
	return http_form_get(r->call.arena, http_query(r), name, ret);
}

struct slice http_body(const struct http_req *r)
{
	return r->body;
}

struct slice http_client_address(const struct http_req *r)
{
	struct http_req *own = r->conn->req;

	if (own->client.ptr != NULL) {
		return own->client;
	}
	if (r->conn->trusted) {
		own->client = http_forwarded_for(&r->head, &r->server->settings.trusted);
	}
	if (own->client.ptr == NULL) {
		http_address_text(&r->conn->peer, own->client_text);
		own->client = slice_str(own->client_text);
	}
	return own->client;
}

bool http_is_https(const struct http_req *r)
{
	return r->conn->secure || r->conn->proxied_tls ||
	       (r->conn->trusted &&
		   slice_eq_nocase(
		       http_head_find(&r->head, SLICE("x-forwarded-proto")), SLICE("https")));
}
