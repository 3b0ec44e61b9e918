/*
 * The folder of everything that lasts: db/ for the store, keys/ for the signer, a lock for whoever
 * works with them (the supervisor, `plimsoll migrate`).
 */
#ifndef PLIMSOLL_ROLE_DATA_DIR_H
#define PLIMSOLL_ROLE_DATA_DIR_H

#include "core/base/err.h"

enum {
	DATA_DIR_MAX = 4096
}; /* bytes of its path, NUL included */

/*
 * Makes the folder (mode 0700) with db/ and keys/ where they are missing and takes the lock, which
 * is held as long as *ret_lock is open. ERR_EXISTS: another process has it; ERR_CONFIG: a restore
 * was interrupted in it; text in note.
 */
NODISCARD enum err data_dir_open(
    const char *path, char ret_absolute[DATA_DIR_MAX], int *ret_lock, struct err_note *note);

/*
 * The same for a program that takes the place of another one: lock is its descriptor, handed over,
 * so the folder is never unlocked between the two. ERR_CONFIG: it is the lock of another folder.
 */
NODISCARD enum err data_dir_adopt(
    const char *path, int lock, char ret_absolute[DATA_DIR_MAX], struct err_note *note);

/* Writes into the lock that this process is the one to signal. */
NODISCARD enum err data_dir_sign(int lock, struct err_note *note);
/* The same for the restore itself: what a restore has left half done is no reason to refuse. */
NODISCARD enum err data_dir_open_any(
    const char *path, char ret_absolute[DATA_DIR_MAX], int *ret_lock, struct err_note *note);

#endif
