/*
 * See health_thread.h. One thread, one poll(): the listener, a descriptor that ends it, and a
 * bounded number of connections. Each is read until its request is whole, answered by one send into
 * an empty socket buffer, and kept until the other side has closed, so that no answer is lost by a
 * reset.
 */
#include "core/role/health_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/grace/admit.h"

enum {
	LOAD_EVERY_US = 250000,
	FIRST_LOOKS_US = 20000, /* until it has been ready once: an upgrade waits for nobody */
	SILENT_START_US = 3 * 1000000,
	REQUEST_US = 2 * 1000000, /* a client has so long to ask, and again to close */
	LAST_ANSWERS_US = 100000, /* at the end, to those who were accepted */
	STACK_BYTES = 256 * 1024, /* also for the checks of a sanitizer */
	LISTENER = 0,
	END = 1,
	FIRST_CONNECTION = 2,
	US_PER_MS = 1000,
};

struct connection {
	int fd; /* -1: free */
	int64_t until_us;
	size_t n;
	bool answered;
	char bytes[HEALTH_REQUEST_MAX];
};

struct health_thread {
	int listen_fd, end_fd;
	unsigned cores;
	struct health_look look;
	const struct metric_row *asked[GRACE_RESOURCES]; /* of admission; NULL: not counted */
	struct role_use use;
	struct load_window window;
	double load;
	int64_t begun_us, next_load_us, next_look_us;
	struct connection connections[HEALTH_CONNECTIONS];
	struct pollfd polled[FIRST_CONNECTION + HEALTH_CONNECTIONS];
	struct health_report report;
	pthread_t thread;
};

const struct health_report *health_thread_report(const struct health_thread *t)
{
	return &t->report;
}

/* ---- looking ---- */

static void set32(_Atomic int32_t *cell, int32_t n)
{
	atomic_store_explicit(cell, n, memory_order_relaxed);
}

/* What is asked for of the fullest resource, as the web process sees it that sees most of it. */
static double asked(const struct health_thread *t)
{
	int64_t most = 0;

	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		int64_t permille =
		    t->asked[i] == NULL ? 0 : metric_row_max(t->look.metrics, t->asked[i]);
		most = permille > most ? permille : most;
	}
	return (double)most / 1000;
}

static void look(struct health_thread *t, int64_t now_us)
{
	if (now_us >= t->next_load_us) {
		t->next_load_us = now_us + LOAD_EVERY_US;
		role_use_take(&t->use, now_us);
		t->load = load_window_add(&t->window, &t->use.look, asked(t), t->cores);
		metric_set(&t->report.load_permille, (int64_t)(t->load * 1000 + 0.5));
	}
	/* A drain is somebody's decision and seen at once; all else has its looks. */
	bool drains = metrics_is_leaving(t->look.metrics) && t->look.ready;
	if (now_us >= t->next_look_us || drains) {
		health_look_take(&t->look, now_us);
		t->next_look_us = now_us + (t->look.was_ready ? HEALTH_LOOK_US : FIRST_LOOKS_US);
		set32(&t->report.ready, t->look.ready);
		set32(&t->report.alive, t->look.alive);
		set32(&t->report.trouble, (int32_t)t->look.trouble);
		metric_set(&t->report.changes, (int64_t)t->look.changes);
	}
}

/*
 * After an upgrade the server before us answers until we are ready, so we do not say "starting" on
 * the socket that we share. Where nobody was before us, it has to be said some time.
 */
static bool may_answer(const struct health_thread *t, int64_t now_us)
{
	return t->look.was_ready || now_us - t->begun_us > SILENT_START_US;
}

/* ---- connections ---- */

static void drop(struct connection *c)
{
	if (c->fd >= 0) {
		close(c->fd);
	}
	c->fd = -1;
}

static void answer(struct health_thread *t, struct connection *c, int64_t now_us)
{
	const struct health_state state = { .alive = t->look.alive,
		.ready = t->look.ready,
		.trouble = t->look.trouble,
		.silent_role = t->look.silent_role,
		.load = t->load };
	struct buf out = buf_new(HEALTH_ANSWER_MAX);
	struct slice text = SLICE_EMPTY;

	if (!health_answer(SLICE_OF(c->bytes, c->n), &state, &out)) {
		buf_free(&out);
		return;
	}
	c->answered = true;
	c->until_us = now_us + REQUEST_US;
	if (buf_finish(&out, &text) != ERR_OK ||
	    send(c->fd, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)text.len ||
	    shutdown(c->fd, SHUT_WR) != 0) {
		drop(c);
	}
	buf_free(&out);
	metric_add(&t->report.answers, 1);
}

/* Reads what is there; what comes behind the answer is thrown away. */
static void serve(struct health_thread *t, struct connection *c, int64_t now_us)
{
	size_t from = c->answered ? 0 : c->n;
	ssize_t n = recv(c->fd, c->bytes + from, sizeof(c->bytes) - from, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) {
		drop(c);
		return;
	}
	if (!c->answered) {
		c->n += (size_t)n;
		answer(t, c, now_us);
	}
}

/* A free place, or that of the one that has been there longest. */
static struct connection *place(struct health_thread *t)
{
	struct connection *oldest = &t->connections[0];

	for (unsigned i = 0; i < HEALTH_CONNECTIONS; i++) {
		struct connection *c = &t->connections[i];
		if (c->fd < 0) {
			return c;
		}
		oldest = c->until_us < oldest->until_us ? c : oldest;
	}
	drop(oldest);
	return oldest;
}

static void accept_some(struct health_thread *t, int64_t now_us)
{
	for (unsigned i = 0; i < HEALTH_CONNECTIONS; i++) {
		int fd = accept4(t->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			return;
		}
		struct connection *c = place(t);
		c->fd = fd;
		c->n = 0;
		c->answered = false;
		c->until_us = now_us + REQUEST_US;
		serve(t, c, now_us); /* whoever asks has mostly done so already */
	}
}

/* ---- the thread ---- */

static int wait_ms(const struct health_thread *t, int64_t now_us)
{
	int64_t next_us = t->next_load_us < t->next_look_us ? t->next_load_us : t->next_look_us;

	return next_us <= now_us ? 0 : (int)((next_us - now_us + US_PER_MS - 1) / US_PER_MS);
}

static void fill_polled(struct health_thread *t, int64_t now_us)
{
	t->polled[LISTENER] =
	    (struct pollfd){ .fd = may_answer(t, now_us) ? t->listen_fd : -1, .events = POLLIN };
	t->polled[END] = (struct pollfd){ .fd = t->end_fd, .events = POLLIN };
	for (unsigned i = 0; i < HEALTH_CONNECTIONS; i++) {
		struct connection *c = &t->connections[i];
		if (c->fd >= 0 && now_us > c->until_us) {
			drop(c);
		}
		t->polled[FIRST_CONNECTION + i] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	}
}

static bool is_anybody_asking(const struct health_thread *t)
{
	for (unsigned i = 0; i < HEALTH_CONNECTIONS; i++) {
		if (t->connections[i].fd >= 0 && !t->connections[i].answered) {
			return true;
		}
	}
	return false;
}

static void *run(void *arg)
{
	struct health_thread *t = arg;
	int64_t now_us = clock_mono_us();
	int64_t end_us =
	    INT64_MAX; /* who was accepted may still ask, so that an upgrade resets nobody */

	while (end_us == INT64_MAX || (now_us < end_us && is_anybody_asking(t))) {
		look(t, now_us);
		fill_polled(t, now_us);
		if (end_us != INT64_MAX) {
			t->polled[LISTENER].fd = t->polled[END].fd = -1;
		}
		int n = poll(t->polled, FIRST_CONNECTION + HEALTH_CONNECTIONS, wait_ms(t, now_us));
		now_us = clock_mono_us();
		if (n <= 0) {
			continue;
		}
		if (t->polled[END].revents != 0) {
			end_us = now_us + LAST_ANSWERS_US;
			t->polled[LISTENER].revents = 0;
		}
		for (unsigned i = 0; i < HEALTH_CONNECTIONS; i++) {
			if (t->polled[FIRST_CONNECTION + i].revents != 0) {
				serve(t, &t->connections[i], now_us);
			}
		}
		if (t->polled[LISTENER].revents != 0) {
			accept_some(t, now_us);
		}
	}
	return NULL;
}

static void close_all(struct health_thread *t)
{
	for (unsigned i = 0; i < HEALTH_CONNECTIONS; i++) {
		drop(&t->connections[i]);
	}
	close(t->listen_fd);
	if (t->end_fd >= 0) {
		close(t->end_fd);
	}
	role_use_close(&t->use);
	free(t);
}

/* Signals are for the loop's thread. */
static int start_thread(struct health_thread *t)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	int failed = pthread_attr_init(&attributes);
	if (failed != 0) {
		return failed;
	}
	failed = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (failed == 0) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		failed = pthread_create(&t->thread, &attributes, run, t);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attributes);
	return failed;
}

enum err health_thread_start(int listen_fd, const struct metrics *m,
    const struct metric_row *database, unsigned cores, struct health_thread **ret)
{
	struct health_thread *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		close(listen_fd);
		return ERR_MEMORY;
	}
	t->listen_fd = listen_fd;
	t->cores = cores;
	t->look = (struct health_look){ .metrics = m, .database = database, .alive = true };
	t->begun_us = clock_mono_us();
	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		t->asked[i] = metric_row_find(m, "grace_load_permille", grace_refusal_names[i]);
	}
	for (unsigned i = 0; i < HEALTH_CONNECTIONS; i++) {
		t->connections[i].fd = -1;
	}
	t->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	enum err e = role_use_open(&t->use, m);
	if (e == ERR_OK && (t->end_fd < 0 || start_thread(t) != 0)) {
		e = ERR_SYSTEM;
	}
	if (e != ERR_OK) {
		close_all(t);
		return e;
	}
	*ret = t;
	return ERR_OK;
}

void health_thread_stop(struct health_thread **tp)
{
	struct health_thread *t = *tp;
	const uint64_t one = 1;

	if (t == NULL) {
		return;
	}
	CHECK(write(t->end_fd, &one, sizeof(one)) == sizeof(one));
	CHECK(pthread_join(t->thread, NULL) == 0);
	close_all(t);
	*tp = NULL;
}
