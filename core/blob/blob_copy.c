/*
 * Blobs from one store to another, for backups of many: nothing is synced one by one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/blob/blob_priv.h"

enum {
	PIECE_BYTES = 16 * 1024 * 1024, /* of one call */
	BUFFER_BYTES = 8 * 1024
};

enum err blob_hold(const struct blob_store *s, bool alone, struct err_note *note)
{
	if (flock(s->root, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) {
		return ERR_OK;
	}
	return errno == EWOULDBLOCK
		   ? err_note_set(note, ERR_TOO_BUSY, "%s",
			 alone
			     ? "a backup of these files is being made: nothing is removed meanwhile"
			     : "files are being removed: try again when that is done")
		   : blob_failed(note, "lock", "");
}

void blob_release(const struct blob_store *s)
{
	(void)flock(s->root, LOCK_UN);
}

enum err blob_link(const struct blob_store *to, const struct blob_store *from, struct slice name,
    struct err_note *note)
{
	char path[BLOB_PATH_SIZE];

	if (blob_path(name, path) != ERR_OK) {
		return ERR_NOT_FOUND;
	}
	if (linkat(from->root, path, to->root, path, 0) == 0 || errno == EEXIST) {
		return ERR_OK;
	}
	if (errno == ENOENT) {
		return ERR_NOT_FOUND;
	}
	return errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP
		   ? ERR_UNSUPPORTED
		   : blob_failed(note, "link", path);
}

/* Where the kernel does not copy between these two. */
static enum err copy_by_hand(int from, int to, struct err_note *note)
{
	char buffer[BUFFER_BYTES];
	ssize_t n = 1;

	while (n > 0) {
		n = read(from, buffer, sizeof(buffer));
		for (ssize_t at = 0; n > 0 && at < n;) {
			ssize_t written = write(to, buffer + at, (size_t)(n - at));
			if (written <= 0) {
				return blob_failed(note, "write", BLOB_NEW);
			}
			at += written;
		}
	}
	return n == 0 ? ERR_OK : blob_failed(note, "read", "");
}

static enum err copy_bytes(int from, int to, uint64_t size, struct err_note *note)
{
	for (uint64_t done = 0; done < size;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, PIECE_BYTES, 0);
		if (n > 0) {
			done += (uint64_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && done == 0 &&
			   (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
			       errno == EOPNOTSUPP)) {
			return copy_by_hand(from, to, note);
		} else {
			errno = n == 0 ? EIO : errno;
			return blob_failed(note, "copy", BLOB_NEW);
		}
	}
	return ERR_OK;
}

enum err blob_copy(const struct blob_store *to, const struct blob_store *from, struct slice name,
    struct slice draft, struct err_note *note)
{
	uint64_t size = 0;
	int source = -1, target = -1;
	enum err e = blob_get(from, name, &source, &size, note);

	if (e != ERR_OK) {
		return e;
	}
	e = blob_draft_make(to, draft, note);
	e = e == ERR_OK ? blob_draft_open(to, draft, &target, note) : e;
	e = e == ERR_OK ? copy_bytes(source, target, size, note) : e;
	(void)close(source);
	if (target >= 0) {
		(void)close(target);
	}
	if (e != ERR_OK) {
		enum err dropped = blob_drop(to, draft, NULL);
		(void)dropped;
	}
	return e;
}

enum err blob_name_draft(
    const struct blob_store *s, struct slice draft, struct slice name, struct err_note *note)
{
	char from[BLOB_PATH_SIZE], to[BLOB_PATH_SIZE];

	CHECK(blob_path(name, to) == ERR_OK);
	blob_draft_path(draft, from);
	return renameat(s->root, from, s->root, to) == 0 ? ERR_OK : blob_failed(note, "name", to);
}

enum err blob_sync(const struct blob_store *s, struct err_note *note)
{
	return syncfs(s->root) == 0 ? ERR_OK : blob_failed(note, "sync", "");
}

static enum err forget(void *arg, const struct blob_info *info)
{
	const struct blob_store *s = arg;

	return blob_remove(s, info->name, NULL);
}

void blob_remove_all(struct blob_store **sp, const char *data_dir)
{
	struct blob_store *s = *sp;
	char path[4200];
	struct dirent *entry;
	unsigned n = 0;

	enum err e = blob_each(s, forget, s, NULL);
	e = e == ERR_OK ? blob_sweep_drafts(s, INT64_MAX, &n, NULL) : e;
	DIR *dir = e == ERR_OK ? fdopendir(dup(s->root)) : NULL;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			(void)unlinkat(s->root, entry->d_name, AT_REMOVEDIR);
		}
	}
	if (dir != NULL) {
		(void)closedir(dir);
	}
	blob_close(sp);
	if (snprintf(path, sizeof(path), "%s/blobs", data_dir) < (int)sizeof(path)) {
		(void)rmdir(path);
	}
}
