/*
 * Putting a backup back into a data folder that nobody uses (the caller has its lock). All new
 * files are written and synced beside the old ones first; while they change places a marker stands
 * in the folder, so that nothing starts on data of which only a part was put back.
 */
#ifndef PLIMSOLL_STORE_RESTORE_H
#define PLIMSOLL_STORE_RESTORE_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/store/manifest.h"

/* Name of the marker in the data folder. */
#define RESTORE_MARKER "RESTORING"

struct restore {
	const char *folder; /* the backup */
	const char *data_dir;
	const struct manifest *manifest; /* of backup_verify() */
	bool new_keys;			 /* take none from the backup and remove those there */
	/* Changes the new database before it takes its place; then it is written afresh. Or NULL.
	 */
	enum err (*change)(void *arg, const char *db_path, struct err_note *note);
	void *arg;
};

/* Does the data folder hold a database or keys? */
bool restore_would_replace(const char *data_dir);

/* Puts it back, replacing what is there. ERR_CORRUPT: a file changed since it was verified. */
NODISCARD enum err restore_run(const struct restore *r, struct err_note *note);

#endif
