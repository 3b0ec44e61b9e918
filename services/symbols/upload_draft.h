/*
 * A file that comes in pieces, on its way into a draft: pieces are gathered to writes of one size.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_DRAFT_H
#define PLIMSOLL_SYMBOLS_UPLOAD_DRAFT_H

#include "services/symbols/multipart.h"
#include "services/symbols/upload.h"

struct upload_draft {
	struct upload *u;
	char name[BLOB_DRAFT_CHARS + 1];
	struct buf chunk; /* what is not written yet */
	uint64_t written; /* bytes */
};

/* name empty: a new one by chance. */
void upload_draft_init(struct upload_draft *d, struct upload *u, struct slice name);
void upload_draft_fini(struct upload_draft *d);

struct slice upload_draft_name(const struct upload_draft *d);

/* The next bytes. ERR_LIMIT: more than [symbols] max_upload. */
NODISCARD enum err upload_draft_put(struct upload_draft *d, struct slice bytes);

/* Writes what is left; the draft is there then, if only of nothing. */
NODISCARD enum err upload_draft_finish(struct upload_draft *d);

/* Feeds the request's body, within [symbols] max_upload. ERR_SYNTAX: no form, or cut off. */
NODISCARD enum err upload_read_form(struct upload *u, struct multipart *m);

#endif
