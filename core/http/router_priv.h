/*
 * The tree of routes. Internal: built by router_build.c, walked by router.c.
 *
 * A node stands for the segments on the way to it. Edges for literals are in one hash table for the
 * whole tree, keyed by node and text; a child for each kind of pattern is in the node. So a lookup
 * costs one probe for a segment, whatever the number of rows, and visits no node twice.
 */
#ifndef PLIMSOLL_HTTP_ROUTER_PRIV_H
#define PLIMSOLL_HTTP_ROUTER_PRIV_H

#include "core/http/router.h"

/* What a pattern segment takes, the most special first: that is the order of trying. */
enum route_kind {
	ROUTE_DIGITS,
	ROUTE_HEX,
	ROUTE_TOKEN,
	ROUTE_ANY,
	ROUTE_REST,
	ROUTE_KINDS
};

#define ROUTE_NONE UINT32_MAX

struct route_row {
	const struct op *op;
	const struct http_site *site;
	uint32_t next; /* row of the same node, other method; or ROUTE_NONE */
	uint32_t n_params;
	struct slice params[HTTP_MAX_PARAMS]; /* names, into op->path */
};

struct route_node {
	uint32_t child[ROUTE_KINDS]; /* or ROUTE_NONE */
	uint32_t rows;		     /* first row that ends here, or ROUTE_NONE */
};

struct route_edge {
	struct slice text; /* into op->path; ptr NULL: free slot */
	uint32_t from, to;
};

struct route_root {
	struct slice host;	      /* len 0: any */
	const struct http_site *site; /* first of that host */
	uint32_t node;
};

struct http_router {
	struct route_root *roots;
	struct route_node *nodes;
	struct route_row *rows;
	struct route_edge *edges;
	uint32_t n_roots, n_nodes, n_rows;
	uint32_t edge_mask; /* slots - 1; at most half of them are taken */
};

/* The slot that holds this edge, or the free one where it belongs. */
struct route_edge *route_edge_slot(const struct http_router *r, uint32_t from, struct slice text);

#endif
