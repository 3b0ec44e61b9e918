/*
 * See spawn.h. Between fork and exec the child calls only what is safe there. All signals are
 * blocked around the fork, because the handlers of the parent's loop would write into its pipe.
 */
#include "core/role/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/role/control.h"
#include "core/role/sandbox_priv.h"

enum {
	FD_SAFE = 10, /* descriptors kept for later do not sit where the child puts its own */
	ENV_MAX = 8,
	ENV_BYTES = 1024,
};

/* What a role process may see of our environment. */
static const char *const env_names[] = { "TZ", "LANG", "LC_ALL", "UBSAN_OPTIONS",
	"CREDENTIALS_DIRECTORY" };

struct child_env {
	char text[ENV_MAX][ENV_BYTES];
	char *vector[ENV_MAX + 1];
	unsigned n;
};

static void put_env(struct child_env *e, const char *name, const char *value, const char *suffix)
{
	int n = snprintf(e->text[e->n], ENV_BYTES, "%s=%s%s", name, value, suffix);

	if (n > 0 && n < ENV_BYTES) {
		e->vector[e->n] = e->text[e->n];
		e->n++;
	}
}

static void build_env(struct child_env *e)
{
	for (size_t i = 0; i < sizeof(env_names) / sizeof(env_names[0]); i++) {
		const char *value = getenv(env_names[i]);
		if (value != NULL) {
			put_env(e, env_names[i], value, "");
		}
	}
	if (SANDBOX_SANITIZED) {
		/* Leak detection stops threads with ptrace, which the sandbox does not let it. */
		const char *value = getenv("ASAN_OPTIONS");
		put_env(e, "ASAN_OPTIONS", value == NULL ? "" : value, ":detect_leaks=0");
	}
}

enum err spawn_open(const char *folder, const char *program, int *ret_fd, struct err_note *note)
{
	char path[PATH_MAX], installed[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, program);
	snprintf(installed, sizeof(installed), "%s/%s", PLIMSOLL_HELPER_DIR, program);
	if (access(path, X_OK) != 0) {
		int failed = errno;
		if (failed != ENOENT || access(installed, X_OK) != 0) {
			return err_note_set(note, err_from_errno(failed), "cannot execute %s: %s",
			    path, strerror(failed));
		}
		memcpy(path, installed, sizeof(path));
	}
	int fd = open(path, O_PATH | O_CLOEXEC);
	int safe = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_SAFE);
	if (safe < 0) {
		enum err e = err_note_set(
		    note, err_from_errno(errno), "cannot open %s: %s", path, strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return e;
	}
	close(fd);
	*ret_fd = safe;
	return ERR_OK;
}

/* SIGUSR2 asks a supervisor for an upgrade; before one listens to it, it must not kill. */
static void default_signals(void)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	sigset_t none;

	for (int signum = 1; signum < NSIG; signum++) {
		sigaction(signum, &by_default, NULL);
	}
	sigaction(SIGPIPE, &ignored, NULL);
	sigaction(SIGUSR2, &ignored, NULL);
	/* A limit on file sizes is a full disk, an error of the write. */
	sigaction(SIGXFSZ, &ignored, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Terminals and service managers send these to everybody; what to do about it is the supervisor's
 * decision.
 */
static void role_ignores(void)
{
	const struct sigaction ignored = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &ignored, NULL);
	sigaction(SIGHUP, &ignored, NULL);
}

static void arrange_descriptors(int control, int null)
{
	if (control == CONTROL_FD) {
		fcntl(control, F_SETFD, 0);
	} else {
		dup2(control, CONTROL_FD);
	}
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
	}
	dup2(STDERR_FILENO, STDOUT_FILENO);
	close_range(CONTROL_FD + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}

static _Noreturn void become_role(const struct spawn *s, pid_t parent, int control, int null,
    char *const argv[], char *const env[])
{
	default_signals();
	role_ignores();
	/* Should the supervisor die, see role_signal.c; it may have died already. */
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != parent) {
		_exit(SPAWN_NOT_EXECUTED);
	}
	setpriority(PRIO_PROCESS, 0, s->nice);
	arrange_descriptors(control, null);
	execveat(s->program_fd, "", argv, env, AT_EMPTY_PATH);
	_exit(SPAWN_NOT_EXECUTED);
}

/* fork() with all signals blocked; in the child they still are. */
static pid_t fork_quietly(void)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	int failed = errno;
	if (pid != 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
	errno = failed;
	return pid;
}

static enum err make_pair(int pair[2], struct err_note *note)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		return err_note_set(note, err_from_errno(errno), "socketpair: %s", strerror(errno));
	}
	return ERR_OK;
}

/* What the parent does after fork(): keeps its end of the pair, or tells why there is no child. */
static enum err after_fork(
    pid_t pid, const int pair[2], pid_t *ret_pid, int *ret_control, struct err_note *note)
{
	int failed = errno;

	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return err_note_set(note, err_from_errno(failed), "fork: %s", strerror(failed));
	}
	*ret_pid = pid;
	*ret_control = pair[0];
	return ERR_OK;
}

enum err spawn_role(const struct spawn *s, pid_t *ret_pid, int *ret_control, struct err_note *note)
{
	char program[NAME_MAX], flag[] = "--role", role[16], instance[16];
	char *argv[] = { program, flag, role, instance, NULL };
	struct child_env env = { 0 };
	int pair[2];
	enum err e = make_pair(pair, note);

	if (e != ERR_OK) {
		return e;
	}
	snprintf(program, sizeof(program), "%s", s->program);
	snprintf(role, sizeof(role), "%s", role_name(s->role));
	snprintf(instance, sizeof(instance), "%u", s->instance);
	build_env(&env);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t parent = getpid();
	pid_t pid = fork_quietly();
	if (pid == 0) {
		become_role(s, parent, pair[1], null, argv, env.vector);
	}
	e = after_fork(pid, pair, ret_pid, ret_control, note);
	if (null >= 0) {
		close(null);
	}
	return e;
}

/* ---- an upgrade ---- */

static bool is_ours_alone(const char *entry)
{
	static const char *const names[] = { "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=",
		"WATCHDOG_PID=", SPAWN_HANDOVER_ENV "=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(entry, names[i], strlen(names[i])) == 0) {
			return true;
		}
	}
	return false;
}

/* Our environment without those, and the one that names the control socket. Free the array. */
static char **successor_env(char handover[])
{
	size_t n = 0, kept = 0;

	while (environ[n] != NULL) {
		n++;
	}
	char **env = calloc(n + 2, sizeof(*env));
	for (size_t i = 0; env != NULL && i < n; i++) {
		if (!is_ours_alone(environ[i])) {
			env[kept++] = environ[i];
		}
	}
	if (env != NULL) {
		env[kept] = handover;
	}
	return env;
}

static _Noreturn void become_successor(
    const char *program, int control, char *const argv[], char *const env[])
{
	default_signals();
	if (control == CONTROL_FD) {
		fcntl(control, F_SETFD, 0);
	} else {
		dup2(control, CONTROL_FD);
	}
	close_range(CONTROL_FD + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
	execve(program, argv, env);
	_exit(SPAWN_NOT_EXECUTED);
}

enum err spawn_successor(const char *program, char *const argv[], pid_t *ret_pid, int *ret_control,
    struct err_note *note)
{
	char handover[sizeof(SPAWN_HANDOVER_ENV) + 16];
	int pair[2];

	if (access(program, X_OK) != 0) {
		return err_note_set(
		    note, err_from_errno(errno), "cannot execute %s: %s", program, strerror(errno));
	}
	snprintf(handover, sizeof(handover), "%s=%d", SPAWN_HANDOVER_ENV, CONTROL_FD);
	char **env = successor_env(handover);
	enum err e =
	    env == NULL ? err_note_set(note, ERR_MEMORY, "no memory") : make_pair(pair, note);
	if (e != ERR_OK) {
		free(env);
		return e;
	}
	pid_t pid = fork_quietly();
	if (pid == 0) {
		become_successor(program, pair[1], argv, env);
	}
	e = after_fork(pid, pair, ret_pid, ret_control, note);
	free(env);
	return e;
}
