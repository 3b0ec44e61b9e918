/*
 * The data directory: db/ for the store (web reads), keys/ for the signer, blobs/ for uploaded
 * files, so that the sandbox can tell them apart; and a lock, because two stores on one database
 * would each believe to be alone.
 */
#include "core/role/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/restore.h"

_Static_assert(PATH_MAX <= DATA_DIR_MAX, "what realpath() gives fits");

/*
 * A new folder lasts only once the folder that has its name is on the disk; also one that is there
 * may be new, if whoever made it failed here.
 */
static enum err sync_parent(const char *path, struct err_note *note)
{
	char parent[PATH_MAX + 16];
	enum err e = ERR_OK;

	snprintf(parent, sizeof(parent), "%s/..", path);
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0) {
		e = err_note_set(
		    note, err_from_errno(errno), "cannot sync %s: %s", parent, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
	}
	return e;
}

static enum err make_folder(const char *path, struct err_note *note)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		return err_note_set(note, err_from_errno(errno), "cannot make the folder %s: %s",
		    path, strerror(errno));
	}
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		return err_note_set(note, ERR_INVALID, "%s is not a folder", path);
	}
	return sync_parent(path, note);
}

enum err data_dir_sign(int lock, struct err_note *note)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* A reader never sees it empty: written first, then cut. */
	if (pwrite(lock, text, (size_t)n, 0) != n || ftruncate(lock, n) != 0) {
		return err_note_set(note, err_from_errno(errno),
		    "cannot write the lock of the data directory: %s", strerror(errno));
	}
	return ERR_OK;
}

static enum err take_lock(const char *data_dir, int *ret, struct err_note *note)
{
	char path[PATH_MAX + 8], owner[24] = "";

	snprintf(path, sizeof(path), "%s/lock", data_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return err_note_set(
		    note, err_from_errno(errno), "cannot open %s: %s", path, strerror(errno));
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t n = pread(fd, owner, sizeof(owner) - 1, 0);
		owner[n > 0 ? n : 0] = '\0';
		owner[strcspn(owner, "\n")] = '\0';
		close(fd);
		return err_note_set(note, ERR_EXISTS,
		    "the data directory %s is in use by another plimsoll (process %s)", data_dir,
		    owner[0] == '\0' ? "unknown" : owner);
	}
	enum err e = data_dir_sign(fd, note);
	if (e != ERR_OK) {
		close(fd);
		return e;
	}
	*ret = fd;
	return ERR_OK;
}

/* The folder and those below it, and where it really is. */
static enum err make_all(const char *path, char absolute[PATH_MAX], struct err_note *note)
{
	static const char *const below[] = { "db", "keys", "blobs" };
	char folder[PATH_MAX + 8];
	enum err e = make_folder(path, note);

	if (e != ERR_OK) {
		return e;
	}
	if (realpath(path, absolute) == NULL) {
		return err_note_set(note, err_from_errno(errno), "cannot reach the folder %s: %s",
		    path, strerror(errno));
	}
	for (size_t i = 0; e == ERR_OK && i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(folder, sizeof(folder), "%s/%s", absolute, below[i]);
		e = make_folder(folder, note);
	}
	return e;
}

enum err data_dir_open_any(
    const char *path, char ret_absolute[DATA_DIR_MAX], int *ret_lock, struct err_note *note)
{
	char absolute[PATH_MAX];
	enum err e = make_all(path, absolute, note);

	if (e == ERR_OK) {
		e = take_lock(absolute, ret_lock, note);
	}
	if (e == ERR_OK) {
		memcpy(ret_absolute, absolute, sizeof(absolute));
	}
	return e;
}

enum err data_dir_adopt(
    const char *path, int lock, char ret_absolute[DATA_DIR_MAX], struct err_note *note)
{
	char absolute[PATH_MAX], file[PATH_MAX + 8];
	struct stat ours, theirs;

	if (realpath(path, absolute) != NULL) {
		snprintf(file, sizeof(file), "%s/lock", absolute);
		if (stat(file, &ours) == 0 && fstat(lock, &theirs) == 0 &&
		    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino) {
			memcpy(ret_absolute, absolute, sizeof(absolute));
			return ERR_OK;
		}
	}
	return err_note_set(note, ERR_CONFIG,
	    "[plimsoll] data_dir = %s is not the folder of the running server; another one needs a "
	    "stop and a start",
	    path);
}

enum err data_dir_open(
    const char *path, char ret_absolute[DATA_DIR_MAX], int *ret_lock, struct err_note *note)
{
	char marker[DATA_DIR_MAX + 16];
	enum err e = data_dir_open_any(path, ret_absolute, ret_lock, note);

	if (e != ERR_OK) {
		return e;
	}
	snprintf(marker, sizeof(marker), "%s/" RESTORE_MARKER, ret_absolute);
	if (access(marker, F_OK) == 0) {
		close(*ret_lock);
		errno = 0;
		return err_note_set(note, ERR_CONFIG,
		    "a restore into %s was interrupted: run `plimsoll restore` again with --force",
		    ret_absolute);
	}
	return ERR_OK;
}
