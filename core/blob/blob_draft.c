/*
 * Drafts: files in a folder of their own until they are whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

enum err blob_draft_make(const struct blob_store *s, struct slice draft, struct err_note *note)
{
	int fd = -1;
	enum err e = open_draft(s, draft, O_CREAT | O_TRUNC, &fd, note);

	if (e == ERR_OK) {
		(void)close(fd);
	}
	return e;
}

enum err blob_draft_open(
    const struct blob_store *s, struct slice draft, int *ret_fd, struct err_note *note)
{
	return open_draft(s, draft, 0, ret_fd, note);
}

enum err blob_draft_write(const struct blob_store *s, struct slice draft, uint64_t offset,
    struct slice bytes, struct err_note *note)
{
	int fd = -1;
	enum err e = open_draft(s, draft, 0, &fd, note);

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
