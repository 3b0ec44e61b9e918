/*
 * Backups: a folder of the same shape as the data folder, with a manifest. It is made under another
 * name and renamed when everything in it is on the disk, so there is never half a one.
 */
#ifndef PLIMSOLL_STORE_BACKUP_H
#define PLIMSOLL_STORE_BACKUP_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/store/manifest.h"
#include "core/store/snapshot.h"

struct backup {
	const char *data_dir, *target, *version;
	bool with_keys;
	snapshot_fn *watch; /* or NULL */
	void *watch_arg;
	/*
	 * Brings the blobs that the copied database refers to into the new folder, and says in the
	 * manifest how many; NULL: the backup is without them. Removes what it made if it fails.
	 */
	enum err (*add_blobs)(
	    void *arg, const char *folder, struct manifest *m, struct err_note *note);
	void (*remove_blobs)(void *arg, const char *folder); /* what comes later has failed */
	void *blobs_arg;
};

/*
 * Makes the folder target (which must not be there; its parent must) from the data folder, which
 * may be in use. Errors leave nothing behind; *ret is what is in it. ERR_EXISTS: target is there.
 */
NODISCARD enum err backup_make(const struct backup *b, struct manifest *ret, struct err_note *note);

/*
 * Compares every file with the manifest. ERR_NOT_FOUND: no backup; ERR_CORRUPT: differs, with the
 * file in note.
 */
NODISCARD enum err backup_verify(const char *folder, struct manifest *ret, struct err_note *note);

#endif
