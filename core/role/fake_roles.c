/*
 * See fake_roles.h.
 */
#include "core/role/fake_roles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	SLOW_US = 800000,
	LINE_BYTES = 256,
	CALL_MS = 2000
};

static enum err tell_pid(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)req;
	(void)note;
	buf_append_i64(reply, getpid());
	return ERR_OK;
}

#define PID_ROW(name, role)                                                                        \
	{                                                                                          \
		(name), ROLE_BIT(ROLE_WEB), (role), 0, 32, CALL_MS, 10, RPC_IDEMPOTENT, tell_pid   \
	}
static const struct rpc_def store_pid = PID_ROW("fake.store_pid", ROLE_STORE);
static const struct rpc_def signer_pid = PID_ROW("fake.signer_pid", ROLE_SIGNER);
static const struct rpc_def compute_pid = PID_ROW("fake.compute_pid", ROLE_COMPUTE);
static const struct rpc_def *const rows[] = { &store_pid, &signer_pid, &compute_pid };

/* ---- web ---- */

struct web {
	struct role_ctx *r;
	uv_poll_t poll;
	unsigned clients;
	bool draining;
};
static struct web web;

static void put_pid(struct arena *arena, const struct rpc_def *def, char *line)
{
	struct err_note note = { 0 };
	struct slice reply = SLICE_EMPTY;
	enum err e = rpc_call(
	    web.r->env.peer[def->to], def, SLICE_EMPTY, DEADLINE_NONE, 1, arena, &reply, &note);
	struct slice text = e == ERR_OK ? reply : slice_str(err_name(e));
	size_t len = strlen(line);

	snprintf(line + len, LINE_BYTES - len, " %s=%.*s", role_name(def->to), SLICE_ARG(text));
}

static void answer(int fd, const char *command)
{
	struct arena arena = arena_new(64 * 1024);
	char line[LINE_BYTES] = "";

	if (strncmp(command, "slow", 4) == 0) {
		CHECK(task_sleep(SLOW_US) == ERR_OK);
		put_pid(&arena, &store_pid, line);
		snprintf(line, sizeof(line), "%s",
		    strspn(line, " store=0123456789") == strlen(line) ? "done" : "failed");
	} else {
		snprintf(line, sizeof(line), "web=%d", (int)getpid());
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			put_pid(&arena, rows[i], line);
		}
		size_t len = strlen(line);
		snprintf(line + len, sizeof(line) - len, " greeting=%s",
		    conf_str(web.r->env.conf, "fake", "greeting"));
	}
	CHECK(write(fd, line, strlen(line)) == (ssize_t)strlen(line));
	arena_reset(&arena);
}

static void serve_client(void *arg)
{
	int *fd = arg;
	char command[LINE_BYTES] = "";
	ssize_t n;

	/* Clients of this test send their line at once. */
	while ((n = read(*fd, command, sizeof(command) - 1)) < 0) {
		CHECK(task_sleep(1000) == ERR_OK);
	}
	if (n > 0) {
		answer(*fd, command);
	}
	close(*fd);
	free(fd);
	web.clients--;
	if (web.draining && web.clients == 0) {
		role_drained(web.r);
	}
}

static void on_client(uv_poll_t *poll, int status, int events)
{
	int *fd = malloc(sizeof(*fd));

	(void)status;
	(void)events;
	(void)poll;
	CHECK(fd != NULL);
	*fd = accept4(web.r->listen_fd[0], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (*fd < 0) {
		free(fd); /* a sibling was faster */
		return;
	}
	web.clients++;
	CHECK(task_spawn(web.r->env.loop, serve_client, fd, DEADLINE_NONE, NULL) == ERR_OK);
}

static enum err web_serve(struct role_ctx *r, struct err_note *note)
{
	(void)note;
	web.r = r;
	CHECK(uv_poll_init(loop_uv(r->env.loop), &web.poll, r->listen_fd[0]) == 0);
	CHECK(uv_poll_start(&web.poll, UV_READABLE, on_client) == 0);
	return ERR_OK;
}

static void web_drain(struct role_ctx *r, int64_t deadline_us)
{
	(void)deadline_us;
	web.draining = true;
	uv_poll_stop(&web.poll);
	close(r->listen_fd[0]);
	if (web.clients == 0) {
		role_drained(r);
	}
}

/* ---- the others ---- */

static enum err signer_start(struct role_ctx *r, struct err_note *note)
{
	if (strcmp(conf_str(r->conf, "fake", "trouble"), "signer") == 0) {
		return err_note_set(note, ERR_CONFIG, "the key file has a hole");
	}
	return ERR_OK;
}

static enum err compute_start(struct role_ctx *r, struct err_note *note)
{
	(void)note;
	if (strcmp(conf_str(r->conf, "fake", "trouble"), "crash") == 0) {
		abort();
	}
	return ERR_OK;
}

static const struct role_ops web_ops = { .serve = web_serve, .drain = web_drain };
static const struct role_ops signer_ops = { .start = signer_start };
static const struct role_ops compute_ops = { .start = compute_start };
static const struct role_ops plain_ops = { 0 };

const struct role_ops *const fake_ops[ROLE_COUNT] = {
	[ROLE_WEB] = &web_ops,
	[ROLE_STORE] = &plain_ops,
	[ROLE_SIGNER] = &signer_ops,
	[ROLE_COMPUTE] = &compute_ops,
	[ROLE_ADMIN] = &plain_ops,
};

static enum err no_op(struct op_call *c)
{
	(void)c;
	return ERR_OK;
}

/* clang-format off */
static const struct op ops[] = {
	{ "fake.nothing", HTTP_GET, "/", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, no_op },
};
static const struct conf_key keys[] = {
	{ .section = "fake", .name = "greeting", .type = CONF_STRING, .def = "hello", .reloadable = true,
	  .help = "A word." },
	{ .section = "fake", .name = "trouble", .type = CONF_ENUM, .choices = "none|signer|crash", .def = "none",
	  .help = "Who fails while it starts." },
};
/* clang-format on */

static const struct service fake_service = {
	.name = "fake",
	.summary = "Answers who is there.",
	.listener = "main",
	.ops = ops,
	.n_ops = 1,
	.rpcs = rows,
	.n_rpcs = 3,
	.conf = { keys, 2 },
};
static const struct service *const services[] = { &fake_service };

const struct app fake_app = { services, 1, "0.0-test" };
