/*
 * Walks the tree of routes, the most special child first.
 */
#include "core/http/router_priv.h"

#include "core/http/chars.h"
#include "core/http/parse.h"
#include "core/http/target.h"

struct walk {
	const struct http_router *router;
	enum http_method method;
	struct slice path;			  /* decoded */
	struct slice segments[HTTP_MAX_SEGMENTS]; /* of path; the first ones */
	size_t n_segments;			  /* all of them */
	size_t plain_from; /* no decoded "%2F" stands at or behind this place of path */
	struct slice values[HTTP_MAX_PARAMS];
	unsigned n_values;
	unsigned allowed;		 /* methods of the rows that were reached */
	const struct route_row *reached; /* one of them */
};

struct route_edge *route_edge_slot(const struct http_router *r, uint32_t from, struct slice text)
{
	/* FNV-1a. The keys in the table are ours, so that nobody can make probes long. */
	uint32_t hash = 2166136261u ^ (from * 2654435769u);

	for (size_t i = 0; i < text.len; i++) {
		hash = (hash ^ (unsigned char)text.ptr[i]) * 16777619u;
	}
	for (uint32_t slot = hash;; slot++) {
		struct route_edge *e = &r->edges[slot & r->edge_mask];
		if (e->text.ptr == NULL || (e->from == from && slice_eq(e->text, text))) {
			return e;
		}
	}
}

/* Appends one segment to the decoded path. False: cannot be decoded. */
static bool add_segment(struct walk *w, struct slice raw, char *out)
{
	struct slice segment = raw;

	if (out != NULL) {
		char *at = out + w->path.len;
		size_t len;
		*at++ = '/';
		if (!http_percent_decode(raw, HTTP_PLUS_IS_PLUS, at, &len)) {
			return false;
		}
		segment = (struct slice){ at, len };
		w->path = (struct slice){ out, w->path.len + 1 + len };
		if (slice_find(segment, '/', 0) < len) {
			w->plain_from = w->path.len;
		}
	}
	if (w->n_segments < HTTP_MAX_SEGMENTS) {
		w->segments[w->n_segments] = segment;
	}
	w->n_segments++;
	return true;
}

static bool split_path(struct walk *w, struct slice raw, struct arena *arena)
{
	char *out = NULL;

	if (raw.len == 0 || raw.ptr[0] != '/') {
		return false;
	}
	if (slice_find(raw, '%', 0) < raw.len) {
		out = arena_alloc(arena, raw.len);
		if (out == NULL) {
			return false;
		}
	}
	w->path = out == NULL ? raw : SLICE_EMPTY;
	struct slice rest = slice_sub(raw, 1, raw.len);
	for (struct slice segment; slice_split(&rest, '/', &segment);) {
		if (!add_segment(w, segment, out)) {
			return false;
		}
	}
	return true;
}

static bool kind_takes(enum route_kind kind, struct slice segment)
{
	if (segment.len == 0) {
		return false;
	}
	switch (kind) {
	case ROUTE_DIGITS:
		return http_chars_are(segment, HTTP_CHAR_DIGIT);
	case ROUTE_HEX:
		return http_chars_are(segment, HTTP_CHAR_HEX);
	case ROUTE_TOKEN:
		return http_chars_are(segment, HTTP_CHAR_UNRESERVED);
	case ROUTE_ANY:
		return true;
	case ROUTE_REST:
	case ROUTE_KINDS:
		break;
	}
	return false;
}

static unsigned allowed_by(const struct op *op)
{
	unsigned bits = 1u << op->method;

	bits |= op->method == HTTP_GET ? 1u << HTTP_HEAD : 0;
	bits |= (op->flags & OP_PUBLIC_CORS) != 0 ? 1u << HTTP_OPTIONS : 0;
	return bits;
}

/* The node's row for the method; a row for HEAD itself stands above GET's. */
static const struct route_row *row_of(struct walk *w, uint32_t node)
{
	const struct route_row *found = NULL;

	for (uint32_t i = w->router->nodes[node].rows; i != ROUTE_NONE;) {
		const struct route_row *row = &w->router->rows[i];
		if (row->op->method == w->method ||
		    (found == NULL && w->method == HTTP_HEAD && row->op->method == HTTP_GET)) {
			found = row;
		}
		w->allowed |= allowed_by(row->op);
		w->reached = row;
		i = row->next;
	}
	return found;
}

static const struct route_row *walk(struct walk *w, uint32_t node, unsigned depth);

static const struct route_row *walk_patterns(struct walk *w, uint32_t node, unsigned depth)
{
	const struct route_node *n = &w->router->nodes[node];
	struct slice segment = w->segments[depth];
	const struct route_row *row;

	for (enum route_kind kind = ROUTE_DIGITS; kind < ROUTE_REST; kind++) {
		if (n->child[kind] != ROUTE_NONE && kind_takes(kind, segment)) {
			w->values[w->n_values++] = segment;
			row = walk(w, n->child[kind], depth + 1);
			if (row != NULL) {
				return row;
			}
			w->n_values--;
		}
	}
	size_t rest_at = (size_t)(segment.ptr - w->path.ptr);
	if (n->child[ROUTE_REST] != ROUTE_NONE && rest_at >= w->plain_from) {
		w->values[w->n_values++] = slice_sub(w->path, rest_at, w->path.len);
		row = row_of(w, n->child[ROUTE_REST]);
		if (row != NULL) {
			return row;
		}
		w->n_values--;
	}
	return NULL;
}

/*
 * The row for the segments from depth on, below node. Goes at most HTTP_MAX_SEGMENTS deep, for the
 * tree is not deeper; it is a tree, so each node is visited once at most.
 */
static const struct route_row *walk(struct walk *w, uint32_t node, unsigned depth)
{
	if (depth == w->n_segments) {
		return row_of(w, node);
	}
	if (depth == HTTP_MAX_SEGMENTS) {
		return NULL;
	}
	const struct route_edge *e = route_edge_slot(w->router, node, w->segments[depth]);
	if (e->text.ptr != NULL) {
		const struct route_row *row = walk(w, e->to, depth + 1);
		if (row != NULL) {
			return row;
		}
	}
	return walk_patterns(w, node, depth);
}

/* The root for the host, or the one for any host, or NULL. */
static const struct route_root *root_for(const struct http_router *r, struct slice host)
{
	const struct route_root *any = NULL;
	struct slice name = http_host_name(host);

	if (slice_ends(name, SLICE("."))) {
		name.len--;
	}
	for (uint32_t i = 0; i < r->n_roots; i++) {
		if (r->roots[i].host.len == 0) {
			any = &r->roots[i];
		} else if (slice_eq_nocase(r->roots[i].host, name)) {
			return &r->roots[i];
		}
	}
	return any;
}

enum http_route_result http_route(const struct http_router *r, struct slice host,
    enum http_method method, struct slice raw_path, struct arena *arena, struct http_match *ret)
{
	const struct route_root *root = root_for(r, host);
	struct walk w = { .router = r, .method = method };

	ret->site = root == NULL ? NULL : root->site;
	ret->op = NULL;
	ret->path = raw_path;
	ret->n_params = 0;
	ret->allowed = 0;
	if (root == NULL || !split_path(&w, raw_path, arena)) {
		return HTTP_ROUTE_NO_PATH;
	}
	ret->path = w.path;
	const struct route_row *row = walk(&w, root->node, 0);
	const struct route_row *shown = row != NULL ? row : w.reached;
	if (shown == NULL) {
		return HTTP_ROUTE_NO_PATH;
	}
	ret->site = shown->site;
	ret->op = shown->op;
	if (row == NULL) {
		ret->allowed = w.allowed;
		return HTTP_ROUTE_NO_METHOD;
	}
	ret->n_params = w.n_values;
	for (unsigned i = 0; i < w.n_values; i++) {
		ret->params[i] = (struct http_match_param){ row->params[i], w.values[i] };
	}
	return HTTP_ROUTE_FOUND;
}

struct slice http_allow_text(unsigned allowed, struct arena *arena)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET, ",
		[HTTP_HEAD] = "HEAD, ",
		[HTTP_POST] = "POST, ",
		[HTTP_PUT] = "PUT, ",
		[HTTP_DELETE] = "DELETE, ",
		[HTTP_PATCH] = "PATCH, ",
		[HTTP_OPTIONS] = "OPTIONS, ",
	};
	char text[64];
	size_t len = 0;
	struct slice ret;

	for (unsigned m = 0; m < sizeof(names) / sizeof(names[0]); m++) {
		if ((allowed & 1u << m) != 0) {
			size_t add = strlen(names[m]);
			memcpy(text + len, names[m], add);
			len += add;
		}
	}
	len -= len > 0 ? 2 : 0;
	return arena_copy(arena, SLICE_OF(text, len), &ret) == ERR_OK ? ret : SLICE_EMPTY;
}

struct slice http_match_get(const struct http_match *m, struct slice name)
{
	for (unsigned i = 0; i < m->n_params; i++) {
		if (slice_eq(m->params[i].name, name)) {
			return m->params[i].value;
		}
	}
	return SLICE_EMPTY;
}
