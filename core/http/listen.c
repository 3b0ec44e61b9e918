/*
 * Accepting. The listening sockets are shared by all processes of the role. A process that has two
 * connections more than the least loaded sibling stops asking the kernel for more, so the others
 * get them: even load, and nobody's connections are stranded. (With SO_REUSEPORT the kernel would
 * have dealt them out beforehand; measured: 24/40, plain shared sockets 64/0, this 31/33.)
 *
 * The same pause holds new connections in the kernel when there are too many, when descriptors have
 * run out, and when TLS handshakes wait. While it lasts a timer of 5 ms makes rounds happen, and
 * each round asks again.
 *
 * That requests wait too long in here is no reason: who comes is told so at once, which costs less
 * than serving people who have left meanwhile, and what matters most may be among those who come
 * (doc/decisions/0134). At most 64 a round leave the rest of it to others.
 */
#include "core/http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/http/conn.h"
#include "core/http/conn_tls.h"

enum {
	LISTENERS_MAX = 16,
	ACCEPTS_PER_ROUND = 64,
	AHEAD_BY = 2,
	ALIVE_US = 200000,
	RECHECK_MS = 5,
	DESCRIPTORS_PAUSE_US = 100000,
	NETSTAT_BYTES = 16384,
};

struct listener {
	uv_poll_t poll;
	int fd;
	bool secure; /* TLS */
	bool ready;  /* the kernel said so and nobody said EAGAIN since */
};

/* Handles outlive the server until the loop has closed them, so each has memory of its own. */
struct http_listeners {
	struct listener *listener[LISTENERS_MAX];
	unsigned n;
	uv_timer_t *recheck; /* runs while paused */
	bool paused;
	int64_t hold_until_us; /* out of descriptors: not before */
	int netstat_fd;	       /* /proc/net/netstat, or -1; opened before a sandbox closes */
	int64_t overflows_base, drops_base;
	int64_t queue_told, limit_told; /* its part of the process' figures */
};

static void free_handle(uv_handle_t *handle)
{
	free(handle->data);
}

static bool read_netstat(struct http_server *s, int64_t *ret_overflows, int64_t *ret_drops)
{
	ssize_t n = pread(s->listeners->netstat_fd, s->scratch, NETSTAT_BYTES, 0);
	struct slice text = { s->scratch, n > 0 ? (size_t)n : 0 };

	return listen_netstat_find(text, SLICE("ListenOverflows"), ret_overflows) &&
	       listen_netstat_find(text, SLICE("ListenDrops"), ret_drops);
}

enum err listen_open(struct http_server *s)
{
	struct http_listeners *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		return ERR_MEMORY;
	}
	l->recheck = calloc(1, sizeof(*l->recheck));
	if (l->recheck == NULL) {
		free(l);
		return ERR_MEMORY;
	}
	CHECK(uv_timer_init(loop_uv(s->loop), l->recheck) == 0);
	l->recheck->data = l->recheck;
	l->netstat_fd = open("/proc/net/netstat", O_RDONLY | O_CLOEXEC);
	s->listeners = l;
	/* What the process before has left; servers of one process are made before any counts. */
	metric_set(s->cells.accept_queue, 0);
	metric_set(s->cells.accept_queue_limit, 0);
	(void)read_netstat(s, &l->overflows_base, &l->drops_base);
	return ERR_OK;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;

	(void)status;
	(void)events;
	l->ready = true; /* accepted in the check hook, after the other I/O of the round */
}

static void poll_all(struct http_listeners *l, bool on)
{
	for (unsigned i = 0; i < l->n; i++) {
		uv_poll_t *poll = &l->listener[i]->poll;
		if (on) {
			CHECK(uv_poll_start(poll, UV_READABLE, on_connection) == 0);
		} else {
			uv_poll_stop(poll);
			l->listener[i]->ready = false;
		}
	}
}

static void on_recheck(uv_timer_t *timer)
{
	/* It is enough that a round happens. */
	(void)timer;
}

static void pause_accepting(struct http_server *s, enum http_pause_why why)
{
	struct http_listeners *l = s->listeners;

	metric_add(s->cells.paused[why], 1);
	l->paused = true;
	poll_all(l, false);
	CHECK(uv_timer_start(l->recheck, on_recheck, RECHECK_MS, RECHECK_MS) == 0);
}

int64_t listen_least_sibling(const struct metrics *m, int64_t now_us)
{
	const struct metric_slot *own = metrics_own_slot(m);
	int32_t role = atomic_load_explicit(&own->role, memory_order_relaxed);
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < metrics_slots(m); i++) {
		const struct metric_slot *slot = metrics_slot(m, i);
		if (slot == own ||
		    atomic_load_explicit(&slot->state, memory_order_relaxed) != SLOT_SERVING ||
		    atomic_load_explicit(&slot->role, memory_order_relaxed) != role ||
		    atomic_load_explicit(&slot->passive, memory_order_relaxed) != 0 ||
		    now_us - metric_get(&slot->alive_us) > ALIVE_US) {
			continue;
		}
		int64_t n = metric_get(&slot->connections);
		least = n < least ? n : least;
	}
	return least;
}

/* What waits in the kernel to be accepted, and how much may. */
static void look_at_queues(const struct http_listeners *l, int64_t *ret_queue, int64_t *ret_limit)
{
	*ret_queue = *ret_limit = 0;
	for (unsigned i = 0; i < l->n; i++) {
		struct tcp_info info;
		socklen_t len = sizeof(info);
		if (getsockopt(l->listener[i]->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0) {
			/* Of a listening socket these two are the accept queue. */
			*ret_queue += info.tcpi_unacked;
			*ret_limit += info.tcpi_sacked;
		}
	}
}

/* HTTP_PAUSE_WHYS: nothing speaks against one more connection. */
static enum http_pause_why why_not(struct http_server *s)
{
	int64_t now_us = loop_now_us(s->loop);
	int64_t least = listen_least_sibling(s->o.metrics, now_us);

	if (s->n_conns >= s->settings.max_connections) {
		return HTTP_PAUSE_LIMIT;
	}
	if (now_us < s->listeners->hold_until_us) {
		return HTTP_PAUSE_DESCRIPTORS;
	}
	if (least != INT64_MAX && metric_get(&s->slot->connections) > least + AHEAD_BY) {
		return HTTP_PAUSE_AHEAD;
	}
	if (conn_tls_is_full(s)) {
		return HTTP_PAUSE_HANDSHAKES;
	}
	return HTTP_PAUSE_WHYS;
}

/* Accepts one; false when there is nothing more to accept now. */
static bool accept_one(struct http_server *s, struct listener *l)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		conn_open(s, fd, (const struct sockaddr *)&peer, l->secure);
		return true;
	}
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		s->listeners->hold_until_us = loop_now_us(s->loop) + DESCRIPTORS_PAUSE_US;
		return true; /* why_not() pauses */
	case EAGAIN:
		l->ready = false;
		return false;
	default:
		return true; /* that connection has failed already; the next may be well */
	}
}

static void accept_from(struct http_server *s, struct listener *l, int budget)
{
	while (l->ready && budget-- > 0) {
		enum http_pause_why why = why_not(s);
		if (why != HTTP_PAUSE_WHYS) {
			pause_accepting(s, why);
			return;
		}
		if (!accept_one(s, l)) {
			return;
		}
	}
}

void listen_round(struct http_server *s)
{
	struct http_listeners *l = s->listeners;

	if (l->n == 0) {
		return;
	}
	if (l->paused && why_not(s) == HTTP_PAUSE_WHYS) {
		l->paused = false;
		uv_timer_stop(l->recheck);
		poll_all(l, true);
	}
	for (unsigned i = 0; i < l->n && !l->paused; i++) {
		accept_from(s, l->listener[i], ACCEPTS_PER_ROUND / (int)l->n);
	}
}

enum err listen_add(struct http_server *s, int fd, bool secure)
{
	struct http_listeners *l = s->listeners;
	struct listener *added = calloc(1, sizeof(*added));
	int on = 1;

	if (added == NULL || l->n == LISTENERS_MAX) {
		free(added);
		close(fd);
		return ERR_MEMORY;
	}
	int failed = uv_poll_init(loop_uv(s->loop), &added->poll, fd);
	if (failed != 0) {
		free(added);
		close(fd);
		return err_from_errno(-failed);
	}
	/* Accepted sockets inherit it; sockets of other families have no such option. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	added->fd = fd;
	added->secure = secure;
	added->poll.data = added;
	l->listener[l->n++] = added;
	if (!l->paused) {
		CHECK(uv_poll_start(&added->poll, UV_READABLE, on_connection) == 0);
	}
	return ERR_OK;
}

void listen_stop(struct http_server *s)
{
	struct http_listeners *l = s->listeners;

	for (unsigned i = 0; i < l->n; i++) {
		uv_close((uv_handle_t *)&l->listener[i]->poll, free_handle);
		close(l->listener[i]->fd);
	}
	l->n = 0;
	uv_timer_stop(l->recheck);
	l->paused = false;
}

void listen_close(struct http_server *s)
{
	struct http_listeners *l = s->listeners;

	if (l == NULL) {
		return;
	}
	listen_stop(s);
	uv_close((uv_handle_t *)l->recheck, free_handle);
	if (l->netstat_fd >= 0) {
		close(l->netstat_fd);
	}
	free(l);
	s->listeners = NULL;
}

void listen_sample(struct http_server *s)
{
	struct http_listeners *l = s->listeners;
	int64_t queue = 0, limit = 0, overflows = 0, drops = 0;

	look_at_queues(l, &queue, &limit);
	/* The servers of a process count together. */
	metric_add(s->cells.accept_queue, queue - l->queue_told);
	metric_add(s->cells.accept_queue_limit, limit - l->limit_told);
	l->queue_told = queue;
	l->limit_told = limit;
	if (l->netstat_fd >= 0 && read_netstat(s, &overflows, &drops)) {
		metric_set(s->cells.listen_overflows, overflows - l->overflows_base);
		metric_set(s->cells.listen_drops, drops - l->drops_base);
	}
}

bool listen_netstat_find(struct slice text, struct slice name, int64_t *ret)
{
	struct slice names = SLICE_EMPTY, line, rest = text, word, value;

	while (slice_split(&rest, '\n', &line)) {
		if (!slice_starts(line, SLICE("TcpExt:"))) {
			continue;
		}
		if (names.len == 0) {
			names = line;
			continue;
		}
		while (slice_split(&names, ' ', &word) && slice_split(&line, ' ', &value)) {
			uint64_t n = 0;
			if (slice_eq(word, name) && slice_to_u64(value, INT64_MAX, &n) == ERR_OK) {
				*ret = (int64_t)n;
				return true;
			}
		}
		return false;
	}
	return false;
}
