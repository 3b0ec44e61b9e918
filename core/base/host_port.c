/*
 * Splitting network addresses.
 */
#include "core/base/host_port.h"

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
