/*
 * Role: supervisor. The files of [tls] certificate and key as open descriptors, which go to the
 * signer at each of its starts and at a reload: it is closed in by then and could not open them.
 * The supervisor never reads them. A set that the signer has taken is kept, so that a signer that
 * is started again after an unlucky renewal has the keys that it had.
 */
#ifndef PLIMSOLL_ROLE_TLS_FILES_H
#define PLIMSOLL_ROLE_TLS_FILES_H

#include "core/base/buf.h"
#include "core/conf/conf.h"
#include "core/tls/tls_conf.h"

enum {
	TLS_FDS_MAX = 2 * TLS_PAIRS_MAX
};

/* Zeroed memory is an empty set. */
struct tls_files {
	int fd[TLS_FDS_MAX]; /* certificate, key, certificate, key ... */
	unsigned n;	     /* descriptors; 0: TLS is off */
	struct buf names;    /* body of CONTROL_TLS: the paths, for messages */
};

/* Opens what the configuration names; nothing if TLS is off. ERR_CONFIG with the file in note. */
NODISCARD enum err tls_files_open(
    const struct conf *conf, struct tls_files *ret, struct err_note *note);
void tls_files_close(struct tls_files *f);

/* Reads the body of CONTROL_TLS. names borrow from body. False: it does not fit the n descriptors.
 */
bool tls_files_take(struct slice body, const int *fds, unsigned n_fds,
    struct tls_pair_files ret[TLS_PAIRS_MAX], char text[2 * (TLS_LIST_MAX + 1)]);

#endif
