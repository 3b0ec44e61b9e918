/*
 * Role: signer. Files that hold keys: data_dir/keys/NAME, mode 0600, written once and never in
 * place. A file that others may read, that has the wrong size or that was there once and is gone
 * refuses the start: better no server than one whose key somebody has.
 */
#ifndef PLIMSOLL_ACCOUNTS_KEYFILE_H
#define PLIMSOLL_ACCOUNTS_KEYFILE_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* Appends the content of a new key file to out (its maximum is the caller's). */
typedef enum err keyfile_make_fn(struct buf *out, struct err_note *note);

/*
 * Appends the file's content to out, making the file first if it never existed. Which files were
 * made is written down in keys/MADE, so that a lost one is not replaced in silence.
 * ERR_CONFIG: refused, with the path and the reason in note; ERR_IO and the like: could not.
 */
NODISCARD enum err keyfile_load(const char *data_dir, const char *name, keyfile_make_fn *make,
    struct buf *out, struct err_note *note);

/*
 * Appends the content of a key file that there may be. ERR_NOT_FOUND: there is none; else as
 * keyfile_load.
 */
NODISCARD enum err keyfile_read(
    const char *data_dir, const char *name, struct buf *out, struct err_note *note);

/* Makes or replaces a key file as a whole. It is not written down in MADE: it may go again. */
NODISCARD enum err keyfile_write(
    const char *data_dir, const char *name, struct slice bytes, struct err_note *note);

/* Has one key file take the place of another, which is gone then. */
NODISCARD enum err keyfile_rename(
    const char *data_dir, const char *from, const char *to, struct err_note *note);

/* Removes a key file. ERR_NOT_FOUND: there is none. */
NODISCARD enum err keyfile_remove(const char *data_dir, const char *name, struct err_note *note);

#endif
