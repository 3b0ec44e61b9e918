/*
 * From bytes on a socket to answers, over HTTP/2: a whole server with handlers that collect, stream
 * both ways and fail. The first byte of an input chooses: odd, and the rest are the bytes as a
 * client sends them; even, and they are frames in short (type, flags, stream, length, payload)
 * behind a right preface, so that mutations get past the framing. What must hold when the client is
 * gone: no stream, no request, no byte of a body is left.
 */
#include "test/fuzz/fuzz.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/http/conn.h"
#include "core/http/h2_priv.h"
#include "core/http/server.h"

enum {
	SHORT_HEAD_BYTES = 4,
	PIECE_BYTES = 4096,
	QUIET_ROUNDS = 4, /* without an answer: nothing more will come */
	ROUNDS_MAX = 20000,
	INPUT_MAX = 1 << 20,
};

static struct {
	struct loop *loop;
	struct http_server *server;
	int fd;		/* the client's side, or -1 */
	struct buf out; /* what the client sends */
	unsigned quiet, rounds;
} self;

static enum err hello(struct op_call *c)
{
	http_reply(c->req, 200, SLICE("text/plain"), http_path(c->req));
	return ERR_OK;
}

static enum err echo(struct op_call *c)
{
	http_reply(c->req, 200, SLICE("text/plain"), http_body(c->req));
	return ERR_OK;
}

static enum err both_ways(struct op_call *c)
{
	char piece[256];
	size_t n = 0;
	enum err e = http_stream_begin(c->req, 200, SLICE("text/plain"), -1);

	while (e == ERR_OK && (e = http_body_read(c->req, piece, sizeof(piece), &n)) == ERR_OK) {
		e = http_stream_write(c->req, SLICE_OF(piece, n));
	}
	return e == ERR_END ? http_stream_end(c->req) : e;
}

static enum err large(struct op_call *c)
{
	static const char bytes[100000];
	enum err e = http_stream_begin(c->req, 200, SLICE("text/plain"), sizeof(bytes));

	if (e == ERR_OK) {
		e = http_stream_write(c->req, SLICE_OF(bytes, sizeof(bytes)));
	}
	return e == ERR_OK ? http_stream_end(c->req) : e;
}

static enum err fail(struct op_call *c)
{
	(void)c;
	return ERR_NOT_FOUND;
}

/* clang-format off */
static const struct op ops[] = {
	{ "f.hello", HTTP_GET, "/h/{rest*}", COST_MEMORY, SHED_NEVER, 10000, 0, OP_INLINE, hello },
	{ "f.echo", HTTP_POST, "/e", COST_MEMORY, SHED_NEVER, 10000, 200, OP_INLINE, echo },
	{ "f.both", HTTP_POST, "/b", COST_STREAM, SHED_NEVER, 10000, 5000, OP_STREAM, both_ways },
	{ "f.large", HTTP_GET, "/l", COST_STREAM, SHED_NEVER, 10000, 0, 0, large },
	{ "f.fail", HTTP_GET, "/f", COST_MEMORY, SHED_NEVER, 10000, 0, 0, fail },
};
/* clang-format on */

static const struct http_site site = { .ops = ops, .n_ops = sizeof(ops) / sizeof(ops[0]) };
static const struct http_site *const sites[] = { &site };

/* Sends the next piece and reads what has come. */
static void play_client(void)
{
	static char answer[65536];
	ssize_t n = send(self.fd, self.out.data,
	    self.out.len < PIECE_BYTES ? self.out.len : PIECE_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0) {
		buf_consume(&self.out, (size_t)n);
		self.quiet = 0;
	} else if (n < 0 && errno != EAGAIN) {
		buf_clear(&self.out);
	}
	n = recv(self.fd, answer, sizeof(answer), MSG_DONTWAIT);
	self.quiet = n > 0 ? 0 : self.quiet + 1;
	if (self.quiet > QUIET_ROUNDS && self.out.len == 0) {
		close(self.fd);
		self.fd = -1;
	}
}

static void on_round(void *arg)
{
	(void)arg;
	CHECK(self.rounds++ < ROUNDS_MAX);
	if (self.fd >= 0) {
		play_client();
	} else if (self.server->n_conns == 0 && self.server->n_running == 0) {
		loop_stop(self.loop);
		return;
	}
	loop_again(self.loop);
}

static void open_server(void)
{
	static struct metrics *metrics;
	struct metric_schema *schema = NULL;
	struct conf *conf = NULL;
	struct err_note note;

	CHECK(conf_new(&http_conf, 1, &conf) == ERR_OK);
	CHECK(metric_schema_new(&schema) == ERR_OK);
	http_metric_schema(schema, sites, 1);
	size_t bytes = metrics_block_bytes(schema, 1);
	void *block = metrics_block_new(schema, 1);
	CHECK(block != NULL);
	CHECK(metrics_open(schema, block, bytes, 1, 0, &metrics) == ERR_OK);
	CHECK(loop_open(64, &self.loop) == ERR_OK);
	struct http_server_options o = {
		.sites = sites, .n_sites = 1, .conf = conf, .metrics = metrics
	};
	CHECK(http_server_new(self.loop, &o, &self.server, &note) == ERR_OK);
	loop_on_check(self.loop, on_round, NULL);
	self.out = buf_new(INPUT_MAX);
}

static void put_preface(void)
{
	static const char empty_settings[9] = { 0, 0, 0, NGHTTP2_SETTINGS };

	buf_append_slice(&self.out, SLICE(NGHTTP2_CLIENT_MAGIC));
	buf_append(&self.out, empty_settings, sizeof(empty_settings));
}

/* Frames in short as frames in full. */
static void put_frames(const uint8_t *data, size_t size)
{
	put_preface();
	while (size >= SHORT_HEAD_BYTES) {
		size_t len = data[3] < size - SHORT_HEAD_BYTES ? data[3] : size - SHORT_HEAD_BYTES;
		const uint8_t head[9] = { 0, 0, (uint8_t)len, data[0], data[1], 0, 0, 0, data[2] };
		buf_append(&self.out, head, sizeof(head));
		buf_append(&self.out, data + SHORT_HEAD_BYTES, len);
		data += SHORT_HEAD_BYTES + len;
		size -= SHORT_HEAD_BYTES + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sockaddr_in peer = { .sin_family = AF_INET };
	int ends[2];

	if (size == 0) {
		return 0;
	}
	if (self.server == NULL) {
		open_server();
	}
	buf_clear(&self.out);
	if (data[0] % 2 == 1) {
		buf_append(&self.out, data + 1, size - 1);
	} else {
		put_frames(data + 1, size - 1);
	}
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	self.fd = ends[0];
	self.quiet = self.rounds = 0;
	conn_open(self.server, ends[1], (const struct sockaddr *)&peer, false);
	loop_again(self.loop);
	loop_run(self.loop);
	CHECK(self.server->h2->n_streams == 0 && self.server->queues.n_all == 0);
	CHECK(self.server->body_memory == 0);
	return 0;
}
