/*
 * [nats] and [helper] of the configuration: where the NATS server is by which compute jobs go to
 * helpers on other machines, and how to be let in. Passwords travel to be hashed, so a connection
 * that leaves this machine must be TLS with a CA file; anything else is refused in words. Knows no
 * libnats: the server, `plimsoll check` and the roles read the same settings here.
 */
#ifndef PLIMSOLL_OFFLOAD_NATS_CONF_H
#define PLIMSOLL_OFFLOAD_NATS_CONF_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/conf/conf.h"

enum {
	NATS_SERVERS_MAX = 8, /* addresses of one cluster */
	NATS_URL_BYTES = 300,
	NATS_NAME_BYTES = 65, /* of a prefix, of a helper, with NUL */
	NATS_FILE_MAX = 256 * 1024,
	NATS_SECRET_MAX = 1024,
};

struct nats_settings {
	char url[NATS_SERVERS_MAX][NATS_URL_BYTES];
	unsigned n_urls;  /* 0: NATS is not used */
	bool is_secure;	  /* TLS */
	const char *user; /* "": none; lives with the configuration */
	const char *prefix;
	char helper_name[NATS_NAME_BYTES]; /* the configured one, or from the machine's name */
};

/* What the files of [nats] hold, in PEM; empty: not configured. */
struct nats_files {
	struct buf password, ca, cert, key;
};

extern const struct conf_table nats_conf;

/* ERR_CONFIG with the key and what is allowed. Reads no file. */
NODISCARD enum err nats_settings_read(
    const struct conf *conf, struct nats_settings *ret, struct err_note *note);

/*
 * Reads the files, before the sandbox closes. On ERR_OK nats_files_free() them. ERR_CONFIG, and
 * errors of reading, with the key and the path.
 */
NODISCARD enum err nats_files_read(
    const struct conf *conf, struct nats_files *ret, struct err_note *note);
/* Wipes them. */
void nats_files_free(struct nats_files *f);

#endif
