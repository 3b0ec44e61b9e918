/*
 * The blobs of a backup: for `plimsoll backup`, `restore` and `check`.
 */
#ifndef PLIMSOLL_CMD_BLOB_BACKUP_H
#define PLIMSOLL_CMD_BLOB_BACKUP_H

#include "cmd/cmd.h"
#include "core/store/manifest.h"
#include "services/symbols/symbols_copy.h"

/* One run. */
struct blob_backup {
	const char *command;		     /* as it is called in what it says */
	struct blob_store *store, *previous; /* NULL: there is none */
	struct symbols_copied done;
	int64_t shown_us;
};

/*
 * Opens the blobs of the data folder, if there are any, and of an earlier backup (NULL: there is
 * none), and sees to it that none is removed before blob_backup_end(). ERR_TOO_BUSY; ERR_NOT_FOUND:
 * that is no backup.
 */
NODISCARD enum err blob_backup_begin(
    struct blob_backup *b, const char *data_dir, const char *previous, struct err_note *note);
void blob_backup_end(struct blob_backup *b);

/* For struct backup: arg is the struct blob_backup. */
NODISCARD enum err blob_backup_add(
    void *arg, const char *folder, struct manifest *m, struct err_note *note);
void blob_backup_remove(void *arg, const char *folder);

/* Brings the blobs of a backup into the data folder, beside those that are there. */
NODISCARD enum err blob_backup_restore(
    struct blob_backup *b, const char *folder, const char *data_dir, struct err_note *note);

/*
 * Compares rows and blobs: of the data folder, or of the backup `folder` (all contents are read).
 * ERR_CORRUPT after saying what is wrong.
 */
NODISCARD enum err blob_backup_check(struct blob_backup *b, struct sql_db *db, const char *folder,
    bool reads_all, struct err_note *note);

#endif
