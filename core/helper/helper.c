/*
 * See helper.h. The child between fork and exec calls only what is safe there: other threads of
 * this process may hold any lock.
 */
#include "core/helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"

enum {
	PIECE_BYTES = 64 * 1024,
};

#if defined(__SANITIZE_ADDRESS__)
#define HELPER_IS_HEARD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HELPER_IS_HEARD 1
#endif
#endif
#ifndef HELPER_IS_HEARD
#define HELPER_IS_HEARD 0
#endif

/* Every signal as it was when the program began, and none blocked. */
static void default_signals(void)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signum = 1; signum < NSIG; signum++) {
		sigaction(signum, &by_default, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct helper_job *job, int out, pid_t parent)
{
	const struct rlimit cpu = { job->cpu_s, job->cpu_s + 1 }, none = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent) {
		_exit(HELPER_NOT_EXECUTED);
	}
	default_signals();
	/*
	 * What nobody has marked to be closed (the way to the supervisor is such a one) is not for
	 * it. A role has /dev/null as its input.
	 */
	bool is_ready = close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0 &&
			(HELPER_IS_HEARD || dup2(STDIN_FILENO, STDERR_FILENO) >= 0) &&
			dup2(job->input_fd, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
			setrlimit(RLIMIT_CPU, &cpu) == 0 && setrlimit(RLIMIT_CORE, &none) == 0;
	if (is_ready) {
		execveat(job->program_fd, "", job->argv, job->env, AT_EMPTY_PATH);
	}
	_exit(HELPER_NOT_EXECUTED);
}

static enum err start(
    const struct helper_job *job, pid_t *ret_pid, int *ret_out, struct err_note *note)
{
	sigset_t all, before;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return err_note_set(note, err_from_errno(errno), "pipe: %s", strerror(errno));
	}
	/* Handlers of ours must not run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		become(job, ends[1], parent);
	}
	int failed = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)close(ends[1]);
	if (pid < 0) {
		(void)close(ends[0]);
		return err_note_set(note, err_from_errno(failed), "fork: %s", strerror(failed));
	}
	*ret_pid = pid;
	*ret_out = ends[0];
	return ERR_OK;
}

/* Reads until the end of its output, or until there is a reason to end it. */
static enum helper_end listen_to(int fd, int64_t until_us, struct buf *out)
{
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left_ms = (until_us - clock_mono_us() + 999) / 1000;
		int n = left_ms <= 0 ? 0 : poll(&ready, 1, (int)left_ms);
		if (n == 0) {
			return HELPER_OVERDUE;
		}
		if (n < 0) {
			continue;
		}
		size_t room = out->max - out->len;
		char *piece = buf_room(out, room < PIECE_BYTES ? room : PIECE_BYTES);
		if (room == 0 || piece == NULL) {
			return HELPER_TALKED;
		}
		ssize_t got = read(fd, piece, room < PIECE_BYTES ? room : PIECE_BYTES);
		if (got == 0) {
			return HELPER_EXITED;
		}
		if (got > 0) {
			buf_grew(out, (size_t)got);
		}
	}
}

/* One that has closed its output and goes on is overdue as any other. */
static bool is_over(pid_t pid, int64_t until_us, int *ret_status)
{
	pid_t got = 0;

	for (int64_t step_us = 100; (got = waitpid(pid, ret_status, WNOHANG)) == 0;
	     step_us = step_us < 10000 ? step_us * 2 : step_us) {
		if (clock_mono_us() > until_us) {
			return false;
		}
		(void)poll(NULL, 0, (int)((step_us + 999) / 1000));
	}
	return got == pid;
}

enum err helper_run(const struct helper_job *job, struct buf *out, enum helper_end *ret_end,
    int *ret_code, struct err_note *note)
{
	int64_t until_us = clock_mono_us() + job->wall_ms * 1000;
	int fd = -1, status = 0;
	pid_t pid = 0;
	enum err e = start(job, &pid, &fd, note);

	if (e != ERR_OK) {
		return e;
	}
	enum helper_end end = listen_to(fd, until_us, out);
	if (end == HELPER_EXITED && !is_over(pid, until_us, &status)) {
		end = HELPER_OVERDUE;
	}
	if (end != HELPER_EXITED) {
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
		}
	} else if (WIFSIGNALED(status)) {
		end = WTERMSIG(status) == SIGXCPU ? HELPER_OVERDUE : HELPER_KILLED;
	}
	(void)close(fd);
	*ret_end = end;
	*ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	return ERR_OK;
}
