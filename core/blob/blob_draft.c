/*
 * Drafts: files in a folder of their own until they are whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/blob/blob_priv.h"

void blob_draft_name(char out[BLOB_DRAFT_CHARS + 1])
{
	rng_token(out, BLOB_DRAFT_CHARS);
}

bool blob_draft_is_good(struct slice draft)
{
	for (size_t i = 0; i < draft.len; i++) {
		char c = draft.ptr[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
			return false;
		}
	}
	return draft.len == BLOB_DRAFT_CHARS;
}

void blob_draft_path(struct slice draft, char out[BLOB_PATH_SIZE])
{
	CHECK(blob_draft_is_good(draft));
	snprintf(out, BLOB_PATH_SIZE, BLOB_NEW "/%.*s", SLICE_ARG(draft));
}

static enum err open_draft(
    const struct blob_store *s, struct slice draft, int flags, int *ret_fd, struct err_note *note)
{
	char path[BLOB_PATH_SIZE];

	blob_draft_path(draft, path);
	*ret_fd = openat(s->root, path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*ret_fd >= 0) {
		return ERR_OK;
	}
	return errno == ENOENT ? err_note_set(note, ERR_NOT_FOUND, "there is no blobs/%s", path)
			       : blob_failed(note, "open", path);
}

/*
 * Locks an open draft: writers share the lock, who takes the draft has it alone. A draft that got
 * another name while we waited is not the one that was meant.
 */
static enum err lock_draft(
    const struct blob_store *s, struct slice draft, int fd, int lock, struct err_note *note)
{
	char path[BLOB_PATH_SIZE];
	struct stat mine, named;

	blob_draft_path(draft, path);
	while (flock(fd, lock) != 0) {
		if (errno != EINTR) {
			return blob_failed(note, "lock", path);
		}
	}
	if (fstat(fd, &mine) != 0) {
		return blob_failed(note, "look at", path);
	}
	bool has_name = fstatat(s->root, path, &named, 0) == 0;
	if (!has_name && errno != ENOENT) {
		return blob_failed(note, "look at", path);
	}
	return has_name && mine.st_ino == named.st_ino
		   ? ERR_OK
		   : err_note_set(note, ERR_NOT_FOUND, "blobs/%s was taken", path);
}

static enum err open_locked(
    const struct blob_store *s, struct slice draft, int lock, int *ret_fd, struct err_note *note)
{
	int fd = -1;
	enum err e = open_draft(s, draft, 0, &fd, note);

	if (e != ERR_OK) {
		return e;
	}
	e = lock_draft(s, draft, fd, lock, note);
	if (e != ERR_OK) {
		(void)close(fd);
		return e;
	}
	*ret_fd = fd;
	return ERR_OK;
}

/* Only what has content is locked: an empty draft may be somebody's lock itself. */
static enum err empty_draft(
    const struct blob_store *s, struct slice draft, int fd, struct err_note *note)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return blob_failed(note, "look at", BLOB_NEW);
	}
	if (st.st_size == 0) {
		return ERR_OK;
	}
	enum err e = lock_draft(s, draft, fd, LOCK_SH, note);
	return e == ERR_OK && ftruncate(fd, 0) != 0 ? blob_failed(note, "empty", BLOB_NEW) : e;
}

enum err blob_draft_make(const struct blob_store *s, struct slice draft, struct err_note *note)
{
	int fd = -1;
	enum err e = open_draft(s, draft, O_CREAT, &fd, note);

	if (e == ERR_OK) {
		e = empty_draft(s, draft, fd, note);
		(void)close(fd);
	}
	return e;
}

enum err blob_draft_open(
    const struct blob_store *s, struct slice draft, int *ret_fd, struct err_note *note)
{
	return open_draft(s, draft, 0, ret_fd, note);
}

enum err blob_draft_take(
    const struct blob_store *s, struct slice draft, struct slice name, struct err_note *note)
{
	char from[BLOB_PATH_SIZE], to[BLOB_PATH_SIZE];
	int fd = -1;
	enum err e = open_locked(s, draft, LOCK_EX, &fd, note);

	if (e != ERR_OK) {
		return e;
	}
	blob_draft_path(draft, from);
	blob_draft_path(name, to);
	if (renameat(s->root, from, s->root, to) != 0) {
		e = blob_failed(note, "rename", from);
	}
	(void)close(fd);
	return e;
}

enum err blob_draft_write(const struct blob_store *s, struct slice draft, uint64_t offset,
    struct slice bytes, struct err_note *note)
{
	int fd = -1;
	enum err e = open_locked(s, draft, LOCK_SH, &fd, note);

	if (e != ERR_OK) {
		return e;
	}
	while (e == ERR_OK && bytes.len > 0) {
		ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)offset);
		if (n == 0) {
			errno = EIO;
		}
		if (n > 0) {
			offset += (uint64_t)n;
			bytes = slice_sub(bytes, (size_t)n, bytes.len);
		} else if (n == 0 || errno != EINTR) {
			e = blob_failed(note, "write", BLOB_NEW);
		}
	}
	(void)close(fd);
	return e;
}

/* What a failed sync has not written stays lost, so the draft must not be tried again. */
static enum err sync_draft(const struct blob_store *s, struct slice draft, struct err_note *note)
{
	int fd = -1;
	enum err e = open_draft(s, draft, 0, &fd, note);

	if (e != ERR_OK) {
		return e;
	}
	if (fsync(fd) != 0) {
		e = blob_failed(note, "sync", BLOB_NEW);
	}
	(void)close(fd);
	return e;
}

static enum err sync_folder(const struct blob_store *s, const char *folder, struct err_note *note)
{
	int fd = openat(s->root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = fd >= 0 && fsync(fd) == 0 ? ERR_OK : blob_failed(note, "sync", folder);

	if (fd >= 0) {
		(void)close(fd);
	}
	return e;
}

enum err blob_keep(
    const struct blob_store *s, struct slice draft, struct slice name, struct err_note *note)
{
	char from[BLOB_PATH_SIZE], to[BLOB_PATH_SIZE];
	char folder[3] = { name.ptr[0], name.ptr[1], '\0' };

	CHECK(blob_path(name, to) == ERR_OK);
	blob_draft_path(draft, from);
	enum err e = sync_draft(s, draft, note);
	if (e != ERR_OK) {
		enum err dropped = e == ERR_NOT_FOUND ? ERR_OK : blob_drop(s, draft, NULL);
		(void)dropped;
		return e;
	}
	if (renameat(s->root, from, s->root, to) != 0) {
		return errno == EXDEV ? err_note_set(note, ERR_UNSUPPORTED,
					    "Landlock of this kernel lets no file change its "
					    "folder: Linux 5.19 or newer is needed")
				      : blob_failed(note, "name", to);
	}
	/* The new name first, so that at no time both may be lost. */
	e = sync_folder(s, folder, note);
	return e == ERR_OK ? sync_folder(s, BLOB_NEW, note) : e;
}

enum err blob_drop(const struct blob_store *s, struct slice draft, struct err_note *note)
{
	char path[BLOB_PATH_SIZE];

	blob_draft_path(draft, path);
	return unlinkat(s->root, path, 0) == 0 || errno == ENOENT
		   ? ERR_OK
		   : blob_failed(note, "remove", path);
}

enum err blob_sweep_drafts(
    const struct blob_store *s, int64_t before_ms, unsigned *ret_n, struct err_note *note)
{
	int fd = openat(s->root, BLOB_NEW, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	unsigned n = 0;

	if (dir == NULL) {
		enum err e = blob_failed(note, "list", BLOB_NEW);
		if (fd >= 0) {
			(void)close(fd);
		}
		return e;
	}
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct stat st;
		if (blob_draft_is_good(slice_str(entry->d_name)) &&
		    fstatat(fd, entry->d_name, &st, 0) == 0 &&
		    (int64_t)st.st_mtim.tv_sec * 1000 < before_ms &&
		    unlinkat(fd, entry->d_name, 0) == 0) {
			n++;
		}
	}
	(void)closedir(dir);
	*ret_n = n;
	return ERR_OK;
}
