/*
 * The files of the store beside a copy of the database: what `plimsoll backup`, `restore` and
 * `check symbols` do with blobs. A blob's name is the hash of its content, so each copy can be
 * judged by itself, and what is there already need not be copied.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_COPY_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_COPY_H

#include "core/blob/blob_copying.h"

/* Does any row refer to a blob? */
NODISCARD enum err symbols_has_blobs(struct blob_copying *c, bool *ret);

/*
 * Every blob that a row refers to is in `to` afterwards, and lasts; those that from does not have
 * are told of and counted as lost. An error of the disk ends it.
 */
NODISCARD enum err symbols_copy_blobs(struct blob_copying *c);

/* Rows against blobs of `from`; counts what is lost and what no row has. */
NODISCARD enum err symbols_check_blobs(struct blob_copying *c);

#endif
