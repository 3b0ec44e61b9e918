/*
 * plimsoll upgrade: finds the running server by the lock of its data directory, sends it SIGUSR2,
 * and waits until it has written down how it went. The same as kill -USR2, but somebody looks.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/running.h"
#include "core/base/clock.h"
#include "core/role/upgrade.h"

enum {
	SLACK_MS = 5000,
	OUTCOME_BYTES = 2048,
	EVENT_BYTES = 4096,
};

struct target {
	struct running server;
	int events; /* -1: not open */
};

static enum err watch_outcome(struct target *t, struct err_note *note)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/" UPGRADE_OUTCOME, t->server.folder);
	t->events = inotify_init1(IN_CLOEXEC);
	if (t->events < 0 || inotify_add_watch(t->events, t->server.folder, IN_MOVED_TO) < 0 ||
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

	snprintf(path, sizeof(path), "%s/" UPGRADE_OUTCOME, t->server.folder);
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
	struct pollfd fds[] = { { t->events, POLLIN, 0 }, { t->server.pidfd, POLLIN, 0 } };
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
			    t->server.pid, fds[1].fd < 0 ? "has ended and nobody has" : "has not");
		}
		if (fds[0].revents != 0 && read(t->events, events, sizeof(events)) < 0) {
			return err_note_set(note, ERR_IO, "inotify: %s", strerror(errno));
		}
	}
}

static enum err ask(struct target *t, int64_t limit_ms, bool *ret_done, char text[OUTCOME_BYTES],
    struct err_note *note)
{
	enum err e = running_find(&t->server, note);

	if (e == ERR_OK) {
		e = watch_outcome(t, note);
	}
	if (e == ERR_OK) {
		e = running_signal(&t->server, SIGUSR2, note);
	}
	return e == ERR_OK ? await_outcome(t, limit_ms, ret_done, text, note) : e;
}

int cmd_upgrade(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct target t = { .server = { .pidfd = -1 }, .events = -1 };
	struct err_note note = { 0 };
	char text[OUTCOME_BYTES] = "";
	bool done = false;
	/* Twice the limit: for getting ready, and for a database that has to change. */
	int64_t limit_ms = 2 * conf_ms(conf, "plimsoll", "upgrade_timeout") +
			   conf_ms(conf, "web", "drain") + SLACK_MS;
	enum err e;

	(void)app;
	(void)o;
	e = running_folder(conf, &t.server, &note);
	if (e == ERR_OK) {
		e = ask(&t, limit_ms, &done, text, &note);
	}
	running_close(&t.server);
	if (t.events >= 0) {
		close(t.events);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll upgrade: %s\n", note.text);
		return EXIT_FAILED;
	}
	if (!done) {
		fprintf(stderr, "plimsoll upgrade: nothing has changed, process %u serves on: %s",
		    t.server.pid, text);
		return EXIT_FAILED;
	}
	printf("%sprocess %u finishes what it has begun\n", text, t.server.pid);
	return EXIT_OK;
}
