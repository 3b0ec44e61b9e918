/*
 * Builds the tree from the rows and refuses what could be read in two ways.
 */
#include "core/http/router_priv.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/http/chars.h"

/* One segment of a row's path. */
struct segment {
	bool literal;
	enum route_kind kind;
	struct slice text; /* the literal or the parameter's name */
};

struct kind_name {
	struct slice text;
	enum route_kind kind;
};

/* clang-format off */
static const struct kind_name kind_names[] = {
	{ { "digits", 6 }, ROUTE_DIGITS },
	{ { "hex",    3 }, ROUTE_HEX    },
	{ { "token",  5 }, ROUTE_TOKEN  },
};
/* clang-format on */

static enum err wrong(struct err_note *note, const struct op *op, const char *what)
{
	return err_note_set(note, ERR_CONFIG, "route %s \"%s\": %s", op->name, op->path, what);
}

static bool is_name(struct slice text)
{
	return text.len > 0 && http_chars_are(text, HTTP_CHAR_UNRESERVED);
}

/* What stands between the braces. False: not of the form. */
static bool read_pattern(struct slice inside, struct segment *ret)
{
	size_t colon = slice_find(inside, ':', 0);
	struct slice kind = slice_sub(inside, colon + 1, inside.len);

	ret->literal = false;
	if (slice_ends(inside, SLICE("*"))) {
		ret->kind = ROUTE_REST;
		ret->text = slice_sub(inside, 0, inside.len - 1);
		return is_name(ret->text);
	}
	ret->kind = ROUTE_ANY;
	ret->text = slice_sub(inside, 0, colon);
	if (colon == inside.len) {
		return is_name(ret->text);
	}
	for (size_t i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
		if (slice_eq(kind, kind_names[i].text)) {
			ret->kind = kind_names[i].kind;
			return is_name(ret->text);
		}
	}
	return false;
}

/* Literals are compared with decoded text: escapes and query signs in one would never match. */
static bool is_literal(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!http_char_is(text.ptr[i], HTTP_CHAR_FIELD) ||
		    memchr("\t%?#{}", text.ptr[i], 6) != NULL) {
			return false;
		}
	}
	return true;
}

static bool read_segment(struct slice text, struct segment *ret)
{
	if (slice_starts(text, SLICE("{")) && slice_ends(text, SLICE("}"))) {
		return read_pattern(slice_sub(text, 1, text.len - 1), ret);
	}
	*ret = (struct segment){ .literal = true, .text = text };
	return is_literal(text);
}

static uint32_t add_node(struct http_router *r)
{
	struct route_node *n = &r->nodes[r->n_nodes];

	n->rows = ROUTE_NONE;
	for (unsigned k = 0; k < ROUTE_KINDS; k++) {
		n->child[k] = ROUTE_NONE;
	}
	return r->n_nodes++;
}

/* The child of node for this segment, made if need be. */
static uint32_t child_of(struct http_router *r, uint32_t node, const struct segment *s)
{
	if (!s->literal) {
		uint32_t *child = &r->nodes[node].child[s->kind];
		if (*child == ROUTE_NONE) {
			*child = add_node(r);
		}
		return *child;
	}
	struct route_edge *e = route_edge_slot(r, node, s->text);
	if (e->text.ptr == NULL) {
		*e = (struct route_edge){ .text = s->text, .from = node, .to = add_node(r) };
	}
	return e->to;
}

static enum err add_param(struct route_row *row, struct slice name, struct err_note *note)
{
	if (row->n_params == HTTP_MAX_PARAMS) {
		return wrong(note, row->op, "too many parameters");
	}
	for (uint32_t i = 0; i < row->n_params; i++) {
		if (slice_eq(row->params[i], name)) {
			return wrong(note, row->op, "two parameters of one name");
		}
	}
	row->params[row->n_params++] = name;
	return ERR_OK;
}

/* Hangs the row on its node, behind those of other methods. */
static enum err add_row_to_node(
    struct http_router *r, uint32_t node, uint32_t row, struct err_note *note)
{
	const struct op *op = r->rows[row].op;

	for (uint32_t i = r->nodes[node].rows; i != ROUTE_NONE; i = r->rows[i].next) {
		const struct op *other = r->rows[i].op;
		if (other->method == op->method) {
			return err_note_set(note, ERR_CONFIG,
			    "routes %s \"%s\" and %s \"%s\" match the same requests", other->name,
			    other->path, op->name, op->path);
		}
	}
	r->rows[row].next = r->nodes[node].rows;
	r->nodes[node].rows = row;
	return ERR_OK;
}

static enum err add_row(struct http_router *r, uint32_t root, const struct http_site *site,
    const struct op *op, struct err_note *note)
{
	uint32_t row = r->n_rows++, node = root;
	unsigned n_segments = 0;
	bool ended = false;
	struct slice path = slice_str(op->path), rest = slice_sub(path, 1, path.len);

	r->rows[row] = (struct route_row){ .op = op, .site = site, .next = ROUTE_NONE };
	if (!slice_starts(path, SLICE("/"))) {
		return wrong(note, op, "does not start with '/'");
	}
	if ((unsigned)op->method >= HTTP_OTHER_METHOD) {
		return wrong(note, op, "has no method");
	}
	for (struct slice text; slice_split(&rest, '/', &text);) {
		struct segment s;
		if (++n_segments > HTTP_MAX_SEGMENTS) {
			return wrong(note, op, "too many segments");
		}
		if (ended || !read_segment(text, &s)) {
			return wrong(note, op,
			    ended ? "{name*} is not the last segment" : "malformed segment");
		}
		enum err e = s.literal ? ERR_OK : add_param(&r->rows[row], s.text, note);
		if (e != ERR_OK) {
			return e;
		}
		ended = !s.literal && s.kind == ROUTE_REST;
		node = child_of(r, node, &s);
	}
	return add_row_to_node(r, node, row, note);
}

/* The root of the site's host. */
static uint32_t root_of(struct http_router *r, const struct http_site *site)
{
	struct slice host = slice_str(site->host);

	for (uint32_t i = 0; i < r->n_roots; i++) {
		if (slice_eq_nocase(r->roots[i].host, host)) {
			return r->roots[i].node;
		}
	}
	struct route_root *root = &r->roots[r->n_roots++];
	*root = (struct route_root){ .host = host, .site = site, .node = add_node(r) };
	return root->node;
}

static enum err add_sites(struct http_router *r, const struct http_site *const *sites,
    unsigned n_sites, struct err_note *note)
{
	for (unsigned s = 0; s < n_sites; s++) {
		uint32_t root = root_of(r, sites[s]);
		for (unsigned i = 0; i < sites[s]->n_ops; i++) {
			enum err e = add_row(r, root, sites[s], &sites[s]->ops[i], note);
			if (e != ERR_OK) {
				return e;
			}
		}
	}
	return ERR_OK;
}

static size_t count_slashes(const char *path)
{
	size_t n = 0;

	for (; *path != '\0'; path++) {
		n += *path == '/';
	}
	return n;
}

/* Room for the most that the rows can need: a node for each segment. */
static enum err allocate(struct http_router *r, const struct http_site *const *sites, unsigned n)
{
	size_t rows = 0, nodes = n, slots = 16;

	for (unsigned s = 0; s < n; s++) {
		rows += sites[s]->n_ops;
		for (unsigned i = 0; i < sites[s]->n_ops; i++) {
			CHECK(sites[s]->ops[i].path != NULL);
			nodes += count_slashes(sites[s]->ops[i].path);
		}
	}
	while (slots < 2 * nodes) {
		slots *= 2;
	}
	CHECK(slots < UINT32_MAX);
	r->roots = calloc(n + 1, sizeof(*r->roots));
	r->nodes = calloc(nodes + 1, sizeof(*r->nodes));
	r->rows = calloc(rows + 1, sizeof(*r->rows));
	r->edges = calloc(slots, sizeof(*r->edges));
	r->edge_mask = (uint32_t)slots - 1;
	bool complete = r->roots != NULL && r->nodes != NULL && r->rows != NULL && r->edges != NULL;
	return complete ? ERR_OK : ERR_MEMORY;
}

enum err http_router_new(const struct http_site *const *sites, unsigned n_sites,
    struct http_router **ret, struct err_note *note)
{
	struct http_router *r = calloc(1, sizeof(*r));
	enum err e = r == NULL ? ERR_MEMORY : allocate(r, sites, n_sites);

	if (e == ERR_OK) {
		e = add_sites(r, sites, n_sites, note);
	}
	if (e != ERR_OK) {
		http_router_free(&r);
		return e;
	}
	*ret = r;
	return ERR_OK;
}

void http_router_free(struct http_router **r)
{
	if (*r != NULL) {
		free((*r)->roots);
		free((*r)->nodes);
		free((*r)->rows);
		free((*r)->edges);
		free(*r);
		*r = NULL;
	}
}
