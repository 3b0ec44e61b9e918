/*
 * The public URL, [plimsoll] public_url: the address under which browsers know this server, taken
 * apart once. The issuer of our certificates is its host without port.
 */
#ifndef PLIMSOLL_ACCOUNTS_PUBLIC_URL_H
#define PLIMSOLL_ACCOUNTS_PUBLIC_URL_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	PUBLIC_HOST_MAX = 255,
	PUBLIC_URL_MAX = 300
};

struct public_url {
	char origin[PUBLIC_URL_MAX];	/* "https://id.example.org", no slash at the end */
	char host[PUBLIC_HOST_MAX + 1]; /* lower case, without port */
	bool is_https;
	bool is_loopback; /* localhost, 127.x.x.x or [::1] */
};

/* ERR_CONFIG with the reason in note. */
NODISCARD enum err public_url_parse(
    struct slice text, struct public_url *ret, struct err_note *note);

#endif
