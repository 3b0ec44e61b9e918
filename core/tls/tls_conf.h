/*
 * Section [tls].
 */
#ifndef PLIMSOLL_TLS_TLS_CONF_H
#define PLIMSOLL_TLS_TLS_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/conf/conf.h"
#include "core/tls/keyset.h"

enum {
	TLS_LIST_MAX = 1000 /* longest list of paths, in characters */
};

/* The keys; part of the configuration of every process. */
extern const struct conf_table tls_conf;

/* The paths of the certificates and of their keys, in the same order. */
struct tls_paths {
	unsigned n;
	const char *certificate[TLS_PAIRS_MAX], *key[TLS_PAIRS_MAX]; /* in text */
	char text[2 * (TLS_LIST_MAX + 1)];
};

struct tls_settings {
	bool only_13;
	int64_t handshake_us;	 /* a handshake must be over then */
	unsigned max_handshakes; /* of one process */
	int64_t ticket_period_us;
};

/* Whether there is a TLS listener. */
bool tls_is_on(const struct conf *conf);

/* ERR_CONFIG: the lists do not fit each other, in note. */
NODISCARD enum err tls_paths_read(
    const struct conf *conf, struct tls_paths *ret, struct err_note *note);

struct tls_settings tls_settings_read(const struct conf *conf);

/* What can be refused without opening a file. ERR_CONFIG with the reason in note. */
NODISCARD enum err tls_conf_check(const struct conf *conf, struct err_note *note);

#endif
