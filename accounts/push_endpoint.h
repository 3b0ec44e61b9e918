/*
 * Where pushes may go: an endpoint is a URL that a browser has got from its push service and gives
 * to us, so anybody may name any. It is checked when it is given, and again by the courier before
 * it goes out, which also looks at the address that the name leads to (public_address.h). Pure.
 */
#ifndef PLIMSOLL_ACCOUNTS_PUSH_ENDPOINT_H
#define PLIMSOLL_ACCOUNTS_PUSH_ENDPOINT_H

#include <stdbool.h>

#include "core/base/slice.h"

enum {
	PUSH_ENDPOINT_MAX = 1000, /* characters */
	PUSH_HOST_MAX = 253
};

struct push_policy {
	/*
	 * Hosts with commas between; "*.example.org" is every name below example.org. Empty: all.
	 */
	const char *hosts;
	/* Also addresses that are not public, and plain http to this machine. */
	bool allow_private;
};

struct push_endpoint {
	struct slice origin; /* "https://push.example.org", with its port if it names one */
	struct slice host;   /* without port */
	bool is_plain;	     /* http */
};

/*
 * Takes an endpoint apart if it is one that may be used: https, a host of the policy, nothing but
 * visible ASCII, no user, port 443 unless private ones are allowed. The parts point into it.
 */
bool push_endpoint_take(
    const struct push_policy *policy, struct slice text, struct push_endpoint *ret);

#endif
