/*
 * Cookies: one out of a Cookie header, and the text of Set-Cookie.
 */
#include "core/http/cookie.h"

#include "core/http/chars.h"

enum {
	COOKIE_MAX_BYTES = 4096
}; /* what browsers keep (RFC 6265 6.1) */

static struct slice without_quotes(struct slice value)
{
	bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';

	return quoted ? slice_sub(value, 1, value.len - 1) : value;
}

struct slice http_cookie_find(struct slice header, struct slice name)
{
	for (struct slice pair, rest = header; slice_split(&rest, ';', &pair);) {
		pair = slice_trim(pair);
		size_t equals = slice_find(pair, '=', 0);
		if (equals < pair.len && slice_eq(slice_sub(pair, 0, equals), name)) {
			return without_quotes(slice_sub(pair, equals + 1, pair.len));
		}
	}
	return (struct slice){ NULL, 0 };
}

/* An attribute's value: anything that is visible or a space, but for the ';' that ends it. */
static bool is_attribute(struct slice text)
{
	return http_chars_are(text, HTTP_CHAR_FIELD) && slice_find(text, ';', 0) == text.len &&
	       slice_find(text, '\t', 0) == text.len;
}

static bool is_valid(const struct http_set_cookie *c)
{
	if (c->name.len == 0 || c->name.len + c->value.len > COOKIE_MAX_BYTES) {
		return false;
	}
	if (c->same_site == HTTP_SAME_SITE_NONE && !c->secure) {
		return false;
	}
	return http_chars_are(c->name, HTTP_CHAR_TOKEN) &&
	       http_chars_are(c->value, HTTP_CHAR_COOKIE) && is_attribute(c->path) &&
	       http_chars_are(c->domain, HTTP_CHAR_HOST) && c->max_age_s >= HTTP_COOKIE_SESSION;
}

static const char *same_site_text(enum http_same_site same_site)
{
	switch (same_site) {
	case HTTP_SAME_SITE_STRICT:
		return "; SameSite=Strict";
	case HTTP_SAME_SITE_NONE:
		return "; SameSite=None";
	case HTTP_SAME_SITE_LAX:
		break;
	}
	return "; SameSite=Lax";
}

enum err http_set_cookie_put(struct buf *out, const struct http_set_cookie *c)
{
	if (!is_valid(c)) {
		return ERR_INVALID;
	}
	buf_append_slice(out, c->name);
	buf_append_char(out, '=');
	buf_append_slice(out, c->value);
	buf_append_str(out, "; Path=");
	buf_append_slice(out, c->path.len > 0 ? c->path : SLICE("/"));
	if (c->domain.len > 0) {
		buf_append_str(out, "; Domain=");
		buf_append_slice(out, c->domain);
	}
	if (c->max_age_s >= 0) {
		buf_append_str(out, "; Max-Age=");
		buf_append_i64(out, c->max_age_s);
	}
	buf_append_str(out, c->http_only ? "; HttpOnly" : "");
	buf_append_str(out, c->secure ? "; Secure" : "");
	buf_append_str(out, same_site_text(c->same_site));
	return ERR_OK;
}
