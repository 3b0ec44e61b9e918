/*
 * A whole server in the test's own process: what a scenario over a network cannot see, such as the
 * order in which waiting requests begin, or what is refused at start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/http/server.h"

enum {
	CLIENTS = 6,
	ANSWER_BYTES = 512
};

static struct {
	struct loop *loop;
	/* The first letter of each operation's path, in order of beginning, and turns as brackets.
	 */
	char begun[64];
	bool shows_turns;
	size_t n;
	struct http_server *server;
	const struct http_site *sites[1]; /* the server keeps it */
} self;

static enum err note_path(struct op_call *c)
{
	self.begun[self.n++] = http_path(c->req).ptr[1];
	http_reply(c->req, 200, SLICE("text/plain"), SLICE("ok\n"));
	return ERR_OK;
}

static void note_turn(void *arg, bool on)
{
	(void)arg;
	if (self.shows_turns) {
		self.begun[self.n++] = on ? '(' : ')';
	}
}

static void spin(int64_t us)
{
	int64_t until_us = clock_mono_us() + us;

	while (clock_mono_us() < until_us) {
	}
}

/* Keeps the loop until all other requests have come. */
static enum err hold(struct op_call *c)
{
	spin(50000);
	return note_path(c);
}

/* Longer than a slice. */
static enum err slow(struct op_call *c)
{
	spin(2000);
	return note_path(c);
}

/* clang-format off */
static const struct op ops[] = {
	{ "t.hold", HTTP_GET, "/0", COST_MEMORY, SHED_NEVER, 10000, 0, OP_INLINE, hold },
	{ "t.health", HTTP_GET, "/health", COST_HEALTH, SHED_NEVER, 10000, 0, OP_INLINE, note_path },
	{ "t.memory", HTTP_GET, "/memory", COST_MEMORY, SHED_NEVER, 10000, 0, OP_INLINE, note_path },
	{ "t.read", HTTP_GET, "/read", COST_READ, SHED_NEVER, 10000, 0, OP_INLINE, note_path },
	{ "t.write", HTTP_GET, "/write", COST_WRITE, SHED_NEVER, 10000, 0, OP_INLINE, note_path },
	{ "t.compute", HTTP_GET, "/compute", COST_COMPUTE, SHED_NEVER, 10000, 0, 0, note_path },
	{ "t.slow", HTTP_GET, "/slow", COST_COMPUTE, SHED_NEVER, 10000, 0, 0, slow },
};
/* clang-format on */

struct fixture {
	struct conf *conf;
	struct metric_schema *schema;
	void *block;
	struct metrics *metrics;
	unsigned port;
};

static enum err open_server(struct fixture *f, const struct http_site *site, struct err_note *note)
{
	struct http_server_options o = { .sites = self.sites, .n_sites = 1 };

	self.sites[0] = site;
	assert_int_equal(conf_new(&http_conf, 1, &f->conf), ERR_OK);
	assert_int_equal(metric_schema_new(&f->schema), ERR_OK);
	http_metric_schema(f->schema, self.sites, 1);
	size_t bytes = metrics_block_bytes(f->schema, 1);
	f->block = metrics_block_new(f->schema, 1);
	assert_non_null(f->block);
	assert_int_equal(metrics_open(f->schema, f->block, bytes, 1, 0, &f->metrics), ERR_OK);
	assert_int_equal(loop_open(16, &self.loop), ERR_OK);
	self.n = 0;
	memset(self.begun, 0, sizeof(self.begun));
	o.turn = note_turn;
	o.conf = f->conf;
	o.metrics = f->metrics;
	return http_server_new(self.loop, &o, &self.server, note);
}

static void close_server(struct fixture *f)
{
	http_server_free(&self.server);
	loop_close(&self.loop);
	metrics_close(&f->metrics);
	metric_schema_free(&f->schema);
	conf_free(&f->conf);
	free(f->block);
}

static void begin_listening(struct fixture *f)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	int fd = -1;

	assert_int_equal(http_listen_socket("0", &fd, NULL), ERR_OK);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	f->port = ntohs(in.sin_port);
	assert_int_equal(http_server_listen(self.server, fd), ERR_OK);
}

static int client(const struct fixture *f, const char *path)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)f->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char request[128];

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	assert_int_equal(write(fd, request, (size_t)len), len);
	return fd;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void stop_when_all_have_begun(void *arg)
{
	(void)arg;
	if (self.n == CLIENTS) {
		loop_stop(self.loop);
	}
}

static void waiting_requests_begin_in_the_order_of_their_class(void **state)
{
	/* "0" ends the first slice; by the next one all others have long been waiting. */
	static const char *const paths[CLIENTS] = { "/0", "/compute", "/write", "/read", "/memory",
		"/health" };
	const struct http_site site = { .ops = ops, .n_ops = sizeof(ops) / sizeof(ops[0]) };
	struct fixture f = { .conf = NULL };
	int fd[CLIENTS];
	(void)state;

	assert_int_equal(open_server(&f, &site, NULL), ERR_OK);
	begin_listening(&f);
	for (int i = 0; i < CLIENTS; i++) {
		fd[i] = client(&f, paths[i]);
	}
	loop_every(self.loop, 10, stop_when_all_have_begun, NULL);
	loop_run(self.loop);
	/* Health is of a class before memory: if it came in the first slice it went before "0". */
	assert_string_equal(self.begun, "h0mrwc");
	for (int i = 0; i < CLIENTS; i++) {
		char answer[ANSWER_BYTES];
		ssize_t n = read(fd[i], answer, sizeof(answer) - 1);
		assert_true(n > 0);
		assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
		close(fd[i]);
	}
	close_server(&f);
}

/* What a task does before it first waits is part of the slice. */
static void a_slow_task_lets_the_sockets_have_their_turn(void **state)
{
	const struct http_site site = { .ops = ops, .n_ops = sizeof(ops) / sizeof(ops[0]) };
	struct fixture f = { .conf = NULL };
	int fd[CLIENTS];
	(void)state;

	assert_int_equal(open_server(&f, &site, NULL), ERR_OK);
	begin_listening(&f);
	for (int i = 0; i < CLIENTS - 1; i++) {
		fd[i] = client(&f, "/slow");
	}
	loop_every(self.loop, 1, stop_loop, self.loop);
	while (self.n == 0) {
		loop_run(self.loop);
	}
	fd[CLIENTS - 1] = client(&f, "/health");
	while (self.n < CLIENTS) {
		loop_run(self.loop);
	}
	assert_true(strchr(self.begun, 'h') < self.begun + CLIENTS - 1);
	for (int i = 0; i < CLIENTS; i++) {
		close(fd[i]);
	}
	close_server(&f);
}

static void refused_at_start(const struct op *wrong, unsigned n, const char *named)
{
	const struct http_site site = { .ops = wrong, .n_ops = n };
	struct fixture f = { .conf = NULL };
	struct err_note note = { .code = ERR_OK };

	self.server = NULL;
	assert_int_equal(open_server(&f, &site, &note), ERR_CONFIG);
	assert_null(self.server);
	assert_non_null(strstr(note.text, named));
	close_server(&f);
}

static void rows_that_cannot_work_are_refused(void **state)
{
	struct op two[2] = { ops[1], ops[1] };
	(void)state;

	two[1].name = "t.again";
	refused_at_start(two, 2, "t.again");
	struct op lacking = ops[1];
	lacking.handle = NULL;
	refused_at_start(&lacking, 1, "t.health");
	lacking = ops[1];
	lacking.deadline_ms = 0;
	refused_at_start(&lacking, 1, "t.health");
	lacking = ops[1];
	lacking.cost = COST_CLASSES;
	refused_at_start(&lacking, 1, "t.health");
}

static void count_drained(void *arg)
{
	++*(int *)arg;
	loop_stop(self.loop);
}

static void a_drain_ends_once_and_in_time(void **state)
{
	const struct http_site site = { .ops = ops, .n_ops = sizeof(ops) / sizeof(ops[0]) };
	struct fixture f = { .conf = NULL };
	int drained = 0;
	(void)state;

	assert_int_equal(open_server(&f, &site, NULL), ERR_OK);
	begin_listening(&f);
	int fd = client(&f, "/memory HTTP/1.1\r\nHost: a\r\n\r\nGET /unfinished"),
	    idle = client(&f, "/health");
	loop_every(self.loop, 50, stop_loop, self.loop);
	loop_run(self.loop);
	int64_t from_us = clock_mono_us();
	http_server_drain(self.server, &(struct http_drain){ .deadline_us = from_us + 300000,
					   .idle_until_us = from_us,
					   .done = count_drained,
					   .arg = &drained });
	while (drained == 0 && clock_mono_us() - from_us < 5000000) {
		loop_run(self.loop);
	}
	assert_int_equal(drained, 1);
	close(fd);
	close(idle);
	close_server(&f);
}

static void what_is_read_in_a_turn_was_not_asked_after_its_begin(void **state)
{
	const struct http_site site = { .ops = ops, .n_ops = sizeof(ops) / sizeof(ops[0]) };
	struct fixture f = { .conf = NULL };
	(void)state;

	self.shows_turns = true;
	assert_int_equal(open_server(&f, &site, NULL), ERR_OK);
	begin_listening(&f);
	/* The second request of the connection is found when the first one is answered. */
	int fd = client(&f, "/read HTTP/1.1\r\nHost: a\r\n\r\nGET /memory");
	loop_every(self.loop, 50, stop_loop, self.loop);
	while (strchr(self.begun, 'm') == NULL) {
		loop_run(self.loop);
	}
	self.shows_turns = false;
	assert_string_equal(self.begun, "(r)(m)");
	close(fd);
	close_server(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_requests_begin_in_the_order_of_their_class),
		cmocka_unit_test(a_slow_task_lets_the_sockets_have_their_turn),
		cmocka_unit_test(rows_that_cannot_work_are_refused),
		cmocka_unit_test(a_drain_ends_once_and_in_time),
		cmocka_unit_test(what_is_read_in_a_turn_was_not_asked_after_its_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
