/*
 * See restore.h. The write-ahead log of the old database goes before the new database comes: it
 * would be played into it. A crash before the marker is there changes nothing, one after it leaves
 * the marker, and the same restore can be run again.
 */
#include "core/store/restore.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/slice.h"
#include "core/store/snapshot.h"
#include "core/store/store.h"

enum {
	PLACE_MAX = STORE_PATH_MAX + 200 /* a file in a folder; several lie on the stack */
};

/* Where things are in the data folder. */
struct places {
	char db_folder[PLACE_MAX], db[PLACE_MAX], db_new[PLACE_MAX], db_changed[PLACE_MAX];
	char keys[PLACE_MAX], marker[PLACE_MAX];
};

static enum err put_path(
    char out[PLACE_MAX], const char *folder, const char *name, struct err_note *note)
{
	int n = snprintf(out, PLACE_MAX, "%s/%s", folder, name);

	return n > 0 && n < PLACE_MAX ? ERR_OK
				      : err_note_set(note, ERR_LIMIT, "the path is too long");
}

static enum err find_places(const char *data_dir, struct places *p, struct err_note *note)
{
	const struct {
		char *out;
		const char *name;
	} all[] = {
		{ p->db_folder, "db" },
		{ p->db, MANIFEST_DB },
		{ p->db_new, "db/restore.new" },
		{ p->db_changed, "db/restore-changed.new" },
		{ p->keys, "keys" },
		{ p->marker, RESTORE_MARKER },
	};
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < sizeof(all) / sizeof(all[0]); i++) {
		e = put_path(all[i].out, data_dir, all[i].name, note);
	}
	return e;
}

/* ---- keys ---- */

typedef enum err key_fn(const char *folder, const char *name, struct err_note *note);

static bool is_new(const char *name)
{
	return slice_ends(slice_str(name), SLICE(".new"));
}

static enum err each_key(const char *folder, key_fn *fn, struct err_note *note)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	enum err e = ERR_OK;

	if (dir == NULL) {
		return err_note_set(
		    note, err_from_errno(errno), "cannot read %s: %s", folder, strerror(errno));
	}
	while (e == ERR_OK && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			e = fn(folder, entry->d_name, note);
		}
	}
	closedir(dir);
	return e;
}

static enum err remove_if(const char *folder, const char *name, bool wanted, struct err_note *note)
{
	char path[PLACE_MAX];
	enum err e = wanted ? put_path(path, folder, name, note) : ERR_OK;

	return wanted && e == ERR_OK ? backup_remove(path, note) : e;
}

static enum err remove_new_key(const char *folder, const char *name, struct err_note *note)
{
	return remove_if(folder, name, is_new(name), note);
}

static enum err remove_old_key(const char *folder, const char *name, struct err_note *note)
{
	return remove_if(folder, name, !is_new(name), note);
}

static enum err publish_key(const char *folder, const char *name, struct err_note *note)
{
	char from[PLACE_MAX], to[PLACE_MAX];
	enum err e = put_path(from, folder, name, note);

	if (e != ERR_OK || !is_new(name)) {
		return e;
	}
	memcpy(to, from, sizeof(to));
	to[strlen(to) - strlen(".new")] = '\0';
	return backup_rename(from, to, note);
}

/* ---- new files beside the old ones ---- */

static enum err copy_in(
    const struct restore *r, const struct manifest_file *f, const char *to, struct err_note *note)
{
	char from[PLACE_MAX];
	struct backup_sum sum;
	enum err e = put_path(from, r->folder, f->name, note);

	if (e == ERR_OK) {
		e = backup_copy(from, to, &sum, note);
	}
	if (e == ERR_OK && strcmp(sum.sha256, f->sum.sha256) != 0) {
		errno = 0;
		e = err_note_set(note, ERR_CORRUPT, "%s changed while it was read", from);
	}
	return e;
}

static enum err bring_key(
    const struct restore *r, const struct manifest_file *f, struct err_note *note)
{
	char name[MANIFEST_NAME_MAX + 8], to[PLACE_MAX];

	snprintf(name, sizeof(name), "%s.new", f->name);
	enum err e = put_path(to, r->data_dir, name, note);
	return e == ERR_OK ? copy_in(r, f, to, note) : e;
}

/* The file that was changed holds old content in its free pages: the new one does not. */
static enum err change_database(
    const struct restore *r, const struct places *p, struct err_note *note)
{
	enum err e = r->change(r->arg, p->db_new, note);

	if (e == ERR_OK) {
		e = sql_rewrite(p->db_new, p->db_changed, note);
	}
	if (e == ERR_OK) {
		e = sql_remove_files(p->db_new, note);
	}
	return e == ERR_OK ? backup_rename(p->db_changed, p->db_new, note) : e;
}

static enum err clear_new(const struct places *p, struct err_note *note)
{
	enum err e = sql_remove_files(p->db_new, note);

	if (e == ERR_OK) {
		e = sql_remove_files(p->db_changed, note);
	}
	return e == ERR_OK ? each_key(p->keys, remove_new_key, note) : e;
}

static enum err bring_all(const struct restore *r, const struct places *p, struct err_note *note)
{
	enum err e = clear_new(p, note);

	if (e == ERR_OK) {
		e = copy_in(r, &r->manifest->files[0], p->db_new, note);
	}
	if (e == ERR_OK && r->change != NULL) {
		e = change_database(r, p, note);
	}
	for (unsigned i = 1; e == ERR_OK && !r->new_keys && i < r->manifest->n_files; i++) {
		e = bring_key(r, &r->manifest->files[i], note);
	}
	if (e == ERR_OK) {
		e = backup_sync_folder(p->db_folder, note);
	}
	return e == ERR_OK ? backup_sync_folder(p->keys, note) : e;
}

/* ---- changing places ---- */

static enum err set_marker(const struct restore *r, const struct places *p, struct err_note *note)
{
	enum err e = backup_remove(p->marker, note);

	if (e == ERR_OK) {
		e = backup_write(
		    p->marker, SLICE("a restore is under way or was interrupted\n"), note);
	}
	return e == ERR_OK ? backup_sync_folder(r->data_dir, note) : e;
}

static enum err clear_marker(const struct restore *r, const struct places *p, struct err_note *note)
{
	enum err e = backup_remove(p->marker, note);

	return e == ERR_OK ? backup_sync_folder(r->data_dir, note) : e;
}

static enum err change_places(
    const struct restore *r, const struct places *p, struct err_note *note)
{
	bool replaces_keys = r->new_keys || manifest_has_keys(r->manifest);
	char path[PLACE_MAX];
	enum err e = replaces_keys ? each_key(p->keys, remove_old_key, note) : ERR_OK;

	if (e == ERR_OK) {
		e = each_key(p->keys, publish_key, note);
	}
	if (e == ERR_OK) {
		e = backup_sync_folder(p->keys, note);
	}
	static const char *const logs[] = { MANIFEST_DB "-wal", MANIFEST_DB "-shm" };
	for (size_t i = 0; e == ERR_OK && i < 2; i++) {
		e = put_path(path, r->data_dir, logs[i], note);
		e = e == ERR_OK ? backup_remove(path, note) : e;
	}
	/* The names of the logs must be gone before the database can be the new one. */
	if (e == ERR_OK) {
		e = backup_sync_folder(p->db_folder, note);
	}
	if (e == ERR_OK) {
		e = backup_rename(p->db_new, p->db, note);
	}
	return e == ERR_OK ? backup_sync_folder(p->db_folder, note) : e;
}

/* ---- entry points ---- */

static enum err stop_at_any(const char *folder, const char *name, struct err_note *note)
{
	(void)folder;
	(void)name;
	(void)note;
	return ERR_EXISTS;
}

bool restore_would_replace(const char *data_dir)
{
	struct places p;
	struct stat st;

	return find_places(data_dir, &p, NULL) == ERR_OK &&
	       (lstat(p.db, &st) == 0 || lstat(p.marker, &st) == 0 ||
		   each_key(p.keys, stop_at_any, NULL) == ERR_EXISTS);
}

enum err restore_run(const struct restore *r, struct err_note *note)
{
	struct places p;
	enum err e = find_places(r->data_dir, &p, note);

	if (e != ERR_OK) {
		return e;
	}
	e = bring_all(r, &p, note);
	if (e != ERR_OK) {
		if (clear_new(&p, NULL) != ERR_OK) {
			return e; /* the next restore clears them */
		}
		return e;
	}
	e = set_marker(r, &p, note);
	if (e == ERR_OK) {
		e = change_places(r, &p, note);
	}
	return e == ERR_OK ? clear_marker(r, &p, note) : e;
}
