/*
 * See downloading.h: what is not libcurl's.
 */
#include "accounts/downloading.h"

#include <stdlib.h>

#include "accounts/accounts_priv.h"

static const char *const outcome_texts[DOWNLOAD_OUTCOMES] = {
	[DOWNLOAD_OK] = "fetched",
	[DOWNLOAD_STATUS] = "the answer is not 200",
	[DOWNLOAD_UNREACHABLE] = "cannot be reached",
	[DOWNLOAD_BROKEN] = "it broke off",
	[DOWNLOAD_TIMEOUT] = "took too long",
	[DOWNLOAD_TLS] = "no certificate that is trusted",
	[DOWNLOAD_ADDRESS] = "not an address of the public internet",
	[DOWNLOAD_FORBIDDEN] = "it leads to where nothing may be fetched from",
	[DOWNLOAD_REDIRECTS] = "too many redirects",
	[DOWNLOAD_NO_LENGTH] = "it does not tell its length",
	[DOWNLOAD_TOO_BIG] = "too large",
};

const char *download_outcome_text(enum download_outcome outcome)
{
	return outcome_texts[outcome];
}

void download_set(const struct svc_env *env, download_fn *fn, void *downloader)
{
	struct accounts_state *state = accounts_state(env);

	state->download = fn;
	state->downloader = downloader;
}

enum err download_run(const struct svc_env *env, struct download *d)
{
	const struct accounts_state *state = accounts_state(env);

	return state->download == NULL ? ERR_UNSUPPORTED : state->download(state->downloader, d);
}

void download_fini(struct download *d)
{
	for (unsigned i = 0; i < d->n_redirects; i++) {
		free(d->redirects[i]);
		d->redirects[i] = NULL;
	}
	d->n_redirects = 0;
}

/* ---- addresses ---- */

static bool is_host(struct slice host, bool is_v6)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
			       (is_v6 && c == ':');
		if (!is_good) {
			return false;
		}
	}
	return host.len > 0;
}

/* What a URL is made of (RFC 3986): nothing that could end a line or a text. */
static bool is_printable(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f || text.ptr[i] == '"' ||
		    text.ptr[i] == '\\') {
			return false;
		}
	}
	return true;
}

static bool is_port(struct slice text)
{
	uint64_t port = 0;

	return slice_to_u64(text, 65535, &port) == ERR_OK && port > 0;
}

bool download_address(struct slice url, struct download_address *ret)
{
	struct download_address a = { .is_https = slice_starts(url, SLICE("https://")) };

	if ((!a.is_https && !slice_starts(url, SLICE("http://"))) || !is_printable(url) ||
	    url.len > DOWNLOAD_URL_MAX) {
		return false;
	}
	struct slice rest = slice_sub(url, a.is_https ? 8 : 7, url.len);
	size_t slash = slice_find(rest, '/', 0), mark = slice_find(rest, '?', 0);
	size_t end = mark < slash ? mark : slash;
	a.authority = slice_sub(rest, 0, end);
	a.path = slice_sub(rest, end, rest.len);
	bool is_v6 = slice_starts(a.authority, SLICE("["));
	size_t host_end = slice_find(a.authority, is_v6 ? ']' : ':', 0);
	a.host = slice_sub(a.authority, is_v6 ? 1 : 0, host_end);
	struct slice behind = slice_sub(a.authority, host_end + (is_v6 ? 1 : 0), a.authority.len);
	if (!is_host(a.host, is_v6) || (is_v6 && host_end == a.authority.len) ||
	    (behind.len > 0 &&
		(behind.ptr[0] != ':' || !is_port(slice_sub(behind, 1, behind.len))))) {
		return false;
	}
	*ret = a;
	return true;
}
