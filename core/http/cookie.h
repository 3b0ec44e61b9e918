/*
 * Cookies (RFC 6265): one out of a Cookie header, and the text of Set-Cookie.
 */
#ifndef PLIMSOLL_HTTP_COOKIE_H
#define PLIMSOLL_HTTP_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

/*
 * Value of the first cookie of that name in the text of a Cookie header (header.ptr may be NULL),
 * as sent but without the double quotes around it; ptr NULL if there is none.
 */
struct slice http_cookie_find(struct slice header, struct slice name);

enum http_same_site {
	HTTP_SAME_SITE_LAX,
	HTTP_SAME_SITE_STRICT,
	HTTP_SAME_SITE_NONE, /* needs secure */
};

struct http_set_cookie {
	struct slice name, value; /* a token; visible ASCII without " , ; and backslash */
	struct slice path;	  /* empty: "/" */
	struct slice domain;	  /* empty: this host only */
	int64_t max_age_s;	  /* HTTP_COOKIE_SESSION; 0 deletes it */
	bool http_only, secure;
	enum http_same_site same_site;
};

enum {
	HTTP_COOKIE_SESSION = -1
}; /* no Max-Age: ends with the browser's session */

/*
 * Appends the value of a Set-Cookie header. ERR_INVALID, with nothing appended: a byte that may not
 * stand there, SameSite=None without secure, or more than 4096 bytes of name and value.
 */
NODISCARD enum err http_set_cookie_put(struct buf *out, const struct http_set_cookie *c);

#endif
