/*
 * Answers to an authority's http-01 challenges (RFC 8555 8.3), which a client such as lego or
 * certbot puts into the folder [tls] acme_folder.
 */
#ifndef PLIMSOLL_ROLE_ACME_H
#define PLIMSOLL_ROLE_ACME_H

#include "core/role/role_site.h"

extern const struct op acme_ops[];
extern const unsigned n_acme_ops;

/* Zeroed memory is one that serves nothing. */
struct acme {
	int folder_fd; /* if is_on */
	bool is_on;
};

/* Before the sandbox closes: opens the folder, if one is configured, and adds the site. ERR_CONFIG
 * with the folder in note. */
NODISCARD enum err acme_open(
    struct acme *a, struct role_ctx *r, struct role_site *site, struct err_note *note);
void acme_close(struct acme *a);

#endif
