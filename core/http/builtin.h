/*
 * What the edge answers itself: unknown paths, wrong methods, OPTIONS, refusals, malformed
 * requests.
 */
#ifndef PLIMSOLL_HTTP_BUILTIN_H
#define PLIMSOLL_HTTP_BUILTIN_H

#include "core/http/http.h"

enum http_builtin {
	HTTP_BUILTIN_NOT_FOUND,
	HTTP_BUILTIN_WRONG_METHOD,
	HTTP_BUILTIN_OPTIONS,
	HTTP_BUILTIN_MALFORMED,
	HTTP_BUILTIN_REDIRECT,
	HTTP_BUILTINS
};

/* Rows for requests that no service's row stands for. */
extern const struct op http_builtin_ops[HTTP_BUILTINS];

/* Decides who answers a request that the router found no row for, and sets its call's op. */
void http_builtin_route(struct http_req *r, bool path_is_known);

/* The same for one that came without TLS and is sent to https_origin. */
void http_builtin_redirect(struct http_req *r);

/* Answers a request that is refused for load: in the site's words, else the prebuilt 503. */
void http_answer_busy(struct http_req *r, unsigned retry_after_s);

/* Answers a failed request: the site's error function, else text/plain. */
void http_answer_error(struct http_req *r, enum err e);

#endif
