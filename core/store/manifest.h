/*
 * The manifest of a backup: what files belong to it and what is in them, who made it and when. It
 * is written last; a folder without one is no backup.
 */
#ifndef PLIMSOLL_STORE_MANIFEST_H
#define PLIMSOLL_STORE_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/store/backup_file.h"

enum {
	MANIFEST_FILES_MAX = 32,
	MANIFEST_SCHEMAS_MAX = 16,
	MANIFEST_NAME_MAX = 80, /* bytes of a file's name, NUL included */
	MANIFEST_FORMAT = 1
};

#define MANIFEST_DB "db/plimsoll.db"

struct manifest_file {
	char name[MANIFEST_NAME_MAX]; /* MANIFEST_DB or keys/NAME */
	struct backup_sum sum;
};

/* The last migration of a service that the database has. */
struct manifest_schema {
	char service[48];
	int64_t number;
};

struct manifest {
	char version[32]; /* of the program that made it */
	int64_t made_ms;
	struct manifest_file files[MANIFEST_FILES_MAX];
	unsigned n_files;
	struct manifest_schema schemas[MANIFEST_SCHEMAS_MAX];
	unsigned n_schemas;
	/*
	 * Blobs in the folder "blobs", which are named by their content and so need no line each;
	 * -1: the backup is without them.
	 */
	int64_t blobs;
	/* Pictures in the folder "blobs/media", likewise. */
	int64_t pictures;
};

/* Adds a file. ERR_LIMIT: too many, or its name is too long. ERR_INVALID: not a name of ours. */
NODISCARD enum err manifest_add(
    struct manifest *m, const char *name, const struct backup_sum *sum, struct err_note *note);

/* Fills in schemas from the database file. */
NODISCARD enum err manifest_read_schemas(
    struct manifest *m, const char *db_path, struct err_note *note);

/* The text of a manifest, and back; path is for the note. ERR_CORRUPT, ERR_CONFIG (format). */
void manifest_print(const struct manifest *m, struct buf *out);
NODISCARD enum err manifest_parse(
    struct manifest *ret, const char *path, struct slice text, struct err_note *note);

/* Writes folder/manifest.json, synced. */
NODISCARD enum err manifest_write(
    const struct manifest *m, const char *folder, struct err_note *note);

/* Reads it. ERR_NOT_FOUND: the folder is no backup; ERR_CORRUPT; text in note. */
NODISCARD enum err manifest_read(struct manifest *ret, const char *folder, struct err_note *note);

/* Does the backup hold key files? */
bool manifest_has_keys(const struct manifest *m);

#endif
