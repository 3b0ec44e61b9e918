/*
 * plimsoll check: the part about NATS. libnats lies in plimsoll-nats, which is asked.
 */
#include "cmd/check_nats.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/role/role.h"
#include "core/role/spawn.h"

enum {
	CONF_MAX = 1024 * 1024
};

static int open_program(void)
{
	char own[4096];
	struct err_note note = { 0 };
	int fd = -1;
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[n > 0 ? n : 0] = '\0';
	if (spawn_open(dirname(own), role_table[ROLE_OFFLOAD].program, &fd, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return -1;
	}
	return fd;
}

static _Noreturn void become(int program, int input)
{
	char name[] = "plimsoll-nats", flag[] = "--check";
	char *const argv[] = { name, flag, NULL };

	dup2(input, STDIN_FILENO);
	fexecve(program, argv, environ);
	_exit(EXIT_FAILED);
}

/* False: it has not taken all. */
static bool send_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);
		if (n <= 0) {
			return false;
		}
		s = slice_sub(s, (size_t)n, s.len);
	}
	return true;
}

static int ask(int program, struct slice text)
{
	int pair[2], status = 0;

	fflush(stdout);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		return EXIT_FAILED;
	}
	pid_t pid = fork();
	if (pid == 0) {
		become(program, pair[1]);
	}
	close(pair[1]);
	bool is_sent = pid > 0 && send_all(pair[0], text);
	close(pair[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !is_sent || !WIFEXITED(status)) {
		return EXIT_FAILED;
	}
	return WEXITSTATUS(status);
}

int check_nats(const struct conf *conf)
{
	struct buf text = buf_new(CONF_MAX);
	struct slice all = SLICE_EMPTY;
	int code = EXIT_OK;

	if (conf_str(conf, "nats", "url")[0] == '\0') {
		return EXIT_OK;
	}
	conf_export(conf, ROLE_OFFLOAD, &text);
	int program = open_program();
	if (program < 0 || buf_finish(&text, &all) != ERR_OK) {
		code = EXIT_FAILED;
	} else {
		code = ask(program, all) == EXIT_CONFIG ? EXIT_CONFIG : EXIT_OK;
	}
	if (program >= 0) {
		close(program);
	}
	if (text.data != NULL) {
		explicit_bzero(text.data, text.cap);
	}
	buf_free(&text);
	return code;
}
