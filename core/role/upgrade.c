/*
 * The order of events of an upgrade (doc/decisions/0019):
 *
 *	old                                      new
 *	executes the new program
 *	HANDOVER: lock, listening sockets  -->
 *	                                         checks its configuration, starts its processes;
 *they get ready, but nobody accepts yet
 *	                                   <--   READY
 *	TAKE_OVER, and MAINPID= to the
 *	service manager                    -->   accepts
 *	stops accepting, drains, ends
 *
 * The sockets are open all the time, so clients notice nothing. FAILED, an exit, a crash or too
 * much time before READY: the new program is killed and the old one goes on, which it never
 * stopped doing. Both stores write for the time of the drain; SQLite's locks order them.
 *
 * If the new program's tables differ, its store may not start beside the old one:
 *
 *	                                   <--   NEED_STORE, once everybody else is ready
 *	drains for real, but accepts to the end
 *	of the grace of idle connections; then
 *	new ones wait in the kernel
 *	STORE_FREE                         -->   migrates, starts its store
 *	                                   <--   READY, and on as above
 *
 * A failure in this second part makes the old program start its processes again.
 */
#include "core/role/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/obs/log.h"
#include "core/role/spawn.h"
#include "core/role/supervisor.h"

/* ---- telling people ---- */

void upgrade_write_outcome(const struct supervisor *s, bool done, const char *text)
{
	char path[PATH_MAX + 16], temp[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/" UPGRADE_OUTCOME, s->data_dir);
	snprintf(temp, sizeof(temp), "%s/" UPGRADE_OUTCOME ".new", s->data_dir);
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && dprintf(fd, "%s\n%s\n", done ? "done" : "failed", text) > 0;
	if (fd >= 0) {
		good = close(fd) == 0 && good;
	}
	if (!good || rename(temp, path) != 0) {
		LOG(LOG_WARN, "supervisor", "outcome_not_written", LOG_C("path", path),
		    LOG_C("err", strerror(errno)));
	}
}

static void refuse(const struct supervisor *s, const char *why)
{
	LOG(LOG_WARN, "supervisor", "upgrade_refused", LOG_C("err", why));
	/* The file is for whoever serves, and for the upgrade that is under way. */
	if (!predecessor_waits(&s->predecessor) && s->upgrade.state == UPGRADE_NONE) {
		upgrade_write_outcome(s, false, why);
	}
}

/* ---- giving up ---- */

static void forget_successor(struct supervisor *s)
{
	struct upgrade *u = &s->upgrade;

	control_poll_fini(&u->link);
	if (u->pid > 0) {
		kill(u->pid, SIGKILL);
	}
	u->state = UPGRADE_NONE; /* pid stays until it is reaped */
}

/* Our processes that have ended for the sake of the new program come back. */
static void revive(struct supervisor *s)
{
	int64_t now_us = clock_mono_us();

	s->stopping = s->yields = false;
	s->stop_phase = 0;
	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->children[i];
		if (c->state == CHILD_GONE) {
			c->state = CHILD_WAITING;
			c->restart_us = now_us;
			c->backoff_ms = BACKOFF_FIRST_MS;
		}
	}
	child_restart_due(s, now_us);
}

static void fail(struct supervisor *s, const char *how)
{
	struct upgrade *u = &s->upgrade;
	char text[UPGRADE_REASON_MAX + 128];
	bool told = u->reason[0] != '\0';
	bool yielded = u->state == UPGRADE_YIELDING || u->state == UPGRADE_YIELDED;

	snprintf(text, sizeof(text), "%s%s%s", told ? u->reason : how, told ? "" : "; ",
	    told ? "" : "its log lines stand above");
	LOG(LOG_ERROR, "supervisor", "upgrade_failed", LOG_C("err", text), LOG_C("ended", how));
	forget_successor(s);
	upgrade_write_outcome(s, false, told ? u->reason : how);
	notify_send(&s->notify, "STATUS=An upgrade failed; process %d serves on", (int)getpid());
	if (yielded) {
		revive(s);
	}
}

void upgrade_abandon(struct supervisor *s, const char *why)
{
	if (upgrade_is_under_way(&s->upgrade)) {
		LOG(LOG_WARN, "supervisor", "upgrade_failed", LOG_C("err", why));
		forget_successor(s);
		upgrade_write_outcome(s, false, why);
	}
}

/* ---- going on ---- */

static void set_deadline(struct supervisor *s)
{
	s->upgrade.deadline_us =
	    clock_mono_us() + conf_ms(s->conf, "plimsoll", "upgrade_timeout") * 1000;
}

/* It has ended, and SIGCHLD is about to tell: what it said before is worth nothing. */
static bool has_ended(const struct upgrade *u)
{
	siginfo_t info = { 0 };

	return u->pid <= 0 ||
	       waitid(P_PID, (id_t)u->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	       info.si_pid != 0;
}

static void finish(struct supervisor *s)
{
	struct upgrade *u = &s->upgrade;
	int64_t ms = (clock_mono_us() - u->begun_us) / 1000;

	u->state = UPGRADE_DONE;
	/* First the manager learns whom to watch, then the new one may speak to it. */
	notify_send(
	    &s->notify, "MAINPID=%d\nSTATUS=Process %d takes over", (int)u->pid, (int)u->pid);
	control_poll_send(&u->link, CONTROL_TAKE_OVER, SLICE_EMPTY, NULL, 0);
	LOG(LOG_INFO, "supervisor", "upgraded", LOG_I("pid", u->pid), LOG_I("took_ms", ms));
	stop_after_upgrade(s);
}

static void yield(struct supervisor *s)
{
	s->upgrade.state = UPGRADE_YIELDING;
	s->upgrade.deadline_us = INT64_MAX; /* the drain has its own */
	LOG(LOG_INFO, "supervisor", "upgrade_needs_database", LOG_I("pid", s->upgrade.pid));
	notify_send(&s->notify, "STATUS=Draining, so that an upgrade can change the database");
	stop_to_yield(s);
}

/* Both must be gone: ours, and that of a server before us that still drains. */
static void free_store(struct supervisor *s)
{
	if (s->upgrade.state == UPGRADE_YIELDED && s->predecessor.state == PREDECESSOR_NONE) {
		set_deadline(s);
		control_poll_send(&s->upgrade.link, CONTROL_STORE_FREE, SLICE_EMPTY, NULL, 0);
	}
}

void upgrade_yielded(struct supervisor *s)
{
	if (s->upgrade.state == UPGRADE_YIELDING) {
		s->upgrade.state = UPGRADE_YIELDED;
		free_store(s);
	}
}

void upgrade_predecessor_ended(struct supervisor *s)
{
	free_store(s);
}

static void on_message(void *arg, const struct control_message *m)
{
	struct supervisor *s = arg;
	struct upgrade *u = &s->upgrade;
	struct control_failed f;

	if (m->kind == CONTROL_FAILED && u->reason[0] == '\0' && control_take_failed(m->body, &f)) {
		struct slice text = slice_trim(f.text);
		snprintf(u->reason, sizeof(u->reason), "%.*s", SLICE_ARG(text));
	} else if (has_ended(u)) {
		return;
	} else if (m->kind == CONTROL_NEED_STORE && u->state == UPGRADE_STARTING) {
		yield(s);
	} else if (m->kind == CONTROL_READY &&
		   (u->state == UPGRADE_STARTING || u->state == UPGRADE_YIELDED)) {
		finish(s);
	}
}

/* Its exit code comes with SIGCHLD. */
static void on_end(void *arg)
{
	(void)arg;
}

void upgrade_reap(struct supervisor *s)
{
	struct upgrade *u = &s->upgrade;
	char how[96];
	int status = 0;

	if (u->pid <= 0 || waitpid(u->pid, &status, WNOHANG) != u->pid) {
		return;
	}
	pid_t pid = u->pid;
	u->pid = 0;
	if (upgrade_is_under_way(u)) {
		/* What it said last may still be in the socket. */
		struct control_message m;
		while (control_poll_is_open(&u->link) &&
		       control_receive(&u->link.control, &m) == ERR_OK) {
			on_message(s, &m);
		}
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == SPAWN_NOT_EXECUTED) {
		snprintf(how, sizeof(how), "the new program could not be executed");
	} else if (WIFEXITED(status)) {
		snprintf(how, sizeof(how), "the new program ended with exit code %d",
		    WEXITSTATUS(status));
	} else {
		snprintf(how, sizeof(how), "the new program was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	}
	if (upgrade_is_under_way(u)) {
		fail(s, how);
	} else if (u->state == UPGRADE_DONE) {
		LOG(LOG_ERROR, "supervisor", "successor_ended", LOG_I("pid", pid),
		    LOG_C("how", how));
	}
}

void upgrade_step(struct supervisor *s, int64_t now_us)
{
	if (upgrade_is_under_way(&s->upgrade) && now_us > s->upgrade.deadline_us) {
		fail(s, "the new program did not become ready within [plimsoll] upgrade_timeout");
	}
}

static void hand_over(struct supervisor *s)
{
	struct control_handover h = { .version = CONTROL_HANDOVER_VERSION };
	struct buf body = buf_new(CONTROL_MAX_BYTES);
	int fds[CONTROL_MAX_FDS] = { s->lock_fd };

	for (unsigned i = 0; i < n_listeners; i++) {
		if (s->listen_fd[i] >= 0) {
			h.listener[h.n].section = slice_str(listeners[i].socket);
			h.listener[h.n].address = slice_str(s->listen_address[i]);
			fds[++h.n] = s->listen_fd[i];
		}
	}
	control_put_handover(&body, &h);
	control_poll_send(&s->upgrade.link, CONTROL_HANDOVER, buf_slice(&body), fds, h.n + 1);
	buf_free(&body);
}

static const char *why_not(const struct supervisor *s)
{
	if (upgrade_is_under_way(&s->upgrade)) {
		return "an upgrade is under way";
	}
	if (s->upgrade.state == UPGRADE_DONE) {
		return "another process has taken over";
	}
	if (s->stopping) {
		return "the server stops";
	}
	if (!s->announced) {
		return "the server is still starting";
	}
	if (s->upgrade.pid > 0) {
		return "the program of the last try has not ended yet";
	}
	return s->program[0] == '\0' ? "the server does not know its program" : NULL;
}

void upgrade_request(struct supervisor *s)
{
	struct upgrade *u = &s->upgrade;
	struct err_note note = { 0 };
	const char *why = why_not(s);
	int control = -1;

	if (why != NULL) {
		refuse(s, why);
		return;
	}
	if (spawn_successor(s->program, s->argv, &u->pid, &control, &note) != ERR_OK) {
		refuse(s, note.text);
		return;
	}
	LOG(LOG_INFO, "supervisor", "upgrading", LOG_C("program", s->program),
	    LOG_I("pid", u->pid));
	notify_send(&s->notify, "STATUS=Upgrading: process %d gets ready", (int)u->pid);
	u->state = UPGRADE_STARTING;
	u->reason[0] = '\0';
	u->begun_us = clock_mono_us();
	set_deadline(s);
	control_poll_init(&u->link, control);
	u->link.on_message = on_message;
	u->link.on_end = on_end;
	u->link.arg = s;
	control_poll_start(&u->link, s->loop);
	hand_over(s);
}
