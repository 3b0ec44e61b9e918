/*
 * Certificates of BrowserID in few bytes: a million users keep one or two. Of the 1,400 letters of
 * one nearly all are the same for all users: the head, the form of the payload, the key that a few
 * share, the address that is known anyhow. The first certificate says what that is; of each only
 * its times and its signature are kept. One that is of another form is kept as it is.
 */
#ifndef PLIMSOLL_LAB_CERTIFICATE_FORM_H
#define PLIMSOLL_LAB_CERTIFICATE_FORM_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

struct certificate_form {
	struct buf head;     /* the first part, as it stands in the certificate; empty: none yet */
	struct buf payload;  /* the second one, decoded, with marks where certificates differ */
	int64_t lifetime_ms; /* from "iat" to "exp" */
};

void certificate_form_init(struct certificate_form *f);
void certificate_form_fini(struct certificate_form *f);

/*
 * Appends what is to be kept of a certificate. key: the text of its public key, as JSON; address:
 * of its user. ERR_MEMORY.
 */
NODISCARD enum err certificate_keep(struct certificate_form *f, struct slice certificate,
    struct slice key, struct slice address, struct buf *out);

/* Appends the certificate again, by the same key and address. ERR_MEMORY. */
NODISCARD enum err certificate_restore(const struct certificate_form *f, struct slice kept,
    struct slice key, struct slice address, struct buf *out);

#endif
