/*
 * See supervisor_rig.h.
 */
#include "core/role/supervisor_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/role/supervisor.h"

/* ---- the rig ---- */

void rig_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

void rig_read(const char *path, char text[RIG_TEXT_BYTES])
{
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	text[fread(text, 1, RIG_TEXT_BYTES - 1, f)] = '\0';
	fclose(f);
}

struct rig *rig_new(const struct app *app)
{
	struct rig *g = calloc(1, sizeof(*g));
	char exe[PATH_MAX] = "", link[PATH_MAX];

	assert_non_null(g);
	snprintf(g->folder, sizeof(g->folder), "/tmp/plimsoll-supervisor-XXXXXX");
	assert_non_null(mkdtemp(g->folder));
	snprintf(g->data_dir, sizeof(g->data_dir), "%s/data", g->folder);
	snprintf(g->conf_path, sizeof(g->conf_path), "%s/conf", g->folder);
	snprintf(g->error_path, sizeof(g->error_path), "%s/stderr", g->folder);
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	snprintf(link, sizeof(link), "%s/plimsoll", g->folder);
	assert_int_equal(symlink(exe, link), 0);
	g->out = -1;
	g->app = app;
	return g;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void rig_free(struct rig *g)
{
	if (g->pid > 0) {
		kill(g->pid, SIGKILL);
		waitpid(g->pid, NULL, 0);
	}
	if (g->out >= 0) {
		close(g->out);
	}
	nftw(g->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(g);
}

static void set(
    struct conf *conf, const char *origin, const char *section, const char *name, const char *value)
{
	struct buf problems = buf_new(RIG_TEXT_BYTES);

	if (conf_set(conf, origin, slice_str(section), slice_str(name), slice_str(value),
		&problems) != ERR_OK) {
		_exit(99);
	}
	buf_free(&problems);
}

/* In the child: what `plimsoll serve -c FILE --set ... ONLY` does. */
static _Noreturn void serve(const struct rig *g, const char *only)
{
	struct buf problems = buf_new(RIG_TEXT_BYTES);
	struct conf *conf = NULL;

	if (app_conf_new(g->app, &conf) != ERR_OK) {
		_exit(99);
	}
	set(conf, "test", "web", "listen", "127.0.0.1:0");
	set(conf, "test", "admin", "listen", "127.0.0.1:0");
	set(conf, "test", "health", "listen", "127.0.0.1:0");
	if (conf_load(conf, g->conf_path, &problems) != ERR_OK) {
		_exit(99);
	}
	set(conf, "command line", "plimsoll", "data_dir", g->data_dir);
	set(conf, "command line", "web", "instances", "1");
	set(conf, "command line", "compute", "instances", "1");
	if (g->before != NULL) {
		g->before();
	}
	int code = supervisor_run_with(&(struct supervisor_options){ .app = g->app,
	    .conf = conf,
	    .conf_path = g->conf_path,
	    .program_folder = g->folder,
	    .only_service = only,
	    .no_sandbox = g->no_sandbox });
	conf_free(&conf);
	exit(code);
}

void rig_launch(struct rig *g, const char *only)
{
	/* Made here, so that it can be read before the child has come to run. */
	int error = open(g->error_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int pipe_fd[2];

	assert_true(error >= 0);
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	g->pid = fork();
	assert_true(g->pid >= 0);
	if (g->pid == 0) {
		dup2(pipe_fd[1], STDOUT_FILENO);
		dup2(error, STDERR_FILENO);
		serve(g, only);
	}
	close(error);
	close(pipe_fd[1]);
	g->out = pipe_fd[0];
}

/* The port behind "title  http://127.0.0.1:" in the text, or 0. */
static uint16_t port_of(const char *text, const char *title)
{
	static const char scheme[] = "http://127.0.0.1:";
	const char *line = strstr(text, title);
	const char *address = line == NULL ? NULL : strstr(line, scheme);

	return address == NULL ? 0 : (uint16_t)strtoul(address + strlen(scheme), NULL, 10);
}

void rig_await_ready(struct rig *g)
{
	char text[RIG_TEXT_BYTES] = "";
	size_t len = 0;
	int64_t end_us = clock_mono_us() + RIG_PATIENCE_MS * 1000;

	while (strstr(text, g->data_dir) == NULL) {
		struct pollfd p = { .fd = g->out, .events = POLLIN };
		int left_ms = (int)((end_us - clock_mono_us()) / 1000);
		ssize_t n = poll(&p, 1, left_ms < 0 ? 0 : left_ms) > 0
				? read(g->out, text + len, sizeof(text) - 1 - len)
				: 0;
		if (n <= 0) {
			rig_read(g->error_path, text);
			fail_msg("not ready: %s", text);
		}
		len += (size_t)n;
		text[len] = '\0';
	}
	g->port = port_of(text, "service");
	g->admin_port = port_of(text, "admin");
	assert_true(g->port != 0 && g->admin_port != 0);
}

int rig_await_exit(struct rig *g)
{
	int status = 0;

	for (int i = 0; i < RIG_PATIENCE_MS / 10; i++) {
		if (waitpid(g->pid, &status, WNOHANG) == g->pid) {
			g->pid = 0;
			assert_true(WIFEXITED(status));
			return WEXITSTATUS(status);
		}
		poll(NULL, 0, 10);
	}
	fail_msg("the supervisor does not end");
	return -1;
}

int rig_ask(uint16_t port, const char *text)
{
	const struct timeval patience = { 5, 0 };
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const void *)&address, sizeof(address)) != 0 ||
	    send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool rig_hear(int fd, char *out, size_t out_size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (fd >= 0 && n > 0 && len + 1 < out_size) {
		n = read(fd, out + len, out_size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	out[len] = '\0';
	if (fd >= 0) {
		close(fd);
	}
	return len > 0;
}
