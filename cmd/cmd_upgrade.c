/*
 * plimsoll upgrade: finds the running server by the lock of its data directory, sends it SIGUSR2,
 * and waits until it has written down how it went. The same as kill -USR2, but somebody looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "core/base/clock.h"
#include "core/role/upgrade.h"

enum {
	SLACK_MS = 5000,
	OUTCOME_BYTES = 2048,
	EVENT_BYTES = 4096,
};

struct target {
	char folder[PATH_MAX];
	int pidfd, events; /* -1: not open */
	unsigned pid;
};

/* Reads the process that has signed the lock; ERR_NOT_FOUND if nobody holds it. */
static enum err read_owner(struct target *t, struct err_note *note)
{
	char path[PATH_MAX + 8], text[24] = "";

	snprintf(path, sizeof(path), "%s/lock", t->folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return err_note_set(note, ERR_NOT_FOUND,
		    "no server works with %s: cannot open its lock: %s", t->folder,
		    strerror(errno));
	}
	bool is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	if (is_free) {
		return err_note_set(note, ERR_NOT_FOUND, "no server works with %s", t->folder);
	}
	if (n <= 0 || sscanf(text, "%u", &t->pid) != 1 || t->pid < 2) {
		return err_note_set(note, ERR_CORRUPT, "%s names no process", path);
	}
	return ERR_OK;
}

/* The descriptor of the process first, then its number once more: so it is that process. */
static enum err find_server(struct target *t, struct err_note *note)
{
	enum err e = read_owner(t, note);
	unsigned pid = t->pid;

	if (e != ERR_OK) {
		return e;
	}
	t->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	e = read_owner(t, note);
	if (e == ERR_OK && (t->pidfd < 0 || t->pid != pid)) {
		e = err_note_set(note, ERR_CONFLICT, "another upgrade is under way; try again");
	}
	return e;
}

static enum err watch_outcome(struct target *t, struct err_note *note)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/" UPGRADE_OUTCOME, t->folder);
	t->events = inotify_init1(IN_CLOEXEC);
	if (t->events < 0 || inotify_add_watch(t->events, t->folder, IN_MOVED_TO) < 0 ||
	    (unlink(path) != 0 && errno != ENOENT)) {
		return err_note_set(
		    note, err_from_errno(errno), "cannot watch %s: %s", path, strerror(errno));
	}
	return ERR_OK;
}

/* Reads "done" or "failed" and the line behind it; false while the file is not there. */
static bool read_outcome(const struct target *t, bool *ret_done, char text[OUTCOME_BYTES])
{
	char path[PATH_MAX + 16], first[16] = "";

	snprintf(path, sizeof(path), "%s/" UPGRADE_OUTCOME, t->folder);
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		return false;
	}
	bool good = fgets(first, sizeof(first), f) != NULL;
	size_t n = fread(text, 1, OUTCOME_BYTES - 1, f);
	text[n] = '\0';
	fclose(f);
	*ret_done = strcmp(first, "done\n") == 0;
	return good;
}

static enum err await_outcome(const struct target *t, int64_t limit_ms, bool *ret_done,
    char text[OUTCOME_BYTES], struct err_note *note)
{
	int64_t until_us = clock_mono_us() + limit_ms * 1000;
	struct pollfd fds[] = { { t->events, POLLIN, 0 }, { t->pidfd, POLLIN, 0 } };
	char events[EVENT_BYTES];

	for (;;) {
		if (read_outcome(t, ret_done, text)) {
			return ERR_OK;
		}
		if (fds[1].revents != 0) {
			/* The new one is about to write it, or nobody is. */
			fds[1] = (struct pollfd){ .fd = -1 };
			until_us = clock_mono_us() + SLACK_MS * 1000;
		}
		int64_t left_us = until_us - clock_mono_us();
		int n = left_us <= 0 ? 0 : poll(fds, 2, (int)(left_us / 1000) + 1);
		if (n < 0 && errno != EINTR) {
			return err_note_set(
			    note, err_from_errno(errno), "poll: %s", strerror(errno));
		}
		if (n == 0) {
			return err_note_set(note, ERR_DEADLINE, "process %u %s said how it went",
			    t->pid, fds[1].fd < 0 ? "has ended and nobody has" : "has not");
		}
		if (fds[0].revents != 0 && read(t->events, events, sizeof(events)) < 0) {
			return err_note_set(note, ERR_IO, "inotify: %s", strerror(errno));
		}
	}
}

static enum err ask(struct target *t, int64_t limit_ms, bool *ret_done, char text[OUTCOME_BYTES],
    struct err_note *note)
{
	enum err e = find_server(t, note);

	if (e == ERR_OK) {
		e = watch_outcome(t, note);
	}
	if (e == ERR_OK && syscall(SYS_pidfd_send_signal, t->pidfd, SIGUSR2, NULL, 0) != 0) {
		e = err_note_set(note, err_from_errno(errno), "cannot signal process %u: %s",
		    t->pid, strerror(errno));
	}
	return e == ERR_OK ? await_outcome(t, limit_ms, ret_done, text, note) : e;
}

int cmd_upgrade(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct target t = { .pidfd = -1, .events = -1 };
	struct err_note note = { 0 };
	char text[OUTCOME_BYTES] = "";
	bool done = false;
	const char *data_dir = conf_str(conf, "plimsoll", "data_dir");
	/* Twice the limit: for getting ready, and for a database that has to change. */
	int64_t limit_ms = 2 * conf_ms(conf, "plimsoll", "upgrade_timeout") +
			   conf_ms(conf, "web", "drain") + SLACK_MS;
	enum err e = ERR_OK;

	(void)app;
	(void)o;
	if (realpath(data_dir, t.folder) == NULL) {
		e = err_note_set(
		    &note, ERR_NOT_FOUND, "no server works with %s: %s", data_dir, strerror(errno));
	}
	if (e == ERR_OK) {
		e = ask(&t, limit_ms, &done, text, &note);
	}
	if (t.pidfd >= 0) {
		close(t.pidfd);
	}
	if (t.events >= 0) {
		close(t.events);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll upgrade: %s\n", note.text);
		return EXIT_FAILED;
	}
	if (!done) {
		fprintf(stderr, "plimsoll upgrade: nothing has changed, process %u serves on: %s",
		    t.pid, text);
		return EXIT_FAILED;
	}
	printf("%sprocess %u finishes what it has begun\n", text, t.pid);
	return EXIT_OK;
}
