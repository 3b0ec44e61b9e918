/*
 * What the keys of [mail] mean: which server, how far its connection must be encrypted, and the
 * secrets that lie in files. Shared by the courier, which uses it, and by the checks, which refuse
 * what cannot work.
 */
#ifndef PLIMSOLL_ACCOUNTS_MAIL_CONF_H
#define PLIMSOLL_ACCOUNTS_MAIL_CONF_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/conf/conf.h"

enum mail_tls {
	MAIL_TLS_OFF,		/* never */
	MAIL_TLS_OPPORTUNISTIC, /* STARTTLS if it is offered */
	MAIL_TLS_REQUIRED	/* STARTTLS, or smtps:// */
};

/* Slices are borrowed from the configuration. */
struct mail_server {
	struct slice host; /* without brackets; empty: no server, mails are kept (development) */
	bool is_smtps;
	bool is_loopback;
	enum mail_tls tls; /* with auto resolved */
};

enum mail_conf_limits {
	MAIL_SECRET_MAX = 4096,
	MAIL_CA_MAX = 1024 * 1024
};

/* ERR_CONFIG with the reason in note. */
NODISCARD enum err mail_server_of(
    const struct conf *conf, struct mail_server *ret, struct err_note *note);

/* Everything in [mail] that contradicts itself. ERR_CONFIG with the reason in note. */
NODISCARD enum err mail_conf_check(const struct conf *conf, struct err_note *note);

/*
 * Appends the password to out: [mail] password, or what stands in password_file up to the end of
 * the line. Nothing without both. The caller wipes it. ERR_CONFIG and errors of files, in words.
 */
NODISCARD enum err mail_password_read(
    const struct conf *conf, struct buf *out, struct err_note *note);

/* Appends the certificates of [mail] ca_file, PEM; nothing without one. Errors as above. */
NODISCARD enum err mail_ca_read(const struct conf *conf, struct buf *out, struct err_note *note);

#endif
