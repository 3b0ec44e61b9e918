/*
 * Splitting network addresses.
 */
#include "core/base/host_port.h"

struct slice host_port_host(struct slice text)
{
	if (slice_starts(text, SLICE("["))) {
		return slice_sub(text, 1, slice_find(text, ']', 1));
	}
	return slice_sub(text, 0, slice_find(text, ':', 0));
}

/* A name may begin with a number, too: 127.example is anywhere. */
static bool is_number_of_loopback(struct slice host)
{
	for (size_t i = 0; i < host.len; i++) {
		if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9')) {
			return false;
		}
	}
	return slice_starts(host, SLICE("127."));
}

bool host_is_loopback(struct slice host)
{
	return slice_eq_nocase(host, SLICE("localhost")) || slice_eq(host, SLICE("::1")) ||
	       is_number_of_loopback(host);
}

enum err host_port_split(struct slice text, char host[HOST_BYTES], char port[PORT_BYTES])
{
	size_t colon = text.len;

	while (colon > 0 && text.ptr[colon - 1] != ':') {
		colon--;
	}
	struct slice left = colon == 0 ? SLICE_EMPTY : slice_sub(text, 0, colon - 1);
	if (slice_starts(left, SLICE("[")) && slice_ends(left, SLICE("]"))) {
		left = slice_sub(left, 1, left.len - 1);
	}
	enum err e = slice_to_cstr(left, host, HOST_BYTES);
	return e == ERR_OK ? slice_to_cstr(slice_sub(text, colon, text.len), port, PORT_BYTES) : e;
}
