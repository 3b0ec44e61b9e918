/*
 * Files that are part of the program: web/ is embedded at build time (tools/embed), each with its
 * gzip form and the hash of its content. Served from memory with strong ETag, conditional GET,
 * Range, precompression, and for ever under "/v/<hash>/<path>".
 */
#ifndef PLIMSOLL_HTTP_ASSET_H
#define PLIMSOLL_HTTP_ASSET_H

#include "core/base/slice.h"
#include "core/http/http.h"

struct asset {
	const char *path; /* "identity/dialog.js": path below web/ */
	const char *content_type;
	struct slice bytes, gzip; /* gzip.len 0: not smaller */
	char hash[11];		  /* first 10 hex digits of SHA-256 of bytes, NUL */
	const char *vary;	  /* NULL: Accept-Encoding where there is a gzip form */
};

struct asset_set {
	const struct asset *assets; /* sorted by path */
	size_t n;
	/*
	 * Of all files together: "/v/<hash>/" of it is a folder in which every file is current, so
	 * that modules can import each other by relative paths. Empty: there is none.
	 */
	char hash[11];
};

/* The asset with that path, or NULL. */
const struct asset *asset_find(const struct asset_set *set, struct slice path);

/*
 * Replies with an asset: status 200, 304 or 206/416 as the request's conditions say. cache_control
 * is the header value, e.g. "public, max-age=0, must-revalidate".
 */
void asset_reply(struct op_call *c, const struct asset *a, struct slice cache_control);

/*
 * Replies to "/v/<hash>/<path>": immutable when the hash is the file's or the set's, a revalidated
 * answer when the file is known but the hash is not, 404 otherwise.
 */
void asset_reply_hashed(
    struct op_call *c, const struct asset_set *set, struct slice hash, struct slice path);

#endif
