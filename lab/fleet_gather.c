/*
 * Who takes part: processes are forked and keep one end of a pair of sockets; others come in by a
 * listening socket, one after the other, and show that they know the token.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/host_port.h"
#include "lab/fleet_frame.h"
#include "lab/fleet_priv.h"
#include "lab/fleet_worker.h"

enum {
	PROOF_S = 5,   /* to show that the token is known */
	SILENT_S = 60, /* of a machine that does not even acknowledge */
	BACKLOG = 16,
	NAME_BYTES = 64,
};

static volatile sig_atomic_t stopped;

static void on_signal(int signum)
{
	(void)signum;
	stopped = 1;
}

static sigset_t the_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

void fleet_catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	sigset_t set = the_signals();

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

bool fleet_was_stopped(void)
{
	return stopped != 0;
}

bool fleet_wait(const int *fds, unsigned n, bool *ret_readable)
{
	struct pollfd polled[FLEET_MAX];
	sigset_t none;

	for (unsigned i = 0; i < n; i++) {
		polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	}
	sigemptyset(&none);
	int ready = ppoll(polled, n, NULL, &none);
	for (unsigned i = 0; i < n; i++) {
		ret_readable[i] = ready > 0 && polled[i].revents != 0;
	}
	return ready >= 0;
}

/* In the child, which inherits the leader's ends of the others' pairs. */
_Noreturn static void be_a_generator(struct fleet *c, const struct fleet_plan *plan, int fd)
{
	struct err_note note = { 0 };
	sigset_t set = the_signals();

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGINT, SIG_IGN); /* the leader hears of Ctrl-C, and says so */
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	for (unsigned i = 0; i < c->n; i++) {
		close(c->members[i].fd);
	}
	enum err e = plan->work == NULL ? fleet_work(fd, NULL, &note)
					: fleet_work_on(fd, plan->work, plan->arg, c->n, &note);
	free(c);
	exit(e == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE);
}

static enum err start_process(struct fleet *c, const struct fleet_plan *plan, struct err_note *note)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		return err_note_set(note, ERR_SYSTEM, "no pair of sockets: %s", strerror(errno));
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		be_a_generator(c, plan, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return err_note_set(note, ERR_SYSTEM, "no process: %s", strerror(errno));
	}
	c->members[c->n++] = (struct fleet_member){ .fd = pair[0], .pid = pid };
	return ERR_OK;
}

static enum err find(const char *text, int flags, struct addrinfo **ret, struct err_note *note)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV };
	char host[HOST_BYTES], port[PORT_BYTES];

	if (host_port_split(slice_str(text), host, port) != ERR_OK) {
		return err_note_set(note, ERR_INVALID, "\"%s\" is no HOST:PORT", text);
	}
	int failed = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, ret);
	return failed == 0
		   ? ERR_OK
		   : err_note_set(note, ERR_NOT_FOUND, "%s: %s", text, gai_strerror(failed));
}

static enum err open_door(const char *address, int *ret, struct err_note *note)
{
	const int yes = 1;
	struct addrinfo *found = NULL;
	enum err e = find(address, AI_PASSIVE, &found, note);

	if (e != ERR_OK) {
		return e;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	}
	bool good =
	    fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
	int failed = errno;
	freeaddrinfo(found);
	if (!good) {
		if (fd >= 0) {
			close(fd);
		}
		return err_note_set(note, ERR_SYSTEM, "%s: %s", address, strerror(failed));
	}
	*ret = fd;
	return ERR_OK;
}

/* A machine that is cut off is noticed within SILENT_S. */
static void set_up_connection(int fd, int patience_s)
{
	const int yes = 1, idle_s = SILENT_S / 4;
	const unsigned silent_ms = SILENT_S * 1000;
	const struct timeval patience = { .tv_sec = patience_s };

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof(silent_ms));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

static void let_in(struct fleet *c, int door, struct slice token)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char name[NAME_BYTES] = "somebody";
	struct err_note note = { 0 };

	int fd = accept4(door, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	if (fd < 0) {
		return;
	}
	(void)getnameinfo(
	    (struct sockaddr *)&peer, len, name, sizeof(name), NULL, 0, NI_NUMERICHOST);
	set_up_connection(fd, PROOF_S);
	if (fleet_admit(fd, token, &note) != ERR_OK) {
		fprintf(stderr, "plimsoll load: %s was sent away: it %s\n", name, note.text);
		close(fd);
		return;
	}
	/* It is read when something has come: what has begun must not keep the others waiting. */
	set_up_connection(fd, SILENT_S);
	c->members[c->n++] = (struct fleet_member){ .fd = fd };
	fprintf(stderr, "plimsoll load: %s joins as generator %u\n", name, c->n);
}

static enum err wait_for_others(
    struct fleet *c, const struct fleet_plan *plan, struct err_note *note)
{
	int door = -1;
	unsigned wanted = c->n + plan->joined;
	enum err e = open_door(plan->listen, &door, note);

	if (e == ERR_OK) {
		fprintf(stderr,
		    "plimsoll load: waiting at %s for %u generators (plimsoll load --join)\n",
		    plan->listen, plan->joined);
	}
	while (e == ERR_OK && c->n < wanted) {
		bool readable = false;
		(void)fleet_wait(&door, 1, &readable);
		if (fleet_was_stopped()) {
			e = err_note_set(
			    note, ERR_CANCELLED, "stopped before all generators were there");
		} else if (readable) {
			let_in(c, door, plan->token);
		}
	}
	if (door >= 0) {
		close(door);
	}
	return e;
}

enum err fleet_open(const struct fleet_plan *plan, struct fleet **ret, struct err_note *note)
{
	struct fleet *c = NULL;
	enum err e = ERR_OK;

	if (plan->processes + plan->joined > FLEET_MAX) {
		return err_note_set(note, ERR_LIMIT, "at most %d generators", FLEET_MAX);
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return ERR_MEMORY;
	}
	fleet_catch_signals();
	for (unsigned i = 0; e == ERR_OK && i < plan->processes; i++) {
		e = start_process(c, plan, note);
	}
	if (e == ERR_OK && plan->joined > 0) {
		e = wait_for_others(c, plan, note);
	}
	if (e != ERR_OK) {
		fleet_close(&c);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

void fleet_close(struct fleet **cp)
{
	struct fleet *c = *cp;

	if (c == NULL) {
		return;
	}
	for (unsigned i = 0; i < c->n; i++) {
		if (c->members[i].fd >= 0) {
			close(c->members[i].fd); /* ends its run */
		}
	}
	for (unsigned i = 0; i < c->n; i++) {
		if (c->members[i].pid > 0) {
			(void)waitpid(c->members[i].pid, NULL, 0);
		}
	}
	free(c);
	*cp = NULL;
}

/* ---- the other side ---- */

static enum err join_once(
    const char *leader, struct slice token, const char *from, struct err_note *note)
{
	struct addrinfo *found = NULL;
	enum err e = find(leader, 0, &found, note);

	if (e != ERR_OK) {
		return e;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
	int failed = errno;
	freeaddrinfo(found);
	if (!good) {
		e = err_note_set(note, ERR_PEER_GONE, "%s: %s", leader, strerror(failed));
	} else {
		set_up_connection(fd, 0);
		e = fleet_ask_in(fd, token, note);
		e = e == ERR_OK ? fleet_work(fd, from, note) : e;
	}
	if (fd >= 0) {
		close(fd);
	}
	return e;
}

enum err fleet_join(const char *leader, struct slice token, unsigned processes, const char *from,
    struct err_note *note)
{
	pid_t others[FLEET_MAX];
	unsigned n = 0;

	for (; n + 1 < processes && n < FLEET_MAX; n++) {
		others[n] = fork();
		if (others[n] == 0) {
			struct err_note own = { 0 };
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			exit(join_once(leader, token, from, &own) == ERR_OK ? EXIT_SUCCESS
									    : EXIT_FAILURE);
		}
		if (others[n] < 0) {
			return err_note_set(note, ERR_SYSTEM, "no process: %s", strerror(errno));
		}
	}
	enum err e = join_once(leader, token, from, note);
	for (unsigned i = 0; i < n; i++) {
		int status = 0;
		if (waitpid(others[i], &status, 0) > 0 && status != 0 && e == ERR_OK) {
			e = err_note_set(note, ERR_SYSTEM, "one of the processes failed");
		}
	}
	return e;
}
