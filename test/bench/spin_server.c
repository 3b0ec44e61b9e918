/*
 * Our HTTP server alone, with requests that keep its processor for a known time: the cheap mix of
 * test/bench/grace. GET /spin is cheap and valuable, GET /prefetch what is refused first; both take
 * the same.
 *	spin_server PORT [microseconds = 1000]
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/http/server.h"

static int64_t spin_us = 1000;

static enum err spin(struct op_call *c)
{
	int64_t until_us = clock_mono_us() + spin_us;

	while (clock_mono_us() < until_us) {
	}
	http_reply(c->req, 200, SLICE("application/json"), SLICE("{\"success\":true}"));
	return ERR_OK;
}

static enum err answer(struct op_call *c)
{
	http_reply(c->req, 200, SLICE("text/plain"), SLICE("ok\n"));
	return ERR_OK;
}

/* clang-format off */
static const struct op ops[] = {
	{ "spin.health", HTTP_GET, "/health", COST_HEALTH, SHED_NEVER, 1000, 0, OP_INLINE, answer },
	{ "spin.spin", HTTP_GET, "/spin", COST_MEMORY, SHED_LATE, 3000, 0, 0, spin },
	{ "spin.prefetch", HTTP_GET, "/prefetch", COST_MEMORY, SHED_FIRST, 3000, 0, 0, spin },
};
/* clang-format on */

int main(int argc, char **argv)
{
	static const struct http_site site = { .ops = ops, .n_ops = sizeof(ops) / sizeof(ops[0]) };
	static const struct http_site *const sites[] = { &site };
	struct conf *conf = NULL;
	struct metric_schema *schema = NULL;
	struct metrics *metrics = NULL;
	struct loop *loop = NULL;
	struct http_server *server = NULL;
	struct err_note note = { 0 };
	char address[64];
	int fd = -1;

	if (argc < 2) {
		fputs("usage: spin_server PORT [microseconds]\n", stderr);
		return 2;
	}
	spin_us = argc > 2 ? atoll(argv[2]) : spin_us;
	CHECK(conf_new(&http_conf, 1, &conf) == ERR_OK);
	CHECK(metric_schema_new(&schema) == ERR_OK);
	http_metric_schema(schema, sites, 1);
	size_t bytes = metrics_block_bytes(schema, 1);
	void *block = metrics_block_new(schema, 1);
	CHECK(block != NULL);
	CHECK(metrics_open(schema, block, bytes, 1, 0, &metrics) == ERR_OK);
	CHECK(loop_open(1024, &loop) == ERR_OK);
	const struct http_server_options o = {
		.sites = sites, .n_sites = 1, .conf = conf, .metrics = metrics
	};
	if (http_server_new(loop, &o, &server, &note) != ERR_OK) {
		fprintf(stderr, "spin_server: %s\n", note.text);
		return 1;
	}
	(void)snprintf(address, sizeof(address), "127.0.0.1:%s", argv[1]);
	if (http_listen_socket(address, &fd, &note) != ERR_OK ||
	    http_server_listen(server, fd) != ERR_OK) {
		fprintf(stderr, "spin_server: %s\n", note.text);
		return 1;
	}
	puts("listening");
	(void)fflush(stdout);
	loop_run(loop);
	return 0;
}
