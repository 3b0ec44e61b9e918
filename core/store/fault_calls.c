/*
 * The system calls that change files, as libc names them: those below the folder of the fault disk
 * are counted, noted and may fail; all others go straight on. Defined here they stand before those
 * of libc, for our code and for SQLite's. Reading is not touched. Syncs that succeed are not made:
 * what they mean is in the disk's books. Test code only.
 */
#undef _FILE_OFFSET_BITS /* else open is another name of open64 */
#undef _FORTIFY_SOURCE	 /* else some of these are inline functions */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/store/fault_disk.h"

enum {
	PATH_SIZE = 512
};

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

static int failed(int error)
{
	errno = error;
	return -1;
}

/* ---- open ---- */

static bool is_there(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_any(int dir, const char *path, int flags, mode_t mode)
{
	char place[PATH_SIZE];
	bool is_short = false;
	bool makes =
	    (flags & O_CREAT) != 0 && fault_disk_path(dir, path, place) && !is_there(dir, path);

	if (!makes) {
		return (int)syscall(SYS_openat, dir, path, flags | O_LARGEFILE, mode);
	}
	int error = fault_disk_enter(FAULT_ANY, &is_short);
	int fd = error != 0 ? failed(error)
			    : (int)syscall(SYS_openat, dir, path, flags | O_LARGEFILE, mode);
	if (fd >= 0) {
		fault_disk_created(place);
	}
	fault_disk_leave();
	return fd;
}

static mode_t mode_of(int flags, va_list args)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode_t mode = mode_of(flags, args);                                                \
		va_end(args);                                                                      \
		return open_any(AT_FDCWD, path, flags, mode);                                      \
	}
#define OPENAT(name)                                                                               \
	int name(int dir, const char *path, int flags, ...)                                        \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode_t mode = mode_of(flags, args);                                                \
		va_end(args);                                                                      \
		return open_any(dir, path, flags, mode);                                           \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int __open_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags, 0);
}

int __openat_2(int dir, const char *path, int flags)
{
	return open_any(dir, path, flags, 0);
}

int __openat64_2(int dir, const char *path, int flags)
{
	return open_any(dir, path, flags, 0);
}

/* ---- bytes ---- */

static ssize_t write_noted(int fd, const void *bytes, size_t len, uint64_t offset, bool at_offset)
{
	bool is_short = false;
	int error = fault_disk_enter(FAULT_WRITE, &is_short);
	ssize_t n = -1;

	if (error == 0) {
		len = is_short ? len / 2 : len;
		fault_disk_will_write(fd, offset, len);
		n = at_offset ? syscall(SYS_pwrite64, fd, bytes, len, offset)
			      : syscall(SYS_write, fd, bytes, len);
	} else {
		errno = error;
	}
	fault_disk_leave();
	return n;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	if (!fault_disk_has(fd)) {
		return syscall(SYS_write, fd, bytes, len);
	}
	struct stat st = { 0 };
	bool appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
	off_t at = appends && fstat(fd, &st) == 0 ? st.st_size : lseek(fd, 0, SEEK_CUR);
	return write_noted(fd, bytes, len, (uint64_t)at, false);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	return fault_disk_has(fd) ? write_noted(fd, bytes, len, (uint64_t)offset, true)
				  : syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
	return pwrite(fd, bytes, len, offset);
}

int ftruncate(int fd, off_t size)
{
	bool is_short = false;

	if (!fault_disk_has(fd)) {
		return (int)syscall(SYS_ftruncate, fd, size);
	}
	int error = fault_disk_enter(FAULT_ANY, &is_short);
	if (error == 0) {
		fault_disk_will_truncate(fd, (uint64_t)size);
		error = syscall(SYS_ftruncate, fd, size) == 0 ? 0 : errno;
	}
	fault_disk_leave();
	return error == 0 ? 0 : failed(error);
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int fsync(int fd)
{
	bool is_short = false;

	if (!fault_disk_has(fd)) {
		return (int)syscall(SYS_fsync, fd);
	}
	int error = fault_disk_enter(FAULT_SYNC, &is_short);
	fault_disk_synced(fd, error == 0);
	fault_disk_leave();
	return error == 0 ? 0 : failed(error);
}

int fdatasync(int fd)
{
	return fsync(fd);
}

/* ---- names ---- */

static int rename_any(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	char from_place[PATH_SIZE], to_place[PATH_SIZE];
	bool is_short = false;

	if (!fault_disk_path(from_dir, from, from_place) ||
	    !fault_disk_path(to_dir, to, to_place)) {
		return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	}
	int error = fault_disk_enter(FAULT_ANY, &is_short);
	if (error == 0 && is_there(to_dir, to) && flags == 0) {
		fault_disk_will_remove(to_place);
	}
	if (error == 0) {
		error = syscall(SYS_renameat2, from_dir, from, to_dir, to, flags) == 0 ? 0 : errno;
	}
	if (error == 0) {
		fault_disk_renamed(from_place, to_place);
	}
	fault_disk_leave();
	return error == 0 ? 0 : failed(error);
}

int rename(const char *from, const char *to)
{
	return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return rename_any(from_dir, from, to_dir, to, 0);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return rename_any(from_dir, from, to_dir, to, flags);
}

int unlinkat(int dir, const char *path, int flags)
{
	char place[PATH_SIZE];
	bool is_short = false;

	if (!fault_disk_path(dir, path, place) || !is_there(dir, path)) {
		return (int)syscall(SYS_unlinkat, dir, path, flags);
	}
	int error = fault_disk_enter(FAULT_ANY, &is_short);
	if (error == 0) {
		fault_disk_will_remove(place);
		error = syscall(SYS_unlinkat, dir, path, flags) == 0 ? 0 : errno;
	}
	fault_disk_leave();
	return error == 0 ? 0 : failed(error);
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	char place[PATH_SIZE];
	bool is_short = false;

	if (!fault_disk_path(dir, path, place) || is_there(dir, path)) {
		return (int)syscall(SYS_mkdirat, dir, path, mode);
	}
	int error = fault_disk_enter(FAULT_ANY, &is_short);
	if (error == 0) {
		error = syscall(SYS_mkdirat, dir, path, mode) == 0 ? 0 : errno;
	}
	if (error == 0) {
		fault_disk_created(place);
	}
	fault_disk_leave();
	return error == 0 ? 0 : failed(error);
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}
