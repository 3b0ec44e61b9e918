/*
 * The real web, admin and store roles around a small service, in their sandboxes: health, metrics
 * and status, reading the database while the store writes it, drain over HTTP, a store that dies.
 */
#include "core/role/supervisor_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/ev/task.h"
#include "core/role/roles.h"
#include "core/store/store.h"

/* ---- a service: one counter in the database ---- */

static const struct sql_stmt stmts[] = {
	{ .name = "count.read", .text = "SELECT n FROM count_value WHERE id = 1" },
	{ .name = "count.add",
	    .text = "UPDATE count_value SET n = n + 1 WHERE id = 1",
	    .flags = SQL_WRITES },
};

static enum err add_one(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct sql_query *q = NULL;
	enum err e = sql_begin(t->db, &stmts[1], &q, note);

	(void)info;
	(void)req;
	(void)reply;
	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static const struct rpc_def add_row = { "count.add_one", ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_ADMIN),
	ROLE_STORE, 0, 0, 3000, 100, RPC_TXN, add_one };
static const struct rpc_def *const rpcs[] = { &add_row };

static enum err add(struct op_call *c)
{
	const struct svc_env *env = c->env;
	enum err e = rpc_call(env->peer[ROLE_STORE], &add_row, SLICE_EMPTY, c->deadline_us,
	    c->trace, c->arena, NULL, &c->note);

	if (e == ERR_OK) {
		http_reply(c->req, 200, SLICE("text/plain"), SLICE("added"));
	}
	return e;
}

static enum err add_slowly(struct op_call *c)
{
	enum err e = task_sleep(400000);

	return e == ERR_OK ? add(c) : e;
}

static enum err show(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct sql_query *q = NULL;
	enum err e = sql_begin(env->db, &stmts[0], &q, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	if (e == ERR_OK) {
		const char *text = arena_printf(c->arena, "n=%d", (int)sql_col_i64(q, 0));
		http_reply(c->req, 200, SLICE("text/plain"), slice_str(text));
	}
	sql_end(q);
	return e;
}

/* clang-format off */
static const struct op ops[] = {
	{ "count.show", HTTP_GET,  "/",     COST_READ,  SHED_LATE, 2000, 0, OP_INLINE, show },
	{ "count.add",  HTTP_POST, "/",     COST_WRITE, SHED_LATE, 3000, 0, 0, add },
	{ "count.slow", HTTP_POST, "/slow", COST_WRITE, SHED_LATE, 3000, 0, 0, add_slowly },
};
static const struct op own_admin_ops[] = {
	{ "count.admin", HTTP_GET, "/count", COST_MEMORY, SHED_LATE, 1000, 0, 0, add },
};
static const struct migration migrations[] = {
	{ 1, "CREATE TABLE count_value (id BIGINT PRIMARY KEY, n BIGINT NOT NULL);"
	     "INSERT INTO count_value (id, n) VALUES (1, 0)" },
};
/* clang-format on */
static const struct service count_service = { .name = "count",
	.summary = "Counts.",
	.listener = "main",
	.ops = ops,
	.n_ops = 3,
	.admin_ops = own_admin_ops,
	.n_admin_ops = 1,
	.rpcs = rpcs,
	.n_rpcs = 1,
	.stmts = { stmts, 2 },
	.migrations = migrations,
	.n_migrations = 1 };
static const struct service *const services[] = { &count_service };
static const struct app app = { services, 1, "0.0-test" };
/* No row names signer, compute or courier, so they are not started. */
static const struct role_ops *const role_ops[ROLE_COUNT] = {
	[ROLE_WEB] = &web_role_ops,
	[ROLE_STORE] = &store_role_ops,
	[ROLE_ADMIN] = &admin_role_ops,
};

/* ---- tests ---- */

static int set_up(void **state)
{
	struct rig *g = rig_new(&app);

	rig_write(g->conf_path, "");
	rig_launch(g, NULL);
	rig_await_ready(g);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

enum {
	ANSWER_BYTES = 256 * 1024
};

/* Sends a request line and returns the whole answer, which the caller frees. */
static char *fetch(uint16_t port, const char *line)
{
	char request[200];
	char *answer = malloc(ANSWER_BYTES);

	assert_non_null(answer);
	snprintf(request, sizeof(request),
	    "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", line);
	(void)rig_hear(rig_ask(port, request), answer, ANSWER_BYTES);
	return answer;
}

static bool answers(uint16_t port, const char *line, const char *status, const char *body)
{
	char *answer = fetch(port, line);
	const char *head_end = strstr(answer, "\r\n\r\n");
	bool is_so = head_end != NULL && strncmp(answer, "HTTP/1.1 ", 9) == 0 &&
		     strncmp(answer + 9, status, strlen(status)) == 0 &&
		     strcmp(head_end + 4, body) == 0;

	if (!is_so) {
		print_message("%s: %s\n", line, answer);
	}
	free(answer);
	return is_so;
}

static void health_is_answered_on_both_listeners(void **state)
{
	struct rig *g = *state;
	const uint16_t ports[] = { g->port, g->admin_port };

	for (size_t i = 0; i < 2; i++) {
		assert_true(answers(ports[i], "GET /__heartbeat__", "200", "ok"));
		assert_true(answers(ports[i], "GET /__lbheartbeat__", "200", "{}"));
		assert_true(answers(ports[i], "GET /__version__", "200",
		    "{\"name\":\"plimsoll\",\"version\":\"0.0-test\"}"));
	}
}

static void web_reads_what_the_store_wrote(void **state)
{
	struct rig *g = *state;

	assert_true(answers(g->port, "GET /", "200", "n=0"));
	assert_true(answers(g->port, "POST /", "200", "added"));
	assert_true(answers(g->port, "GET /", "200", "n=1"));
	/* The admin listener serves the service's admin rows, with its own channel to the store. */
	assert_true(answers(g->admin_port, "GET /count", "200", "added"));
	assert_true(answers(g->port, "GET /", "200", "n=2"));
}

static void metrics_count_per_operation(void **state)
{
	struct rig *g = *state;

	assert_true(answers(g->port, "GET /", "200", "n=0"));
	assert_true(answers(g->port, "GET /", "200", "n=0"));
	char *text = fetch(g->admin_port, "GET /metrics");
	assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4"));
	const char *row = strstr(text, "plimsoll_http_requests_total{");
	while (row != NULL &&
	       (strstr(row, "op=\"count.show\"") == NULL || strstr(row, "} 2\n") == NULL)) {
		row = strstr(row + 1, "plimsoll_http_requests_total{");
	}
	assert_non_null(row);
	free(text);
}

/* The member of the process of that role in /status. */
static int64_t process_number(
    const struct json *status, const char *role, const char *name, struct slice *ret_state)
{
	const struct json *processes = json_member(status, "processes");

	for (size_t i = 0; i < json_count(processes); i++) {
		const struct json *p = json_element(processes, i);
		struct slice its_role = SLICE_EMPTY;
		int64_t n = -1;
		if (json_get_string(json_member(p, "role"), &its_role) &&
		    slice_eq(its_role, slice_str(role))) {
			assert_true(json_get_i64(json_member(p, name), &n));
			assert_true(json_get_string(json_member(p, "state"), ret_state));
			return n;
		}
	}
	return -1;
}

static void status_shows_processes_and_sandbox(void **state)
{
	static const char *const roles[] = { "web", "store", "admin" };
	struct rig *g = *state;
	struct arena arena = arena_new(1024 * 1024);
	const struct json *status = NULL;
	struct slice name = SLICE_EMPTY, text = SLICE_EMPTY;
	char *answer = fetch(g->admin_port, "GET /status");

	const char *body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	assert_int_equal(json_parse(&arena, slice_str(body + 4), &status, NULL), ERR_OK);
	assert_int_equal(json_count(json_member(status, "processes")), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(process_number(status, roles[i], "sandbox", &text), 7);
		assert_true(slice_eq(text, SLICE("serving")));
		assert_true(process_number(status, roles[i], "pid", &text) > 0);
		assert_int_equal(process_number(status, roles[i], "restarts", &text), 0);
	}
	assert_true(json_get_string(json_element(json_member(status, "services"), 0), &name));
	assert_true(slice_eq(name, SLICE("count")));
	arena_reset(&arena);
	free(answer);
}

static void index_names_the_pages(void **state)
{
	struct rig *g = *state;
	char *text = fetch(g->admin_port, "GET /live");

	assert_non_null(strstr(text, "\"/metrics\""));
	assert_non_null(strstr(text, "\"/count\""));
	free(text);
}

static void slow_request_ends_well_during_the_drain(void **state)
{
	struct rig *g = *state;
	char answer[1024];
	int fd = rig_ask(g->port, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");

	usleep(100000);
	kill(g->pid, SIGTERM);
	usleep(100000);
	assert_int_equal(rig_ask(g->port, "GET / HTTP/1.1\r\n"), -1);
	assert_true(rig_hear(fd, answer, sizeof(answer)));
	assert_non_null(strstr(answer, "HTTP/1.1 200"));
	assert_non_null(strstr(answer, "Connection: close"));
	assert_non_null(strstr(answer, "added"));
	assert_int_equal(rig_await_exit(g), EXIT_OK);
}

static int64_t pid_of(const struct rig *g, const char *role)
{
	struct arena arena = arena_new(1024 * 1024);
	const struct json *status = NULL;
	struct slice text = SLICE_EMPTY;
	char *answer = fetch(g->admin_port, "GET /status");

	assert_int_equal(
	    json_parse(&arena, slice_str(strstr(answer, "\r\n\r\n") + 4), &status, NULL), ERR_OK);
	int64_t pid = process_number(status, role, "pid", &text);
	arena_reset(&arena);
	free(answer);
	return pid;
}

static void nothing_is_lost_when_the_store_is_killed(void **state)
{
	struct rig *g = *state;
	bool added = false;

	assert_true(answers(g->port, "POST /", "200", "added"));
	pid_t store = (pid_t)pid_of(g, "store");
	assert_true(store > 0);
	kill(store, SIGKILL);
	/* Reading goes on without it, and says what was acknowledged. */
	assert_true(answers(g->port, "GET /", "200", "n=1"));
	for (int i = 0; i < 100 && !added; i++) {
		char *answer = fetch(g->port, "POST /");
		added = strstr(answer, "added") != NULL;
		free(answer);
		usleep(20000);
	}
	assert_true(added);
	assert_true(pid_of(g, "store") != store);
	/* Not asked again on the killed one: refusals of the gap have not counted. */
	assert_true(answers(g->port, "GET /", "200", "n=2"));
	assert_true(answers(g->port, "GET /__heartbeat__", "200", "ok"));
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(health_is_answered_on_both_listeners),
		TEST(web_reads_what_the_store_wrote),
		TEST(metrics_count_per_operation),
		TEST(status_shows_processes_and_sandbox),
		TEST(index_names_the_pages),
		TEST(slow_request_ends_well_during_the_drain),
		TEST(nothing_is_lost_when_the_store_is_killed),
	};

	if (argc > 1 && strcmp(argv[1], "--role") == 0) {
		return role_main(&app, role_ops, argc, argv);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
