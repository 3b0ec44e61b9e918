/*
 * See fixture.h.
 */
#include "core/rpc/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"

/* ---- rows ---- */

static enum err echo(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)note;
	buf_append_slice(reply, req);
	return ERR_OK;
}

static enum err conflict(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)req;
	buf_append_str(reply, "nobody may see this");
	return err_note_set(note, ERR_CONFLICT, "somebody was faster");
}

static enum err huge(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)req;
	(void)note;
	for (int i = 0; i <= FIXTURE_MAX; i++) {
		buf_append_char(reply, 'x');
	}
	return ERR_OK;
}

/* role_state counts the runs that have begun, if there is one. */
static enum err spin(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	atomic_int *runs = role_state;
	uint64_t us = 0;

	(void)info;
	(void)reply;
	if (slice_to_u64(req, 10000000, &us) != ERR_OK) {
		return err_note_set(note, ERR_INVALID, "not a number");
	}
	if (runs != NULL) {
		atomic_fetch_add(runs, 1);
	}
	for (int64_t end = clock_mono_us() + (int64_t)us; clock_mono_us() < end;) {
	}
	return ERR_OK;
}

#define COMMON                                                                                     \
	.from = ROLE_BIT(ROLE_WEB), .to = ROLE_COMPUTE, .max_req = FIXTURE_MAX,                    \
	.max_rep = FIXTURE_MAX, .deadline_ms = 5000, .cost_us = 1000

static const struct rpc_def rows[ROW_COUNT] = {
	[ROW_ECHO] = { .name = "test.echo", COMMON, .flags = RPC_IDEMPOTENT, .handle = echo },
	[ROW_ONCE] = { .name = "test.once", COMMON, .handle = echo },
	[ROW_FAIL] = { .name = "test.fail", COMMON, .handle = conflict },
	[ROW_HUGE] = { .name = "test.huge", COMMON, .handle = huge },
	[ROW_SPIN] = { .name = "test.spin", COMMON, .handle = spin },
	[ROW_LARGE] = { .name = "test.large",
	    .from = ROLE_BIT(ROLE_WEB),
	    .to = ROLE_COMPUTE,
	    .max_req = 1 << 20,
	    .max_rep = 1 << 20,
	    .deadline_ms = 5000,
	    .cost_us = 1000,
	    .handle = echo },
	[ROW_COURIER] = { .name = "test.courier",
	    .from = ROLE_BIT(ROLE_COURIER),
	    .to = ROLE_COMPUTE,
	    .deadline_ms = 1000,
	    .handle = echo },
};

static const struct rpc_def *const row_list[ROW_COUNT] = { &rows[0], &rows[1], &rows[2], &rows[3],
	&rows[4], &rows[5], &rows[6] };

const struct rpc_registry fixture_registry = { row_list, ROW_COUNT };

const struct rpc_def *fixture_row(enum fixture_row row)
{
	return &rows[row];
}

/* ---- loop and calls ---- */

void fixture_open(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	assert_int_equal(loop_open(2048, &f->loop), ERR_OK);
}

void fixture_close(struct fixture *f)
{
	assert_int_equal(task_count(f->loop), 0);
	loop_close(&f->loop);
}

static void call_main(void *arg)
{
	struct fixture_call *c = arg;
	const int64_t begin_us = clock_mono_us();

	c->e = rpc_call(c->pool, fixture_row(c->row), c->req,
	    c->deadline_us == 0 ? DEADLINE_NONE : c->deadline_us, c->trace, &c->arena,
	    c->ignores_reply ? NULL : &c->reply, &c->note);
	c->took_us = clock_mono_us() - begin_us;
	c->ended = true;
	if (--c->fixture->calls == 0) {
		loop_stop(c->fixture->loop);
	}
}

void fixture_start(struct fixture *f, struct fixture_call *c)
{
	c->fixture = f;
	c->arena = arena_new(4 << 20);
	f->calls++;
	assert_int_equal(task_spawn(f->loop, call_main, c, DEADLINE_NONE, &c->task), ERR_OK);
}

void fixture_finish(struct fixture *f)
{
	while (f->calls > 0) {
		loop_run(f->loop);
	}
}

enum {
	ROUNDS_OF_A_CALL = 8 /* of the loop: a request, its reply and what follows, with room */
};

static void on_time(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle);
}

void fixture_run_ms(struct fixture *f, uint64_t ms)
{
	uv_timer_t *timer = malloc(sizeof(*timer));

	assert_non_null(timer);
	uv_update_time(loop_uv(f->loop));
	uv_timer_init(loop_uv(f->loop), timer);
	uv_timer_start(timer, on_time, ms, 0);
	do {
		loop_run(f->loop);
	} while (uv_is_active((uv_handle_t *)timer));
	uv_close((uv_handle_t *)timer, on_timer_closed);
	/* Where the machine had no time for us, the timer came before what waits in the sockets. */
	for (int i = 0; i < ROUNDS_OF_A_CALL; i++) {
		uv_run(loop_uv(f->loop), UV_RUN_NOWAIT);
	}
}

/* ---- the other side ---- */

static void hold(void *arg, struct rpc_request *q)
{
	struct holder *h = arg;

	assert_true(h->n < HOLDER_MAX);
	h->held[h->n++] = q;
}

static void count_cancelled(void *arg, struct rpc_request *q)
{
	struct holder *h = arg;

	(void)q;
	h->cancelled++;
}

struct rpc_executor holder_executor(struct holder *h)
{
	return (struct rpc_executor){ .execute = hold, .cancel = count_cancelled, .arg = h };
}

void holder_reply(struct holder *h, unsigned i, enum err e)
{
	struct rpc_request *q = h->held[i];

	assert_true(i < h->n);
	h->n--;
	memmove(&h->held[i], &h->held[i + 1], (h->n - i) * sizeof(h->held[0]));
	rpc_reply(q, e, rpc_request_view(q).payload, NULL);
}

void fixture_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

struct rpc_server *fixture_server(struct fixture *f, const struct rpc_executor *ex, int fd)
{
	struct rpc_server *s = NULL;

	assert_int_equal(rpc_server_new(f->loop, &fixture_registry, ROLE_COMPUTE, ex, &s), ERR_OK);
	assert_int_equal(rpc_server_add(s, ROLE_WEB, fd), ERR_OK);
	return s;
}

struct rpc_pool *fixture_pool(struct fixture *f, unsigned credits)
{
	struct rpc_pool *p = NULL;

	assert_int_equal(
	    rpc_pool_new(f->loop, &fixture_registry, ROLE_WEB, ROLE_COMPUTE, credits, &p), ERR_OK);
	return p;
}

void fixture_expect_check(void (*fn)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit no_core = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL); /* not cmocka's */
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		fn(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
