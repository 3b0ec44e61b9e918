/*
 * See backup.h. Order: the database, then the keys, then blobs, then the manifest, then the name.
 * Key files and blobs are written once and never changed, so they fit any moment of the database;
 * blobs that it refers to were there before it did, and nobody removes any meanwhile.
 */
#include "core/store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/slice.h"
#include "core/store/store.h"

enum {
	PLACE_MAX = STORE_PATH_MAX + 200 /* a file in a folder; several lie on the stack */
};

static enum err join(
    char out[PLACE_MAX], const char *folder, const char *name, struct err_note *note)
{
	int n = snprintf(out, PLACE_MAX, "%s/%s", folder, name);

	return n > 0 && n < PLACE_MAX ? ERR_OK
				      : err_note_set(note, ERR_LIMIT, "the path is too long");
}

static enum err make_folder(const char *folder, const char *name, struct err_note *note)
{
	char path[PLACE_MAX];
	enum err e = join(path, folder, name, note);

	if (e == ERR_OK && mkdir(path, 0700) != 0) {
		e = err_note_set(
		    note, err_from_errno(errno), "cannot make %s: %s", path, strerror(errno));
	}
	return e;
}

static enum err add_database(
    const struct backup *b, const char *work, struct manifest *m, struct err_note *note)
{
	char from[PLACE_MAX], to[PLACE_MAX];
	struct backup_sum sum;
	enum err e = join(from, b->data_dir, MANIFEST_DB, note);

	if (e == ERR_OK) {
		e = join(to, work, MANIFEST_DB, note);
	}
	if (e == ERR_OK) {
		e = make_folder(work, "db", note);
	}
	if (e == ERR_OK) {
		e = sql_snapshot(from, to, b->watch, b->watch_arg, note);
	}
	if (e == ERR_OK) {
		e = manifest_read_schemas(m, to, note);
	}
	if (e == ERR_OK) {
		e = backup_sum_of(to, &sum, note);
	}
	return e == ERR_OK ? manifest_add(m, MANIFEST_DB, &sum, note) : e;
}

static enum err add_key(const struct backup *b, const char *work, const char *key,
    struct manifest *m, struct err_note *note)
{
	char name[NAME_MAX + 8], from[PLACE_MAX], to[PLACE_MAX];
	struct backup_sum sum;

	snprintf(name, sizeof(name), "keys/%s", key);
	enum err e = join(from, b->data_dir, name, note);
	if (e == ERR_OK) {
		e = join(to, work, name, note);
	}
	if (e == ERR_OK) {
		e = backup_copy(from, to, &sum, note);
	}
	return e == ERR_OK ? manifest_add(m, name, &sum, note) : e;
}

/* What a key file is made under, before it has its name. */
static bool is_passing(const char *name)
{
	return name[0] == '.' || slice_ends(slice_str(name), SLICE(".new"));
}

static enum err add_keys(
    const struct backup *b, const char *work, struct manifest *m, struct err_note *note)
{
	char path[PLACE_MAX];
	enum err e = join(path, b->data_dir, "keys", note);
	struct dirent *entry;

	if (e == ERR_OK) {
		e = make_folder(work, "keys", note);
	}
	DIR *dir = e == ERR_OK ? opendir(path) : NULL;
	if (e == ERR_OK && dir == NULL) {
		e = err_note_set(
		    note, err_from_errno(errno), "cannot read %s: %s", path, strerror(errno));
	}
	while (e == ERR_OK && (entry = readdir(dir)) != NULL) {
		if (!is_passing(entry->d_name)) {
			e = add_key(b, work, entry->d_name, m, note);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return e;
}

/* ---- the folder ---- */

static enum err sync_all(const char *work, bool with_keys, struct err_note *note)
{
	char path[PLACE_MAX];
	enum err e = join(path, work, "db", note);

	if (e == ERR_OK) {
		e = backup_sync_folder(path, note);
	}
	if (e == ERR_OK && with_keys) {
		e = join(path, work, "keys", note);
	}
	if (e == ERR_OK && with_keys) {
		e = backup_sync_folder(path, note);
	}
	return e == ERR_OK ? backup_sync_folder(work, note) : e;
}

static enum err sync_parent(const char *target, struct err_note *note)
{
	char parent[PLACE_MAX];
	enum err e = join(parent, target, "..", note);

	return e == ERR_OK ? backup_sync_folder(parent, note) : e;
}

/* Removes what a failed backup has left: two levels, as they are made here. */
static void remove_work(const char *work, const struct manifest *m)
{
	char path[PLACE_MAX];

	for (unsigned i = 0; i < m->n_files; i++) {
		if (join(path, work, m->files[i].name, NULL) == ERR_OK) {
			(void)unlink(path);
		}
	}
	static const char *const rest[] = { "manifest.json", "db", "keys", "." };
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		if (join(path, work, rest[i], NULL) == ERR_OK && unlink(path) != 0) {
			(void)rmdir(i + 1 < sizeof(rest) / sizeof(rest[0]) ? path : work);
		}
	}
}

static enum err target_is_there(const char *target, struct err_note *note)
{
	errno = 0;
	return err_note_set(note, ERR_EXISTS,
	    "%s is there already; a backup goes into a folder of its own", target);
}

static enum err publish(const char *work, const char *target, struct err_note *note)
{
	if (renameat2(AT_FDCWD, work, AT_FDCWD, target, RENAME_NOREPLACE) == 0) {
		return sync_parent(target, note);
	}
	if (errno == EEXIST || errno == ENOTEMPTY) {
		return target_is_there(target, note);
	}
	return err_note_set(note, err_from_errno(errno), "cannot rename %s to %s: %s", work, target,
	    strerror(errno));
}

enum err backup_make(const struct backup *b, struct manifest *ret, struct err_note *note)
{
	char work[PLACE_MAX];
	struct stat st;
	struct manifest m = { .made_ms = clock_wall_ms(), .blobs = -1, .pictures = -1 };
	int n = snprintf(work, sizeof(work), "%s.partial-XXXXXX", b->target);

	if (n <= 0 || n >= STORE_PATH_MAX) {
		return err_note_set(note, ERR_LIMIT, "the path of the backup is too long");
	}
	if (lstat(b->target, &st) == 0) {
		return target_is_there(b->target, note);
	}
	snprintf(m.version, sizeof(m.version), "%s", b->version);
	if (mkdtemp(work) == NULL) {
		return err_note_set(note, err_from_errno(errno),
		    "cannot make a folder beside %s: %s", b->target, strerror(errno));
	}
	enum err e = add_database(b, work, &m, note);
	if (e == ERR_OK && b->with_keys) {
		e = add_keys(b, work, &m, note);
	}
	if (e == ERR_OK && b->add_blobs != NULL) {
		e = b->add_blobs(b->blobs_arg, work, &m, note);
	}
	if (e == ERR_OK) {
		e = manifest_write(&m, work, note);
	}
	if (e == ERR_OK) {
		e = sync_all(work, b->with_keys, note);
	}
	if (e == ERR_OK) {
		e = publish(work, b->target, note);
	}
	if (e != ERR_OK) {
		if (b->add_blobs != NULL) {
			b->remove_blobs(b->blobs_arg, work);
		}
		remove_work(work, &m);
		return e;
	}
	*ret = m;
	return ERR_OK;
}

enum err backup_verify(const char *folder, struct manifest *ret, struct err_note *note)
{
	enum err e = manifest_read(ret, folder, note);
	char path[PLACE_MAX];

	for (unsigned i = 0; e == ERR_OK && i < ret->n_files; i++) {
		const struct manifest_file *f = &ret->files[i];
		struct backup_sum sum;
		e = join(path, folder, f->name, note);
		if (e == ERR_OK) {
			e = backup_sum_of(path, &sum, note);
		}
		if (e == ERR_OK && sum.size != f->sum.size) {
			errno = 0;
			e = err_note_set(note, ERR_CORRUPT,
			    "%s has %lld bytes; the manifest says %lld", path, (long long)sum.size,
			    (long long)f->sum.size);
		} else if (e == ERR_OK && strcmp(sum.sha256, f->sum.sha256) != 0) {
			errno = 0;
			e = err_note_set(note, ERR_CORRUPT,
			    "%s is damaged: its SHA-256 is not that of the manifest", path);
		}
	}
	return e;
}
