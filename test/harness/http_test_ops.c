/*
 * Operations that have no purpose but to be awkward: slow, large, streaming, failing.
 */
#include "test/harness/http_test_ops.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/ev/task.h"
#include "test/harness/http_test_ws.h"

enum {
	PIECE_BYTES = 65536,
	BODY_MAX = 1 << 20,
	DEADLINE_MS = 60000,
};

static uint64_t number(struct op_call *c, const char *name)
{
	uint64_t n = 0;

	return slice_to_u64(http_param(c->req, name), UINT64_C(1) << 40, &n) == ERR_OK ? n : 0;
}

static enum err hello(struct op_call *c)
{
	http_reply(
	    c->req, 200, SLICE("application/json"), SLICE("{\"message\":\"Hello, world!\"}\n"));
	return ERR_OK;
}

static enum err echo(struct op_call *c)
{
	http_reply(c->req, 200, SLICE("application/octet-stream"), http_body(c->req));
	return ERR_OK;
}

/* Reads a streamed body and answers how long it was and the sum of its bytes. */
static enum err upload(struct op_call *c)
{
	char *piece = arena_alloc(c->arena, PIECE_BYTES);
	uint64_t bytes = 0, sum = 0;
	size_t n = 0;
	enum err e;

	if (piece == NULL) {
		return ERR_MEMORY;
	}
	while ((e = http_body_read(c->req, piece, PIECE_BYTES, &n)) == ERR_OK) {
		for (size_t i = 0; i < n; i++) {
			sum += (unsigned char)piece[i];
		}
		bytes += n;
	}
	if (e != ERR_END) {
		return e;
	}
	const char *text =
	    arena_printf(c->arena, "{\"bytes\":%" PRIu64 ",\"sum\":%" PRIu64 "}\n", bytes, sum);
	http_reply(c->req, 200, SLICE("application/json"), slice_str(text));
	return ERR_OK;
}

/* Lets its body wait. */
static enum err upload_late(struct op_call *c)
{
	enum err e = task_sleep((int64_t)number(c, "ms") * 1000);

	return e == ERR_OK ? upload(c) : e;
}

/* Answers without having read anything. */
static enum err careless(struct op_call *c)
{
	http_reply(c->req, 200, SLICE("text/plain"), SLICE("not read\n"));
	return ERR_OK;
}

/* n bytes in which byte i is 'a' + i % 26. */
static enum err send_pattern(struct op_call *c, uint64_t n, int64_t length)
{
	static char pattern[26 * 2048];
	enum err e = http_stream_begin(c->req, 200, SLICE("application/octet-stream"), length);

	for (size_t i = 0; i < sizeof(pattern); i++) {
		pattern[i] = (char)('a' + i % 26);
	}
	while (e == ERR_OK && n > 0) {
		size_t piece = n < sizeof(pattern) ? (size_t)n : sizeof(pattern);
		e = http_stream_write(c->req, SLICE_OF(pattern, piece));
		n -= piece;
	}
	return e == ERR_OK ? http_stream_end(c->req) : e;
}

static enum err download(struct op_call *c)
{
	return send_pattern(c, number(c, "n"), (int64_t)number(c, "n"));
}

static enum err download_chunked(struct op_call *c)
{
	return send_pattern(c, number(c, "n"), -1);
}

/* Promises more than it sends. */
static enum err download_short(struct op_call *c)
{
	return send_pattern(c, 1000, 2000);
}

static enum err wait_ms(struct op_call *c)
{
	struct test_env *env = c->env;
	enum err e = task_sleep((int64_t)number(c, "ms") * 1000);

	if (e == ERR_CANCELLED) {
		env->cancelled++;
	}
	if (e == ERR_OK) {
		http_reply(c->req, 200, SLICE("text/plain"), SLICE("done\n"));
	}
	return e;
}

/* Keeps the loop busy. */
static enum err burn(struct op_call *c)
{
	int64_t until_us = clock_mono_us() + (int64_t)number(c, "us");

	while (clock_mono_us() < until_us) {
	}
	http_reply(c->req, 200, SLICE("text/plain"), SLICE("burnt\n"));
	return ERR_OK;
}

static enum err file(struct op_call *c)
{
	const struct test_env *env = c->env;

	asset_reply(c, &env->file, SLICE("public, max-age=0, must-revalidate"));
	return ERR_OK;
}

/* What the request looks like from a handler. */
static enum err describe(struct op_call *c)
{
	struct buf text = buf_new(BODY_MAX);
	struct json_writer w = json_writer_new(&text);
	struct slice value, copy = SLICE_EMPTY;

	json_begin_object(&w);
	json_put_name(&w, SLICE("method"));
	json_put_string(&w, http_method_text(c->req));
	json_put_name(&w, SLICE("path"));
	json_put_string(&w, http_path(c->req));
	json_put_name(&w, SLICE("query"));
	json_put_string(&w, http_query(c->req));
	json_put_name(&w, SLICE("host"));
	json_put_string(&w, http_host(c->req));
	json_put_name(&w, SLICE("client"));
	json_put_string(&w, http_client_address(c->req));
	json_put_name(&w, SLICE("https"));
	json_put_bool(&w, http_is_https(c->req));
	json_put_name(&w, SLICE("cookie"));
	value = http_cookie(c->req, SLICE("c"));
	json_put_string(&w, value.ptr == NULL ? SLICE("(none)") : value);
	json_put_name(&w, SLICE("q"));
	json_put_string(&w, http_query_get(c->req, SLICE("q"), &value) ? value : SLICE("(none)"));
	json_end_object(&w);
	enum err e = arena_copy(c->arena, buf_slice(&text), &copy);
	buf_free(&text);
	if (e == ERR_OK) {
		http_reply(c->req, 200, SLICE("application/json"), copy);
	}
	return e;
}

static enum err fail(struct op_call *c)
{
	struct slice name = http_param(c->req, "name");

	for (int e = 1; e < ERR_COUNT; e++) {
		if (slice_eq(name, slice_str(err_name((enum err)e)))) {
			return (enum err)e;
		}
	}
	return ERR_INVALID;
}

/* Tries to smuggle a header of its own. */
static enum err split_header(struct op_call *c)
{
	http_add_header(c->req, SLICE("X-Bad"), SLICE("a\r\nX-Evil: yes"));
	http_reply(c->req, 200, SLICE("text/plain"), SLICE("never seen\n"));
	return ERR_OK;
}

static enum err metrics(struct op_call *c)
{
	const struct test_env *env = c->env;
	struct buf text = buf_new(4 << 20);
	struct slice copy = SLICE_EMPTY;

	metrics_write_json(env->metrics, &text);
	enum err e = arena_copy(c->arena, buf_slice(&text), &copy);
	buf_free(&text);
	if (e == ERR_OK) {
		http_reply(c->req, 200, SLICE("application/json"), copy);
	}
	return e;
}

static enum err cancelled(struct op_call *c)
{
	const struct test_env *env = c->env;
	const char *text = arena_printf(c->arena, "%" PRId64 "\n", env->cancelled);

	http_reply(c->req, 200, SLICE("text/plain"), slice_str(text));
	return ERR_OK;
}

static enum err set_compute_wait(struct op_call *c)
{
	struct test_env *env = c->env;

	env->compute_wait_us = (int64_t)number(c, "us");
	http_reply(c->req, 204, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

static void decorate(struct op_call *c)
{
	http_add_header(c->req, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
}

/* Who says what rank it should have: "last", "first" or "refuse". */
static enum shed_rank rank(struct op_call *c, const struct grace_load *load)
{
	struct slice wish = http_header_get(c->req, SLICE("X-Test-Rank"));

	(void)load;
	return slice_eq(wish, SLICE("last"))	 ? SHED_LAST
	       : slice_eq(wish, SLICE("first"))	 ? SHED_FIRST
	       : slice_eq(wish, SLICE("refuse")) ? SHED_RANKS
						 : c->op->rank;
}

/* Words of its own for those who want them. */
static void busy(struct op_call *c)
{
	if (http_header_get(c->req, SLICE("X-Test-Words")).ptr != NULL) {
		http_add_header(c->req, SLICE("Retry-After"), SLICE("777"));
		http_reply(c->req, 503, SLICE("application/json"), SLICE("{\"busy\":true}"));
	}
}

/* clang-format off */
static const struct op ops[] = {
	{ "test.hello", HTTP_GET, "/hello", COST_MEMORY, SHED_LATE, DEADLINE_MS, 0, OP_INLINE, hello },
	{ "test.file", HTTP_GET, "/file", COST_MEMORY, SHED_LATE, DEADLINE_MS, 0, OP_INLINE, file },
	{ "test.echo", HTTP_POST, "/echo", COST_MEMORY, SHED_LATE, DEADLINE_MS, BODY_MAX, OP_INLINE, echo },
	{ "test.upload", HTTP_POST, "/upload", COST_STREAM, SHED_LATE, DEADLINE_MS, UINT32_MAX, OP_STREAM, upload },
	{ "test.upload.small", HTTP_POST, "/upload/small", COST_STREAM, SHED_LATE, DEADLINE_MS, 1000, OP_STREAM, upload },
	{ "test.upload.late", HTTP_POST, "/upload/late/{ms:digits}", COST_STREAM, SHED_LATE, DEADLINE_MS, UINT32_MAX, OP_STREAM, upload_late },
	{ "test.careless", HTTP_POST, "/careless", COST_STREAM, SHED_LATE, DEADLINE_MS, UINT32_MAX, OP_STREAM, careless },
	{ "test.download", HTTP_GET, "/download/{n:digits}", COST_STREAM, SHED_LATE, DEADLINE_MS, 0, 0, download },
	{ "test.chunked", HTTP_GET, "/chunked/{n:digits}", COST_STREAM, SHED_LATE, DEADLINE_MS, 0, 0, download_chunked },
	{ "test.short", HTTP_GET, "/short", COST_STREAM, SHED_LATE, DEADLINE_MS, 0, 0, download_short },
	{ "test.slow", HTTP_GET, "/slow/{ms:digits}", COST_READ, SHED_LATE, DEADLINE_MS, 0, 0, wait_ms },
	{ "test.hasty", HTTP_GET, "/hasty/{ms:digits}", COST_READ, SHED_LATE, 300, 0, 0, wait_ms },
	{ "test.hasty.post", HTTP_POST, "/hasty", COST_READ, SHED_LATE, 300, BODY_MAX, OP_INLINE, echo },
	{ "test.compute", HTTP_GET, "/compute/{ms:digits}", COST_COMPUTE, SHED_MIDDLE, DEADLINE_MS, 0, 0, wait_ms },
	{ "test.compute.post", HTTP_POST, "/compute", COST_COMPUTE, SHED_MIDDLE, DEADLINE_MS, BODY_MAX, 0, echo },
	{ "test.burn", HTTP_GET, "/burn/{us:digits}", COST_READ, SHED_LATE, DEADLINE_MS, 0, OP_INLINE, burn },
	{ "test.burn.first", HTTP_GET, "/burn/first/{us:digits}", COST_READ, SHED_FIRST, DEADLINE_MS, 0, OP_INLINE, burn },
	{ "test.burn.last", HTTP_GET, "/burn/last/{us:digits}", COST_READ, SHED_LAST, DEADLINE_MS, 0, OP_INLINE, burn },
	{ "test.describe", HTTP_GET, "/describe/{rest*}", COST_MEMORY, SHED_LATE, DEADLINE_MS, 0, OP_INLINE, describe },
	{ "test.cors", HTTP_GET, "/cors", COST_MEMORY, SHED_LATE, DEADLINE_MS, 0, OP_INLINE | OP_PUBLIC_CORS, hello },
	{ "test.cors.post", HTTP_POST, "/cors", COST_MEMORY, SHED_LATE, DEADLINE_MS, 1000, OP_INLINE | OP_PUBLIC_CORS, echo },
	{ "test.fail", HTTP_GET, "/fail/{name}", COST_MEMORY, SHED_LATE, DEADLINE_MS, 0, OP_INLINE, fail },
	{ "test.ws", HTTP_GET, "/ws", COST_MEMORY, SHED_LATE, DEADLINE_MS, 0, OP_INLINE, ws_echo },
	{ "test.split", HTTP_GET, "/split", COST_MEMORY, SHED_LATE, DEADLINE_MS, 0, OP_INLINE, split_header },
	{ "test.health", HTTP_GET, "/__lbheartbeat__", COST_HEALTH, SHED_NEVER, DEADLINE_MS, 0, OP_INLINE, hello },
	{ "test.metrics", HTTP_GET, "/metrics.json", COST_HEALTH, SHED_NEVER, DEADLINE_MS, 0, OP_INLINE, metrics },
	{ "test.cancelled", HTTP_GET, "/cancelled", COST_HEALTH, SHED_NEVER, DEADLINE_MS, 0, OP_INLINE, cancelled },
	{ "test.set.compute_wait", HTTP_POST, "/set/compute_wait/{us:digits}", COST_HEALTH, SHED_NEVER, DEADLINE_MS, 0, OP_INLINE, set_compute_wait },
};
/* clang-format on */

const struct http_site test_site = {
	.ops = ops,
	.n_ops = sizeof(ops) / sizeof(ops[0]),
	.decorate = decorate,
	.rank = rank,
	.busy = busy,
};
