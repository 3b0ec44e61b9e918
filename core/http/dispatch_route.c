/*
 * What the head of a request alone says: whose operation it asks for, by when, in which trace, and
 * whether its body is more than may come. What is found here the rest of dispatch goes by; nothing
 * is decided yet but where http is sent to https.
 */
#include "core/base/trace.h"
#include "core/http/builtin.h"
#include "core/http/dispatch.h"

static struct http_op_cells *cells_of(struct http_server *s, const struct http_match *m)
{
	unsigned before = 0;

	for (unsigned i = 0; s->o.sites[i] != m->site; i++) {
		before += s->o.sites[i]->n_ops;
	}
	return &s->cells.ops[before + (unsigned)(m->op - m->site->ops)];
}

/* Errors that the head alone shows; the row's limits decide. */
static enum err early_error(const struct http_req *r)
{
	const struct op *op = r->call.op;

	if (r->body_done) {
		return ERR_OK;
	}
	/* An HTTP/2 client may say with a frame of its own that there is no body after all. */
	bool may_be_empty = r->conn->is_stream && r->head.chunked;
	bool is_unwanted = op->max_body == 0 && !may_be_empty;
	return is_unwanted || r->body_left > op->max_body ? ERR_LIMIT : ERR_OK;
}

/* A proxy that we trust may have begun the trace; from anybody else it would be a made-up one. */
static uint64_t trace_of(struct http_req *r)
{
	uint64_t trace = 0;

	if (r->conn->trusted &&
	    trace_from_parent(http_head_find(&r->head, SLICE("traceparent")), &trace)) {
		return trace;
	}
	return trace_next(&r->server->traces);
}

/* http is sent to https, and this is not one of the few things that are answered anyway. */
static bool is_to_be_redirected(const struct http_req *r, enum http_route_result result)
{
	bool is_excepted = result == HTTP_ROUTE_FOUND && (r->match.op->flags & OP_ANY_SCHEME) != 0;

	return r->server->o.https_origin != NULL && !is_excepted && !r->head.asterisk &&
	       !http_is_https(r);
}

static bool runs_inline(const struct http_server *s, const struct op *op)
{
	bool waits = s->o.reads_wait && op->cost == COST_READ;

	return (op->flags & OP_INLINE) != 0 && !waits;
}

void dispatch_route(struct http_req *r)
{
	struct http_server *s = r->server;
	enum http_route_result result = http_route(s->router, http_host(r), r->head.method,
	    http_head_text(&r->head, r->head.path), &r->arena, &r->match);

	r->call.site = r->match.site;
	if (r->match.site != NULL) {
		r->call.env = r->match.site->env;
		r->call.state = r->match.site->state;
	}
	if (is_to_be_redirected(r, result)) {
		r->call.site = NULL; /* whose headers are for its own answers */
		http_builtin_redirect(r);
	} else if (result == HTTP_ROUTE_FOUND) {
		r->call.op = r->match.op;
		r->handle = r->match.op->handle;
		r->is_inline = runs_inline(s, r->match.op);
		r->cells = cells_of(s, &r->match);
		r->early = early_error(r);
		r->arena.max += (size_t)r->call.op->max_body * 2;
	} else {
		http_builtin_route(r, result == HTTP_ROUTE_NO_METHOD);
	}
	r->call.deadline_us = r->arrived_us + (int64_t)r->call.op->deadline_ms * 1000;
	r->call.trace = trace_of(r);
}
