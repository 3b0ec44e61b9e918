/*
 * The files of pictures beside a copy of the database: what `plimsoll backup`, `restore` and
 * `check` do with them. A file's name says whose it is and not what is in it, so a copy is judged
 * by its length, which the row has; and since a name never gets another content, what is there in
 * that length need not be copied.
 */
#ifndef PLIMSOLL_PAIRS_MEDIA_COPY_H
#define PLIMSOLL_PAIRS_MEDIA_COPY_H

#include "core/blob/blob_copying.h"

/* Opens the pictures below a data folder or a backup. Errors as blob_open(). */
NODISCARD enum err pairs_pictures_open(
    const char *folder, enum blob_mode mode, struct blob_store **ret, struct err_note *note);

/* Removes all of them from a copy that nobody wants. */
void pairs_pictures_remove(const char *folder);

/* Does any row refer to a picture? */
NODISCARD enum err pairs_has_pictures(struct blob_copying *c, bool *ret);

/*
 * Every file that a row refers to is in `to` afterwards, and lasts; those that from does not have
 * are told of and counted as lost. An error of the disk ends it.
 */
NODISCARD enum err pairs_copy_pictures(struct blob_copying *c);

/* Rows against files of `from`; counts what is lost and what no row has. */
NODISCARD enum err pairs_check_pictures(struct blob_copying *c);

#endif
