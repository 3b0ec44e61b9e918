/*
 * The glue that libcurl's documentation describes for event loops (CURLMOPT_SOCKETFUNCTION,
 * CURLMOPT_TIMERFUNCTION), with a task parked per transfer.
 */
#include "accounts/courier/curl_loop.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/ev/task.h"

struct curl_loop {
	CURLM *multi;
	uv_loop_t *uv;
	uv_timer_t timer;
};

/* One socket that libcurl wants watched; freed when its handle has closed. */
struct watch {
	uv_poll_t poll;
	struct curl_loop *owner;
	curl_socket_t fd;
};

struct transfer {
	struct task *task;
	bool done;
	CURLcode code;
};

static void finish_done_transfers(struct curl_loop *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct transfer *t = NULL;
		if (m->msg != CURLMSG_DONE) {
			continue;
		}
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)(void *)&t);
		CHECK(t != NULL);
		t->done = true;
		t->code = m->data.result;
		task_wake(t->task);
	}
}

static void act(struct curl_loop *c, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(c->multi, fd, what, &running);
	finish_done_transfers(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	int what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
		   (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);

	act(w->owner, w->fd, status < 0 ? CURL_CSELECT_ERR : what);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void free_watch(uv_handle_t *h)
{
	free(h->data);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch_arg)
{
	struct curl_loop *c = arg;
	struct watch *w = watch_arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w != NULL) {
			curl_multi_assign(c->multi, fd, NULL);
			uv_poll_stop(&w->poll);
			uv_close((uv_handle_t *)&w->poll, free_watch);
		}
		return 0;
	}
	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL || uv_poll_init_socket(c->uv, &w->poll, fd) != 0) {
			free(w);
			return -1;
		}
		w->owner = c;
		w->fd = fd;
		w->poll.data = w;
		curl_multi_assign(c->multi, fd, w);
	}
	uv_poll_start(&w->poll,
	    (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
	    on_poll);
	return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *arg)
{
	struct curl_loop *c = arg;

	(void)multi;
	if (timeout_ms < 0) {
		uv_timer_stop(&c->timer);
	} else {
		/* 0 means "soon": never from here, libcurl does not want to be called back at once.
		 */
		uv_timer_start(&c->timer, on_timer, timeout_ms == 0 ? 1 : (uint64_t)timeout_ms, 0);
	}
	return 0;
}

enum err curl_loop_new(struct loop *l, long max_connections, struct curl_loop **ret)
{
	struct curl_loop *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return ERR_MEMORY;
	}
	c->uv = loop_uv(l);
	c->multi = curl_multi_init();
	if (c->multi == NULL) {
		free(c);
		return ERR_MEMORY;
	}
	uv_timer_init(c->uv, &c->timer);
	c->timer.data = c;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, max_connections);
	*ret = c;
	return ERR_OK;
}

static void free_loop(uv_handle_t *h)
{
	free(h->data);
}

void curl_loop_free(struct curl_loop **c)
{
	if (*c == NULL) {
		return;
	}
	curl_multi_cleanup((*c)->multi);
	uv_timer_stop(&(*c)->timer);
	uv_close((uv_handle_t *)&(*c)->timer, free_loop);
	*c = NULL;
}

enum err curl_loop_perform(struct curl_loop *c, CURL *easy, CURLcode *ret_code)
{
	return curl_loop_stream(c, easy, NULL, NULL, ret_code);
}

enum err curl_loop_stream(
    struct curl_loop *c, CURL *easy, curl_loop_step_fn *step, void *arg, CURLcode *ret_code)
{
	struct transfer t = { .task = task_current() };
	enum err e = ERR_OK;

	CHECK(t.task != NULL);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, &t);
	if (curl_multi_add_handle(c->multi, easy) != CURLM_OK) {
		return ERR_MEMORY;
	}
	while (e == ERR_OK && !t.done) {
		e = task_wait(DEADLINE_NONE);
		if (e == ERR_OK && step != NULL) {
			e = step(arg);
		}
	}
	curl_multi_remove_handle(c->multi, easy);
	if (t.done && (e == ERR_OK || step == NULL)) {
		*ret_code = t.code;
		return ERR_OK;
	}
	return e;
}
