/*
 * A control socket in a supervisor's loop, as the two supervisors of an upgrade have one each.
 */
#ifndef PLIMSOLL_ROLE_CONTROL_POLL_H
#define PLIMSOLL_ROLE_CONTROL_POLL_H

#include <stdbool.h>

#include "core/ev/loop.h"
#include "core/role/control.h"

struct control_poll {
	struct control control; /* fd -1: closed */
	uv_poll_t *poll;	/* frees itself when it is closed; NULL: none */
	void (*on_message)(void *arg, const struct control_message *m);
	void (*on_end)(void *arg); /* the other side is gone; it is closed already */
	void *arg;
};

/* Takes the socket. Nothing is polled yet: control_receive() may be called directly. */
void control_poll_init(struct control_poll *p, int fd);
void control_poll_fini(struct control_poll *p);

/* From now on the loop calls back; the functions and arg are set. */
void control_poll_start(struct control_poll *p, struct loop *l);

/* Sends if it is open; a side that cannot be talked to is noticed as one that ended. */
void control_poll_send(struct control_poll *p, enum control_kind kind, struct slice body,
    const int *fds, unsigned n_fds);

static inline bool control_poll_is_open(const struct control_poll *p)
{
	return p->control.fd >= 0;
}

#endif
