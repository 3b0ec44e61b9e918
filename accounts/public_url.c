/*
 * Taking the public URL apart. The configuration has checked its form: scheme, host, perhaps a
 * port.
 */
#include "accounts/public_url.h"

#include <string.h>

#include "core/base/host_port.h"

/* Names below localhost are this machine's as well (RFC 6761, 6.3). */
static bool is_loopback(struct slice host)
{
	return host_is_loopback(host_port_host(host)) || slice_ends(host, SLICE(".localhost"));
}

/* End of the host in s: the port's colon or the end, not a colon inside brackets. */
static size_t host_end(struct slice s)
{
	size_t from = 0;

	if (s.len > 0 && s.ptr[0] == '[') {
		from = slice_find(s, ']', 0);
	}
	return slice_find(s, ':', from);
}

enum err public_url_parse(struct slice text, struct public_url *ret, struct err_note *note)
{
	struct public_url u = { .is_https = slice_starts(text, SLICE("https://")) };

	if (!u.is_https && !slice_starts(text, SLICE("http://"))) {
		return err_note_set(note, ERR_CONFIG,
		    "[plimsoll] public_url: it begins with neither https:// nor http://");
	}
	if (slice_ends(text, SLICE("/"))) {
		text = slice_sub(text, 0, text.len - 1);
	}
	struct slice rest = slice_sub(text, u.is_https ? 8 : 7, text.len);
	struct slice host = slice_sub(rest, 0, host_end(rest));
	if (host.len == 0 || slice_to_cstr(host, u.host, sizeof(u.host)) != ERR_OK ||
	    slice_to_cstr(text, u.origin, sizeof(u.origin)) != ERR_OK) {
		return err_note_set(
		    note, ERR_CONFIG, "[plimsoll] public_url: no host, or too long");
	}
	for (char *p = u.origin; *p != '\0'; p++) {
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	}
	memcpy(u.host, u.origin + (rest.ptr - text.ptr), host.len);
	u.is_loopback = is_loopback(slice_str(u.host));
	*ret = u;
	return ERR_OK;
}
