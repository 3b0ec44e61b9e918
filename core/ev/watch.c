/*
 * See watch.h. The set is one descriptor to libuv: readable when anything in it is. What was ready
 * is then taken in batches; whoever is ended while a batch is told is struck from it.
 */
#include "core/ev/watch_set.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/check.h"

enum {
	BATCH = 1024
};

struct watch_set {
	uv_poll_t poll;
	int fd;
	unsigned n; /* watched */
	struct epoll_event batch[BATCH];
};

void watch_init(struct watch *w, int fd, watch_fn *fn)
{
	*w = (struct watch){ .fn = fn, .fd = fd };
}

static uint32_t epoll_of(int events)
{
	return ((events & UV_READABLE) != 0 ? EPOLLIN : 0u) |
	       ((events & UV_WRITABLE) != 0 ? EPOLLOUT : 0u) |
	       ((events & UV_DISCONNECT) != 0 ? EPOLLRDHUP : 0u);
}

/* Whoever was hung up on finds it out by whatever he waits for. */
static int events_of(uint32_t epoll)
{
	return ((epoll & (EPOLLIN | EPOLLHUP)) != 0 ? UV_READABLE : 0) |
	       ((epoll & (EPOLLOUT | EPOLLHUP)) != 0 ? UV_WRITABLE : 0) |
	       ((epoll & (EPOLLRDHUP | EPOLLHUP)) != 0 ? UV_DISCONNECT : 0);
}

static void count(struct watch_set *s, int by)
{
	s->n = by > 0 ? s->n + 1 : s->n - 1;
	if (s->n == 0) {
		uv_unref((uv_handle_t *)&s->poll);
	} else {
		uv_ref((uv_handle_t *)&s->poll);
	}
}

void watch_end(struct loop *l, struct watch *w)
{
	struct watch_set *s = loop_watches(l);

	if (w->at != 0) {
		s->batch[w->at - 1].data.ptr = NULL;
		w->at = 0;
	}
	if (w->events == 0) {
		return;
	}
	w->events = 0;
	CHECK(epoll_ctl(s->fd, EPOLL_CTL_DEL, w->fd, NULL) == 0);
	count(s, -1);
}

enum err watch_want(struct loop *l, struct watch *w, int events)
{
	struct watch_set *s = loop_watches(l);
	struct epoll_event e = { .events = epoll_of(events), .data.ptr = w };
	bool is_new = w->events == 0;

	if (events == w->events) {
		return ERR_OK;
	}
	if (events == 0) {
		watch_end(l, w);
		return ERR_OK;
	}
	if (epoll_ctl(s->fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, w->fd, &e) != 0) {
		CHECK(is_new);
		return err_from_errno(errno);
	}
	w->events = (uint8_t)events;
	if (is_new) {
		count(s, 1);
	}
	return ERR_OK;
}

static void tell(struct loop *l, struct watch *w, uint32_t epoll)
{
	bool broken = (epoll & EPOLLERR) != 0;
	int events = events_of(epoll) & w->events;

	w->at = 0;
	if (broken) {
		watch_end(l, w);
	}
	if (broken || events != 0) {
		w->fn(w, events, broken);
	}
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct loop *l = poll->loop->data;
	struct watch_set *s = loop_watches(l);
	int n = epoll_wait(s->fd, s->batch, BATCH, 0);

	(void)status;
	(void)events;
	for (int i = 0; i < n; i++) {
		struct watch *w = s->batch[i].data.ptr;
		w->at = (uint16_t)(i + 1);
	}
	for (int i = 0; i < n; i++) {
		if (s->batch[i].data.ptr != NULL) {
			tell(l, s->batch[i].data.ptr, s->batch[i].events);
		}
	}
}

enum err watch_set_open(uv_loop_t *uv, struct watch_set **ret)
{
	struct watch_set *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_MEMORY;
	}
	s->fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->fd < 0) {
		enum err e = err_from_errno(errno);
		free(s);
		return e;
	}
	CHECK(uv_poll_init(uv, &s->poll, s->fd) == 0);
	CHECK(uv_poll_start(&s->poll, UV_READABLE, on_ready) == 0);
	uv_unref((uv_handle_t *)&s->poll);
	*ret = s;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct watch_set *s = (struct watch_set *)(void *)handle; /* its first member */

	close(s->fd);
	free(s);
}

void watch_set_close(struct watch_set *s)
{
	CHECK(s->n == 0);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}
