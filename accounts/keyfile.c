/*
 * Key files. The new content goes to a temporary file that is synced and renamed, so a crash leaves
 * either no key or a whole one; then the name is added to MADE, which is replaced the same way. A
 * key without a line there (crash between the two, or put there by an operator) gets its line when
 * it is first read.
 */
#include "accounts/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/slice.h"

enum {
	MADE_MAX_BYTES = 4096
};

static enum err io_failed(struct err_note *note, const char *what, const char *name)
{
	return err_note_set(
	    note, err_from_errno(errno), "cannot %s keys/%s: %s", what, name, strerror(errno));
}

static enum err write_all(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0) {
			return err_from_errno(errno);
		}
		bytes = slice_sub(bytes, (size_t)n, bytes.len);
	}
	return fsync(fd) == 0 ? ERR_OK : err_from_errno(errno);
}

/* makes: it need not be there yet. ERR_NOT_FOUND: it is not. */
static enum err open_dir(const char *data_dir, bool makes, int *ret_fd, struct err_note *note)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/keys", data_dir) >= (int)sizeof(path)) {
		return err_note_set(note, ERR_CONFIG, "the data directory's path is too long");
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && makes) { /* not in a sandbox, which makes no folders */
		if (mkdir(path, 0700) != 0 && errno != EEXIST) {
			return err_note_set(note, err_from_errno(errno), "cannot make %s: %s", path,
			    strerror(errno));
		}
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0) {
		return err_note_set(
		    note, err_from_errno(errno), "cannot open %s: %s", path, strerror(errno));
	}
	if (fstat(fd, &st) != 0 || (st.st_mode & 077) != 0) {
		(void)close(fd);
		return err_note_set(
		    note, ERR_CONFIG, "%s holds keys but others may enter it: chmod 700 it", path);
	}
	*ret_fd = fd;
	return ERR_OK;
}

static bool lists(struct slice made, const char *name)
{
	struct slice line;

	while (slice_split(&made, '\n', &line)) {
		if (slice_eq(line, slice_str(name))) {
			return true;
		}
	}
	return false;
}

/* Was a key of that name made here before? */
static enum err was_made(int dir, const char *name, bool *ret, struct err_note *note)
{
	struct buf made = buf_new(MADE_MAX_BYTES + 4096);
	int fd = openat(dir, "MADE", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT) {
		*ret = false;
		return ERR_OK;
	}
	if (fd < 0) {
		return io_failed(note, "open", "MADE");
	}
	enum err e = buf_read_all(&made, fd);
	(void)close(fd);
	if (e == ERR_OK) {
		*ret = lists(buf_slice(&made), name);
	} else {
		e = err_note_set(note, e, "cannot read keys/MADE");
	}
	buf_free(&made);
	return e;
}

/* Makes or replaces a file as a whole; err_text() of the error is all that is to say. */
static enum err put_file(int dir, const char *name, struct slice bytes, struct err_note *note)
{
	char temp[NAME_MAX];

	if (snprintf(temp, sizeof(temp), "%s.new", name) >= (int)sizeof(temp)) {
		return ERR_LIMIT;
	}
	if (unlinkat(dir, temp, 0) != 0 && errno != ENOENT) {
		return io_failed(note, "remove", temp);
	}
	int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		return io_failed(note, "make", temp);
	}
	enum err e = write_all(fd, bytes);
	(void)close(fd);
	if (e != ERR_OK) {
		return err_note_set(note, e, "cannot write keys/%s: %s", temp, err_text(e));
	}
	if (renameat(dir, temp, dir, name) != 0 || fsync(dir) != 0) {
		return io_failed(note, "rename", temp);
	}
	return ERR_OK;
}

static enum err note_made(int dir, const char *name, struct err_note *note)
{
	struct buf made = buf_new(MADE_MAX_BYTES + 4096);
	int fd = openat(dir, "MADE", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct slice lines = SLICE_EMPTY;
	enum err e = ERR_OK;

	if (fd < 0 && errno != ENOENT) {
		return io_failed(note, "open", "MADE");
	}
	if (fd >= 0) {
		e = buf_read_all(&made, fd);
		(void)close(fd);
	}
	buf_printf(&made, "%s\n", name);
	if (e == ERR_OK) {
		e = buf_finish(&made, &lines);
	}
	e = e == ERR_OK ? put_file(dir, "MADE", lines, note)
			: err_note_set(note, e, "cannot read keys/MADE");
	buf_free(&made);
	return e;
}

static enum err create(
    int dir, const char *name, keyfile_make_fn *make, struct buf *out, struct err_note *note)
{
	struct slice bytes = SLICE_EMPTY;
	enum err e = make(out, note);

	if (e == ERR_OK) {
		e = buf_finish(out, &bytes);
	}
	if (e != ERR_OK) {
		return err_note_set(note, e, "cannot make keys/%s", name);
	}
	return put_file(dir, name, bytes, note);
}

static enum err check_mode(int fd, const char *data_dir, const char *name, struct err_note *note)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return io_failed(note, "look at", name);
	}
	if (!S_ISREG(st.st_mode)) {
		return err_note_set(
		    note, ERR_CONFIG, "%s/keys/%s is not a regular file", data_dir, name);
	}
	if ((st.st_mode & 077) != 0) {
		return err_note_set(note, ERR_CONFIG,
		    "%s/keys/%s may be read by others (mode %03o): chmod 600 it, and if they may "
		    "have read it, replace it",
		    data_dir, name, (unsigned)(st.st_mode & 0777));
	}
	return ERR_OK;
}

/* An open key file, if it may be trusted. */
static enum err read_checked(
    int fd, const char *data_dir, const char *name, struct buf *out, struct err_note *note)
{
	enum err e = check_mode(fd, data_dir, name, note);

	if (e == ERR_OK && buf_read_all(out, fd) != ERR_OK) {
		e = err_note_set(note, ERR_CONFIG, "%s/keys/%s is too large", data_dir, name);
	}
	return e;
}

static enum err load(int dir, const char *data_dir, const char *name, keyfile_make_fn *make,
    struct buf *out, struct err_note *note)
{
	bool made = false;
	enum err e = was_made(dir, name, &made, note);

	if (e != ERR_OK) {
		return e;
	}
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno != ENOENT) {
		return io_failed(note, "open", name);
	}
	if (fd < 0 && made) {
		return err_note_set(note, ERR_CONFIG,
		    "%s/keys/%s is missing: put it back from your backup, or remove its line from "
		    "keys/MADE to have a new one made",
		    data_dir, name);
	}
	if (fd < 0) {
		e = create(dir, name, make, out, note);
	} else {
		/* Whoever made it may have failed to sync its name: nobody has seen it yet then. */
		e = fsync(dir) != 0 ? io_failed(note, "sync", ".")
				    : read_checked(fd, data_dir, name, out, note);
		(void)close(fd);
	}
	if (e == ERR_OK && !made) {
		e = note_made(dir, name, note);
	}
	return e;
}

enum err keyfile_load(const char *data_dir, const char *name, keyfile_make_fn *make,
    struct buf *out, struct err_note *note)
{
	int dir = -1;
	enum err e = open_dir(data_dir, true, &dir, note);

	if (e != ERR_OK) {
		return e;
	}
	e = load(dir, data_dir, name, make, out, note);
	(void)close(dir);
	return e;
}

enum err keyfile_read(
    const char *data_dir, const char *name, struct buf *out, struct err_note *note)
{
	int dir = -1;
	enum err e = open_dir(data_dir, false, &dir, note);

	if (e != ERR_OK) {
		return e;
	}
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		e = read_checked(fd, data_dir, name, out, note);
		(void)close(fd);
	} else {
		e = errno == ENOENT ? ERR_NOT_FOUND : io_failed(note, "open", name);
	}
	(void)close(dir);
	return e;
}

enum err keyfile_write(
    const char *data_dir, const char *name, struct slice bytes, struct err_note *note)
{
	int dir = -1;
	enum err e = open_dir(data_dir, false, &dir, note);

	if (e == ERR_OK) {
		e = put_file(dir, name, bytes, note);
		(void)close(dir);
	}
	return e;
}

enum err keyfile_rename(
    const char *data_dir, const char *from, const char *to, struct err_note *note)
{
	int dir = -1;
	enum err e = open_dir(data_dir, false, &dir, note);

	if (e != ERR_OK) {
		return e;
	}
	if (renameat(dir, from, dir, to) != 0 || fsync(dir) != 0) {
		e = io_failed(note, "rename", from);
	}
	(void)close(dir);
	return e;
}

enum err keyfile_remove(const char *data_dir, const char *name, struct err_note *note)
{
	int dir = -1;
	enum err e = open_dir(data_dir, false, &dir, note);

	if (e != ERR_OK) {
		return e;
	}
	if (unlinkat(dir, name, 0) != 0) {
		e = errno == ENOENT ? ERR_NOT_FOUND : io_failed(note, "remove", name);
	} else if (fsync(dir) != 0) {
		e = io_failed(note, "sync", ".");
	}
	(void)close(dir);
	return e;
}
