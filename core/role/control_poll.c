/*
 * See control_poll.h.
 */
#include "core/role/control_poll.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"

void control_poll_init(struct control_poll *p, int fd)
{
	if (fd >= 0) {
		control_init(&p->control, fd);
	} else {
		p->control.fd = -1;
	}
	p->poll = NULL;
}

static void free_poll(uv_handle_t *handle)
{
	free(handle);
}

void control_poll_fini(struct control_poll *p)
{
	if (p->poll != NULL) {
		uv_close((uv_handle_t *)p->poll, free_poll);
		p->poll = NULL;
	}
	if (p->control.fd >= 0) {
		control_fini(&p->control);
	}
}

static void on_event(uv_poll_t *poll, int status, int events);

static void watch(struct control_poll *p)
{
	int events = UV_READABLE | (p->control.n_pending > 0 ? UV_WRITABLE : 0);

	CHECK(uv_poll_start(p->poll, events, on_event) == 0);
}

static void close_fds(const struct control_message *m)
{
	for (unsigned i = 0; i < m->n_fds; i++) {
		close(m->fds[i]);
	}
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct control_poll *p = poll->data;
	struct control_message m;
	enum err e = ERR_OK;

	(void)events;
	enum err sent = control_flush(&p->control);
	while (control_poll_is_open(p) && (e = control_receive(&p->control, &m)) == ERR_OK) {
		close_fds(&m); /* none is expected */
		p->on_message(p->arg, &m);
	}
	if (!control_poll_is_open(p)) {
		return; /* a message made us close it */
	}
	if (status != 0 || e != ERR_AGAIN || (sent != ERR_OK && sent != ERR_AGAIN)) {
		control_poll_fini(p);
		p->on_end(p->arg);
		return;
	}
	watch(p);
}

void control_poll_start(struct control_poll *p, struct loop *l)
{
	p->poll = calloc(1, sizeof(*p->poll));
	CHECK(p->poll != NULL);
	CHECK(uv_poll_init(loop_uv(l), p->poll, p->control.fd) == 0);
	p->poll->data = p;
	watch(p);
}

void control_poll_send(struct control_poll *p, enum control_kind kind, struct slice body,
    const int *fds, unsigned n_fds)
{
	if (!control_poll_is_open(p)) {
		return;
	}
	enum err e = control_send(&p->control, kind, body, fds, n_fds);
	if (e != ERR_OK) {
		/* The end of the stream follows, and with it on_end(). */
		return;
	}
	if (p->poll != NULL) {
		watch(p);
	}
}
