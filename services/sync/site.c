/*
 * What is common to the answers of the storage: who may read them from a page of another origin.
 * Nothing is given to a page that has no token.
 */
#include "services/sync/sync_priv.h"

static const struct {
	const char *name, *value;
} cors_headers[] = {
	{ "Access-Control-Allow-Methods", "DELETE, GET, POST, PUT" },
	{ "Access-Control-Allow-Headers",
	    "Authorization, Content-Type, X-If-Modified-Since, X-If-Unmodified-Since, "
	    "X-Last-Modified, X-Weave-Bytes, X-Weave-Records, X-Weave-Total-Bytes, "
	    "X-Weave-Total-Records" },
	{ "Access-Control-Max-Age", "1728000" },
};

static bool is_storage(const struct op_call *c)
{
	return slice_starts(http_path(c->req), SLICE("/1.5/"));
}

void sync_decorate(struct op_call *c)
{
	struct slice origin = http_header_get(c->req, SLICE("Origin"));

	http_add_header(c->req, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
	if (!is_storage(c) || origin.ptr == NULL) {
		return;
	}
	http_add_header(c->req, SLICE("Access-Control-Allow-Origin"), origin);
	http_add_header(c->req, SLICE("Vary"), SLICE("Origin"));
	http_add_header(c->req, SLICE("Access-Control-Expose-Headers"),
	    SLICE("Retry-After, X-Last-Modified, X-Weave-Alert, X-Weave-Backoff, "
		  "X-Weave-Next-Offset, X-Weave-Quota-Remaining, X-Weave-Records, "
		  "X-Weave-Timestamp"));
}

enum err sync_preflight(struct op_call *c)
{
	for (size_t i = 0; i < sizeof(cors_headers) / sizeof(cors_headers[0]); i++) {
		http_add_header(
		    c->req, slice_str(cors_headers[i].name), slice_str(cors_headers[i].value));
	}
	http_reply(c->req, 200, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}
