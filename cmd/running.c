/*
 * See running.h.
 */
#include "cmd/running.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

enum err running_folder(const struct conf *conf, struct running *ret, struct err_note *note)
{
	const char *data_dir = conf_str(conf, "plimsoll", "data_dir");

	*ret = (struct running){ .pidfd = -1 };
	return realpath(data_dir, ret->folder) != NULL
		   ? ERR_OK
		   : err_note_set(note, ERR_NOT_FOUND, "no server works with %s: %s", data_dir,
			 strerror(errno));
}

/* Reads the process that has signed the lock; ERR_NOT_FOUND if nobody holds it. */
static enum err read_owner(struct running *r, struct err_note *note)
{
	char path[PATH_MAX + 8], text[24] = "";

	snprintf(path, sizeof(path), "%s/lock", r->folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return err_note_set(note, ERR_NOT_FOUND,
		    "no server works with %s: cannot open its lock: %s", r->folder,
		    strerror(errno));
	}
	bool is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	if (is_free) {
		return err_note_set(note, ERR_NOT_FOUND, "no server works with %s", r->folder);
	}
	if (n <= 0 || sscanf(text, "%u", &r->pid) != 1 || r->pid < 2) {
		return err_note_set(note, ERR_CORRUPT, "%s names no process", path);
	}
	return ERR_OK;
}

/* The descriptor of the process first, then its number once more: so it is that process. */
enum err running_find(struct running *r, struct err_note *note)
{
	enum err e = read_owner(r, note);
	unsigned pid = r->pid;

	if (e != ERR_OK) {
		return e;
	}
	r->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	e = read_owner(r, note);
	if (e == ERR_OK && (r->pidfd < 0 || r->pid != pid)) {
		e = err_note_set(note, ERR_CONFLICT, "another upgrade is under way; try again");
	}
	return e;
}

enum err running_signal(const struct running *r, int signum, struct err_note *note)
{
	return syscall(SYS_pidfd_send_signal, r->pidfd, signum, NULL, 0) == 0
		   ? ERR_OK
		   : err_note_set(note, err_from_errno(errno), "cannot signal process %u: %s",
			 r->pid, strerror(errno));
}

void running_close(struct running *r)
{
	if (r->pidfd >= 0) {
		close(r->pidfd);
		r->pidfd = -1;
	}
}
