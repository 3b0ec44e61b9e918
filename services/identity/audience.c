/*
 * Audience comparison.
 */
#include "services/identity/audience.h"

/* An audience taken apart; parts that were not given are empty. */
struct audience {
	struct slice scheme, host;
	uint64_t port; /* 0: not given and no default */
};

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_';
}

/* Cuts a known scheme off *rest. */
static struct slice cut_scheme(struct slice *rest)
{
	static const char *const schemes[] = { "https", "http", "app" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		struct slice s = slice_str(schemes[i]);
		struct slice separator = slice_sub(*rest, s.len, s.len + 3);
		if (slice_starts(*rest, s) && slice_eq(separator, SLICE("://"))) {
			*rest = slice_sub(*rest, s.len + 3, rest->len);
			return s;
		}
	}
	return SLICE_EMPTY;
}

/* End of the authority: what a URL has behind its host and port does not count. */
static size_t authority_end(struct slice s)
{
	size_t end = 0;

	while (end < s.len && s.ptr[end] != '/' && s.ptr[end] != '?' && s.ptr[end] != '#') {
		end++;
	}
	return end;
}

/* [v6] or letters; NULL or what is wrong with it. */
static const char *check_host(struct slice host)
{
	if (slice_starts(host, SLICE("["))) {
		return host.len > 2 && slice_ends(host, SLICE("]")) ? NULL : "malformed domain";
	}
	if (host.len == 0 || !is_host_char(host.ptr[0])) {
		return "domain missing";
	}
	for (size_t i = 0; i < host.len; i++) {
		if (!is_host_char(host.ptr[i])) {
			return "malformed domain";
		}
	}
	return NULL;
}

static const char *parse(struct slice text, struct audience *ret)
{
	struct audience a = { .scheme = cut_scheme(&text) };

	text = slice_sub(text, 0, authority_end(text));
	size_t bracket = slice_starts(text, SLICE("[")) ? slice_find(text, ']', 0) : 0;
	size_t colon = slice_find(text, ':', bracket);
	a.host = slice_sub(text, 0, colon);
	if (colon < text.len &&
	    slice_to_u64(slice_sub(text, colon + 1, text.len), 65535, &a.port) != ERR_OK) {
		return "malformed domain";
	}
	if (a.port == 0) {
		a.port = slice_eq(a.scheme, SLICE("https"))  ? 443
			 : slice_eq(a.scheme, SLICE("http")) ? 80
							     : 0;
	}
	*ret = a;
	return check_host(a.host);
}

const char *audience_mismatch(struct slice want, struct slice got)
{
	struct audience w = { .port = 0 }, g = { .port = 0 };
	const char *problem = parse(want, &w);

	if (problem == NULL) {
		problem = parse(got, &g);
	}
	if (problem != NULL) {
		return problem;
	}
	if (w.scheme.len > 0 && !slice_eq(w.scheme, g.scheme)) {
		return "scheme mismatch";
	}
	if ((w.scheme.len > 0 || w.port != 0) && w.port != g.port) {
		return "port mismatch";
	}
	return slice_eq_nocase(w.host, g.host) ? NULL : "domain mismatch";
}

bool audience_has_path(struct slice audience)
{
	(void)cut_scheme(&audience);
	struct slice path = slice_sub(audience, authority_end(audience), audience.len);

	return path.len > 0 && !slice_eq(path, SLICE("/"));
}
