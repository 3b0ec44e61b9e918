/*
 * From host, method and path to a row of struct op. Paths are matched segment by segment, each
 * percent-decoded by itself, so that "%2F" never makes a segment and nothing is normalised: ".." is
 * a segment like any other. Built once at start; a table that leaves a doubt does not build.
 *
 * A row's path is '/' and segments between '/'. A segment is a literal or one of
 *	{name}		any segment that is not empty
 *	{name:digits}	0-9
 *	{name:hex}	0-9 a-f A-F
 *	{name:token}	letters, digits, - . _ ~
 *	{name*}		last only: all the rest, slashes included, may be empty; no "%2F" in it
 * At each segment the more special wins: literal, digits, hex, token, any, rest; if that way leads
 * to no row with the method, the next is tried. Rows of the same shape and method are refused.
 */
#ifndef PLIMSOLL_HTTP_ROUTER_H
#define PLIMSOLL_HTTP_ROUTER_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/http/http.h"

enum {
	HTTP_MAX_PARAMS = 8,	/* of one row */
	HTTP_MAX_SEGMENTS = 16, /* of a row's path */
};

struct http_router;

enum http_route_result {
	HTTP_ROUTE_FOUND,
	HTTP_ROUTE_NO_PATH,   /* no row has this path, or it cannot be decoded: not_found of site */
	HTTP_ROUTE_NO_METHOD, /* a row has it but not this method: wrong_method of site */
};

struct http_match_param {
	struct slice name, value; /* value decoded */
};

struct http_match {
	const struct http_site
	    *site;	     /* the row's site; else the first one of the host; NULL: none */
	const struct op *op; /* FOUND: the row; NO_METHOD: one row with the path; else NULL */
	struct slice path;   /* decoded, or raw if it cannot be decoded */
	unsigned n_params;
	struct http_match_param params[HTTP_MAX_PARAMS];
	/* NO_METHOD: one bit (1u << method) for each method of the path, HEAD with GET. */
	unsigned allowed;
};

/*
 * Builds the table of all rows of all sites. Sites of the same host (or of none) are one table; a
 * request is served by the sites that name its host, else by those that name none. The sites are
 * kept, not copied. ERR_CONFIG with both rows' names in note: ambiguous, or a wrong pattern.
 */
NODISCARD enum err http_router_new(const struct http_site *const *sites, unsigned n_sites,
    struct http_router **ret, struct err_note *note);

void http_router_free(struct http_router **r);

/*
 * Finds the row. host is as sent (port is ignored), raw_path the undecoded path. HTTP_GET rows
 * serve HEAD. A decoded path lies in the arena, one without '%' is raw_path itself; arena memory
 * used up: NO_PATH.
 */
enum http_route_result http_route(const struct http_router *r, struct slice host,
    enum http_method method, struct slice raw_path, struct arena *arena, struct http_match *ret);

/* Text for Allow, e.g. "GET, HEAD, POST"; empty when the arena is full. */
struct slice http_allow_text(unsigned allowed, struct arena *arena);

/* Value of the parameter, or the empty slice. */
struct slice http_match_get(const struct http_match *m, struct slice name);

#endif
