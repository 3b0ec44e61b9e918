/*
 * The files of a backup that rows refer to, those of symbols and those of pictures: for `plimsoll
 * backup`, `restore` and `check`.
 */
#ifndef PLIMSOLL_CMD_BLOB_BACKUP_H
#define PLIMSOLL_CMD_BLOB_BACKUP_H

#include "cmd/cmd.h"
#include "core/blob/blob_copying.h"
#include "core/store/manifest.h"

enum blob_kind {
	BLOB_OF_SYMBOLS,
	BLOB_OF_PICTURES,
	BLOB_KINDS
};

/* "files of symbols". */
const char *blob_kind_name(enum blob_kind kind);

/* How many of them the manifest says there are; -1: the backup is without them. */
int64_t blob_kind_count(const struct manifest *m, enum blob_kind kind);

/* One run. */
struct blob_backup {
	const char *command; /* as it is called in what it says */
	struct blob_store *store[BLOB_KINDS], *previous[BLOB_KINDS]; /* NULL: there is none */
	struct blob_copied done[BLOB_KINDS];
	enum blob_kind now; /* that is worked on */
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

/*
 * Brings the blobs of a backup into the data folder, beside those that are there. Pictures only if
 * with_pictures: those of people are not for a copy without people.
 */
NODISCARD enum err blob_backup_restore(struct blob_backup *b, const char *folder,
    const char *data_dir, bool with_pictures, struct err_note *note);

/*
 * Compares rows and blobs of a kind: of the data folder, or of the backup `folder` (all contents
 * are read). ERR_CORRUPT after saying what is wrong.
 */
NODISCARD enum err blob_backup_check(struct blob_backup *b, enum blob_kind kind, struct sql_db *db,
    const char *folder, bool reads_all, struct err_note *note);

#endif
