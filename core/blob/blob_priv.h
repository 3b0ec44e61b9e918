/*
 * Between the files of core/blob.
 */
#ifndef PLIMSOLL_BLOB_BLOB_PRIV_H
#define PLIMSOLL_BLOB_BLOB_PRIV_H

#include "core/blob/blob.h"

struct blob_store {
	int root; /* descriptor of DATA_DIR/blobs */
};

enum {
	BLOB_PATH_SIZE = 128 /* below the root */
};

#define BLOB_NEW "new" /* the folder of drafts */

/*
 * The error that errno stands for, and as its text "cannot WHAT blobs/PATH: REASON". PATH is below
 * the root of its store: that of a second store in another folder reads the same.
 */
enum err blob_failed(struct err_note *note, const char *what, const char *path);

/* "new/DRAFT"; a bad name is a broken invariant, it was made here. */
void blob_draft_path(struct slice draft, char out[BLOB_PATH_SIZE]);
/* "ab/NAME". ERR_NOT_FOUND: no name of a blob. */
NODISCARD enum err blob_path(struct slice name, char out[BLOB_PATH_SIZE]);

#endif
